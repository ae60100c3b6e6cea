"""Responses of a model to one slice of a dataset.

Needs: the model's manifest, the prepared dataset. Makes: one responses file a slice. The first
job of a model answers all pending slices with one load and leaves them in journals
(results/journals); the next ones only write their files. See docs/architecture.md.
"""


rule generate:
    input:
        model="models/{model}.json",
        samples="data/{dataset}.jsonl",
        dataset="data/{dataset}.manifest.json",
    output:
        responses="results/responses/{model}/{preset}/{dataset}/{variant}/{slice}.jsonl",
    log:
        "logs/generate/{model}/{preset}/{dataset}/{variant}/{slice}.log",
    benchmark:
        "logs/generate/{model}/{preset}/{dataset}/{variant}/{slice}.benchmark.tsv"
    priority: model_rank
    conda:
        "../envs/engine.yaml"
    threads: workflow.cores
    resources:
        # A model behind a server needs none of this machine's.
        gpu=lambda wildcards: (
            0 if catalogue.engine_of(CONFIG, wildcards.model) == "openai" else 1
        ),
    params:
        settings=lambda wildcards: plan.to_json(
            plan.generate_settings(
                CONFIG,
                wildcards.model,
                wildcards.preset,
                wildcards.dataset,
                wildcards.variant,
                wildcards.slice,
            )
        ),
        machine=lambda wildcards, input: plan.to_json(
            plan.machine(CONFIG, wildcards.model, wildcards.preset)
        ),
        queue=pending_tasks,
    message:
        "generate {wildcards.model} {wildcards.dataset} {wildcards.slice}"
    shell:
        "python scripts/generate.py --settings {params.settings:q} --log {log:q}"
        " --machine {params.machine:q} --queue {params.queue:q} --model {input.model:q}"
        " --output {output.responses:q}"
        " --threads {threads}"
