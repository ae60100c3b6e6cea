"""The aggregate of a tier, and its history.

Needs: the results of all cells of the run, and the stamp that tells when one went missing.
Makes: results/{tier}/all.json, all.csv and all.parquet, and results/{tier}/history.jsonl, to which
each run that changes the tier adds a line.
"""


rule aggregate:
    input:
        results=lambda wildcards: plan.cells(CONFIG, wildcards.tier),
        stamp=lambda wildcards: stamps.stamp_path(wildcards.tier),
        code="evaluation/aggregate.py",
    output:
        json="results/{tier}/all.json",
        csv="results/{tier}/all.csv",
        parquet="results/{tier}/all.parquet",
    log:
        "logs/aggregate/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            plan.aggregate_settings(CONFIG, wildcards.tier)
        ),
    message:
        "aggregate {wildcards.tier}"
    shell:
        "python scripts/aggregate.py --settings {params.settings:q} --log {log:q}"
        " --results {input.results:q} --json {output.json:q} --csv {output.csv:q}"
        " --parquet {output.parquet:q}"


# The output is of all runs: Snakemake keeps it when the job starts and puts it back when it fails.
rule history:
    input:
        aggregate="results/{tier}/all.json",
    output:
        update("results/{tier}/history.jsonl"),
    log:
        "logs/history/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            report_plan.history_settings(CONFIG, wildcards.tier)
        ),
    message:
        "history {wildcards.tier}"
    shell:
        "python scripts/history.py --settings {params.settings:q} --log {log:q}"
        " --aggregate {input.aggregate:q} --output {output:q}"
