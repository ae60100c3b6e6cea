"""The choice of a preset.

Needs: the quick tier of a model; where its default preset is not healthy there, the candidates
are run on the quick slices, one after the other. Makes: results/presets/{model}/{preset}.json, how
a preset did; results/presets/{model}/{preset}/{dataset}.json, a candidate's quick results; and
results/presets/{model}.json, the choice that standard and full wait for. See docs/presets.md.
"""


localrules:
    presets,


rule presets:
    input:
        lambda wildcards: preset_plan.choices(CONFIG)
        or refuse(preset_plan.no_choices(CONFIG)),


use rule score as score_preset with:
    input:
        responses=lambda wildcards: plan.preset_responses(
            CONFIG, wildcards.model, wildcards.preset, wildcards.dataset, TIERS[0]
        ),
        # A candidate is not judged.
        judgments=[],
        judge=[],
        samples="data/{dataset}.jsonl",
        dataset="data/{dataset}.manifest.json",
        model="models/{model}.json",
        code=lambda wildcards: code_files.scoring_code(wildcards.dataset),
        sandbox=lambda wildcards: (
            [stamps.sandbox_stamp()] if plan.runs_code(wildcards.dataset) else []
        ),
    output:
        result="results/presets/{model}/{preset}/{dataset}.json",
    log:
        "logs/score_preset/{model}/{preset}/{dataset}.log",
    wildcard_constraints:
        model=targets.choosing_models(CONFIG),
    params:
        settings=lambda wildcards: plan.to_json(
            preset_plan.candidate_settings(
                CONFIG, wildcards.model, wildcards.preset, wildcards.dataset
            )
        ),
    message:
        "score {wildcards.model} {wildcards.dataset} with {wildcards.preset}"


# A checkpoint: when it is done, select_preset looks again whether another preset is to be tried.
checkpoint assess_preset:
    input:
        responses=lambda wildcards: preset_plan.responses(
            CONFIG, wildcards.model, wildcards.preset
        ),
        results=lambda wildcards: preset_plan.results(
            CONFIG, wildcards.model, wildcards.preset
        ),
        default=lambda wildcards: preset_plan.default_results(
            CONFIG, wildcards.model, wildcards.preset
        ),
        code=["evaluation/preset_health.py", "evaluation/repetition.py"],
    output:
        health="results/presets/{model}/{preset}.json",
    log:
        "logs/assess_preset/{model}/{preset}.log",
    wildcard_constraints:
        model=targets.choosing_models(CONFIG),
    priority: PRIORITY["presets"]
    conda:
        "../envs/report.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            preset_plan.assess_settings(CONFIG, wildcards.model, wildcards.preset)
        ),
    message:
        "assess {wildcards.preset} for {wildcards.model}"
    shell:
        "python scripts/assess_preset.py --settings {params.settings:q} --log {log:q}"
        " --responses {input.responses:q} --results {input.results:q}"
        " --default-results {input.default:q} --output {output.health:q}"


# A checkpoint: the cells of standard and full learn from it which responses they need. Its own
# inputs are named from the files that are there, and not by `checkpoints.assess_preset.get`: with
# that, Snakemake would take an outdated choice for a good one.
checkpoint select_preset:
    input:
        tried=lambda wildcards: preset_selection.health_files(CONFIG, wildcards.model),
        code="evaluation/preset_selection.py",
    output:
        choice="results/presets/{model}.json",
    log:
        "logs/select_preset/{model}.log",
    wildcard_constraints:
        model=targets.choosing_models(CONFIG),
    priority: PRIORITY["presets"]
    conda:
        "../envs/report.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            preset_plan.select_settings(CONFIG, wildcards.model)
        ),
    message:
        "choose a preset for {wildcards.model}"
    shell:
        "python scripts/select_preset.py --settings {params.settings:q} --log {log:q}"
        " --tried {input.tried:q} --output {output.choice:q}"
