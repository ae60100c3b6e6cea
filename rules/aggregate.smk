"""The aggregate of a tier.

Needs: the results of all cells of the run, and the stamp that tells when one went missing.
Makes: results/{tier}/all.json, all.csv and all.parquet.
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
