"""Ratings of open answers by a judge.

Needs: the responses of one slice, and a judge: a model of ours or an endpoint. Makes: one file of
judgments a slice. As with generate, the first job of a judge rates all answers that are there with
one load. These jobs come last, so that those are the answers of all models. See docs/judge.md.
"""


rule judge:
    input:
        responses="results/responses/{model}/{preset}/{dataset}/{variant}/{slice}.jsonl",
        samples="data/{dataset}.jsonl",
        dataset="data/{dataset}.manifest.json",
        judge=lambda wildcards: judge_plan.manifests(wildcards.judge),
    output:
        judgments="results/judgments/{judge}/{model}/{preset}/{dataset}/{variant}/{slice}.jsonl",
    log:
        "logs/judge/{judge}/{model}/{preset}/{dataset}/{variant}/{slice}.log",
    wildcard_constraints:
        judge="|".join([*CONFIG.models, ENDPOINT]),
    priority: PRIORITY["judge"]
    conda:
        "../envs/engine.yaml"
    # One job at a time, endpoints too: a second one beside it would ask everything again.
    threads: workflow.cores
    resources:
        gpu=lambda wildcards: 0 if wildcards.judge == ENDPOINT else 1,
    params:
        settings=lambda wildcards: plan.to_json(
            judge_plan.job(
                CONFIG,
                wildcards.judge,
                wildcards.model,
                wildcards.preset,
                wildcards.dataset,
                wildcards.variant,
                wildcards.slice,
            )
        ),
        machine=lambda wildcards, input: plan.to_json(
            judge_plan.machine(CONFIG, wildcards.judge)
        ),
        queue=pending_judgments,
    message:
        "judge {wildcards.model} {wildcards.dataset} {wildcards.slice} by {wildcards.judge}"
    shell:
        "python scripts/judge.py --settings {params.settings:q} --log {log:q}"
        " --machine {params.machine:q} --queue {params.queue:q} --judge {input.judge:q}"
        " --output {output.judgments:q} --threads {threads}"
