"""Datasets.

Needs: datasets.{dataset} in the configuration. Makes: data/{dataset}.jsonl, all samples in
their seeded, stratified order, and data/{dataset}.manifest.json, their source and fingerprint.
"""


rule prepare_dataset:
    input:
        rows=lambda wildcards: plan.mirror_files(CONFIG, wildcards.dataset),
    output:
        samples="data/{dataset}.jsonl",
        manifest="data/{dataset}.manifest.json",
    log:
        "logs/prepare_dataset/{dataset}.log",
    priority: PRIORITY["prepare"]
    conda:
        "../envs/data.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            plan.prepare_settings(CONFIG, wildcards.dataset)
        ),
    message:
        "prepare dataset {wildcards.dataset}"
    shell:
        "python scripts/prepare_dataset.py --settings {params.settings:q} --log {log:q}"
        " --samples {output.samples:q} --manifest {output.manifest:q}"
