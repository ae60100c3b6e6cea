"""The adaptive tier.

Needs: the cells of quick, then those cells of standard and of full whose comparison the stage
before left undecided. Makes: results/adaptive/{tier}.json, the decisions after a tier's look and
the cells that need more; results/adaptive/summary.json. See docs/adaptive.md.
"""


checkpoint adapt:
    input:
        before=lambda wildcards: adaptive_plan.before(
            wildcards.tier, checkpoints.adapt.get
        ),
        results=lambda wildcards: adaptive_plan.cells(
            CONFIG, wildcards.tier, checkpoints.adapt.get
        ),
        datasets=adaptive_plan.manifests(CONFIG),
        code=adaptive_plan.code(),
    output:
        stage="results/adaptive/{tier}.json",
    log:
        "logs/adapt/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            adaptive_plan.settings(CONFIG, wildcards.tier)
        ),
    message:
        "adapt {wildcards.tier}"
    shell:
        "python scripts/adapt.py --settings {params.settings:q} --log {log:q}"
        " --before {input.before:q} --results {input.results:q}"
        " --datasets {input.datasets:q} --output {output.stage:q}"


rule adaptive:
    input:
        stages=lambda wildcards: [
            adaptive_plan.stage_file(tier)
            for tier in adaptive_plan.tiers(checkpoints.adapt.get)
        ],
        results=lambda wildcards: [
            cell
            for tier in adaptive_plan.tiers(checkpoints.adapt.get)
            for cell in adaptive_plan.cells(CONFIG, tier, checkpoints.adapt.get)
        ],
        datasets=adaptive_plan.manifests(CONFIG),
        code=adaptive_plan.code(),
    output:
        summary=adaptive_plan.SUMMARY,
    log:
        "logs/adaptive.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=plan.to_json(adaptive_plan.settings(CONFIG)),
    message:
        "adaptive summary"
    shell:
        "python scripts/adaptive.py --settings {params.settings:q} --log {log:q}"
        " --stages {input.stages:q} --results {input.results:q}"
        " --datasets {input.datasets:q} --output {output.summary:q}"
