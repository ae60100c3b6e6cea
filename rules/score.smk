"""Results of cells.

Needs: the responses of the slices below the tier's size, and their judgments where there is a
judge; above quick, the choice of the preset first (presets.smk). Makes: the file target of the
project, results/{tier}/{model}/{dataset}.json. Depends on the code that decides the score, so that
an edited scorer rescores its dataset and nothing else; no model is loaded.
"""


rule score:
    input:
        responses=cell_responses,
        judgments=cell_judgments,
        judge=lambda wildcards: judge_plan.cell_manifests(CONFIG, wildcards.dataset),
        samples="data/{dataset}.jsonl",
        dataset="data/{dataset}.manifest.json",
        model="models/{model}.json",
        code=lambda wildcards: code_files.scoring_code(wildcards.dataset),
        # Its content changes when programs can be run that could not be before.
        sandbox=lambda wildcards: (
            [stamps.sandbox_stamp()] if plan.runs_code(wildcards.dataset) else []
        ),
    output:
        result="results/{tier}/{model}/{dataset}.json",
    log:
        "logs/score/{tier}/{model}/{dataset}.log",
    priority: PRIORITY["score"]
    conda:
        "../envs/score.yaml"
    threads: scoring_threads
    params:
        settings=lambda wildcards: plan.to_json(
            plan.score_settings(
                CONFIG, wildcards.tier, wildcards.model, wildcards.dataset
            )
        ),
    message:
        "score {wildcards.tier} {wildcards.model} {wildcards.dataset}"
    shell:
        "python scripts/score.py --settings {params.settings:q} --log {log:q}"
        " --responses {input.responses:q} --samples {input.samples:q}"
        " --dataset {input.dataset:q} --model {input.model:q} --output {output.result:q}"
        " --judgments {input.judgments:q} --judge {input.judge:q}"
        " --threads {threads}"


# Only a target that is no known cell gets here: say what is wrong with it, instead of "no rule".
rule unknown_cell:
    input:
        lambda wildcards: refuse(
            targets.explain_unknown(CONFIG, wildcards.unknown_cell)
        ),
    output:
        "results/{unknown_cell}.json",
    log:
        "logs/unknown_cell/{unknown_cell}.log",
    conda:
        "../envs/score.yaml"
    shell:
        "false"
