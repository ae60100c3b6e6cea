"""The report of a tier.

Needs: the aggregate, the results behind it, the comparisons of its models if there are two, and the
templates, which are inputs: an edited template renders the report anew and nothing else. Makes:
reports/{tier}/index.html and a page of samples for each cell beside it.
"""

from evaluation import decision_plan


rule report:
    input:
        aggregate="results/{tier}/all.json",
        results=lambda wildcards: plan.cells(CONFIG, wildcards.tier),
        comparisons=lambda wildcards: decision_plan.comparisons(CONFIG, wildcards.tier),
        templates=code_files.report_code(),
    output:
        index="reports/{tier}/index.html",
        samples=directory("reports/{tier}/samples"),
    log:
        "logs/report/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    message:
        "report {wildcards.tier}"
    shell:
        "python scripts/report.py --settings '{{}}' --log {log:q} --aggregate {input.aggregate:q}"
        " --results {input.results:q} --comparisons {input.comparisons:q} --index {output.index:q}"
