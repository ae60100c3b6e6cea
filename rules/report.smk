"""The report of a tier.

Needs: the aggregate, the results behind it, what they took, the comparisons of its models if there
are two, the choices of their presets if there are any, the tier's history, and the templates, which
are inputs: an edited template renders the report anew and nothing else. Makes: the folder
reports/{tier} with index.html and all other pages, which `snakemake --report report.zip` packs.
"""

from evaluation import decision_plan


rule report:
    input:
        aggregate="results/{tier}/all.json",
        results=lambda wildcards: plan.cells(CONFIG, wildcards.tier),
        comparisons=lambda wildcards: decision_plan.comparisons(CONFIG, wildcards.tier),
        cost="results/{tier}/cost.json",
        presets=lambda wildcards: preset_plan.shown_choices(CONFIG, wildcards.tier),
        history="results/{tier}/history.jsonl",
        templates=code_files.report_code(),
    output:
        site=report(
            directory("reports/{tier}"),
            htmlindex="index.html",
            caption="captions/report.rst",
            category="Evaluation reports",
            labels={"tier": "{tier}"},
        ),
    log:
        "logs/report/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=shown_settings,
    message:
        "report {wildcards.tier}"
    shell:
        "python scripts/report.py --settings {params.settings:q} --log {log:q}"
        " --aggregate {input.aggregate:q} --results {input.results:q}"
        " --comparisons {input.comparisons:q} --cost {input.cost:q} --presets {input.presets:q}"
        " --history {input.history:q} --site {output.site:q}"
