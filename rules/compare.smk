"""Comparisons of models.

Needs: the results of all cells of the run, the stamp that tells when one went missing, and the
code of comparisons and statistics. Makes: results/{tier}/comparisons.json, all pairs of models.
"""

from evaluation import decision_plan


rule compare_models:
    input:
        results=lambda wildcards: plan.cells(CONFIG, wildcards.tier),
        stamp=lambda wildcards: stamps.stamp_path(wildcards.tier),
        code=decision_plan.comparing_code(),
    output:
        json="results/{tier}/comparisons.json",
    log:
        "logs/compare_models/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            decision_plan.compare_settings(CONFIG, wildcards.tier)
        ),
    message:
        "compare models {wildcards.tier}"
    shell:
        "python scripts/compare_models.py --settings {params.settings:q} --log {log:q}"
        " --results {input.results:q} --output {output.json:q}"
