"""Models.

Needs: models.{model} in the configuration. Makes: models/{model}.json, the manifest of resolved
revision, files and sizes; weights lie in the Hub cache, in models/{model}/, or where they were.
"""


rule fetch_model:
    input:
        files=lambda wildcards: plan.path_model_files(CONFIG, wildcards.model),
    output:
        manifest="models/{model}.json",
    log:
        "logs/fetch_model/{model}.log",
    priority: PRIORITY["fetch"]
    conda:
        "../envs/engine.yaml"
    params:
        # Only the key is a reason to fetch again; a parameter that takes `input` never is.
        key=lambda wildcards: plan.fetch_key(CONFIG, wildcards.model),
        settings=lambda wildcards, input: plan.to_json(
            plan.fetch_settings(CONFIG, wildcards.model)
        ),
    message:
        "fetch model {wildcards.model}"
    shell:
        "python scripts/fetch_model.py --settings {params.settings:q} --log {log:q}"
        " --manifest {output.manifest:q}"
