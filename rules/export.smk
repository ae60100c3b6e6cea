"""Costs and exports of a tier.

Needs: the results of the tier, its aggregate and, with two or more models, its comparisons; prices
in `cost` of the configuration. Makes: results/{tier}/cost.json, and in results/{tier}/export/ tables
of samples and comparisons, records of Every Eval Ever and results for the Hub. See docs/exports.md.
"""

from evaluation import decision_plan
from evaluation.cost import cost_job


localrules:
    export,


rule cost:
    input:
        aggregate="results/{tier}/all.json",
        comparisons=lambda wildcards: decision_plan.comparisons(CONFIG, wildcards.tier),
        code=["evaluation/cost.py", "evaluation/session_costs.py"],
    output:
        "results/{tier}/cost.json",
    log:
        "logs/cost/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=plan.to_json(cost_job(CONFIG)),
    message:
        "cost {wildcards.tier}"
    shell:
        "python scripts/cost.py --settings {params.settings:q} --log {log:q}"
        " --tier {wildcards.tier} --aggregate {input.aggregate:q}"
        " --comparisons {input.comparisons:q} --output {output:q}"


rule export_tier:
    input:
        results=lambda wildcards: plan.cells(CONFIG, wildcards.tier),
        stamp=lambda wildcards: stamps.stamp_path(wildcards.tier),
        comparisons=lambda wildcards: decision_plan.comparisons(CONFIG, wildcards.tier),
        code=[
            f"evaluation/exports/{name}.py"
            for name in (
                "every_eval_ever",
                "every_eval_ever_records",
                "hub_results",
                "tables",
                "write",
            )
        ],
    output:
        samples=[
            "results/{tier}/export/samples.csv",
            "results/{tier}/export/samples.parquet",
        ],
        comparisons=[
            "results/{tier}/export/comparisons.csv",
            "results/{tier}/export/comparisons.parquet",
        ],
        every_eval_ever=directory("results/{tier}/export/every_eval_ever"),
        hub=directory("results/{tier}/export/hub"),
    log:
        "logs/export_tier/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    message:
        "export {wildcards.tier}"
    shell:
        "python scripts/export_tier.py --settings '{{}}' --log {log:q}"
        " --tier {wildcards.tier} --results {input.results:q}"
        " --comparisons {input.comparisons:q} --sample-tables {output.samples:q}"
        " --comparison-tables {output.comparisons:q}"
        " --every-eval-ever {output.every_eval_ever:q} --hub {output.hub:q}"


# The tiers that have been run; without any, quick is.
rule export:
    input:
        [
            f"results/{tier}/{name}"
            for tier in [t for t in TIERS if Path(f"results/{t}/all.json").exists()]
            or ["quick"]
            for name in ("cost.json", "export/samples.csv")
        ],
