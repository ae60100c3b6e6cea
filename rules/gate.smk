"""The gate for CI.

Needs: the results of all cells of the run, the stamp that tells when one went missing, and the
rules under `gate` in the configuration. Makes: results/{tier}/gate.json, violated or not. The
targets gate_quick, gate_standard and gate_full make no file: they print that one and fail when it
is violated, on every run. The project's own `snakemake` command adds them to the file.
"""


rule apply_gate:
    input:
        # Refuses a gate without rules before any job.
        results=lambda wildcards: decision_plan.gate_cells(CONFIG, wildcards.tier),
        stamp=lambda wildcards: stamps.stamp_path(wildcards.tier),
        code=["evaluation/gate.py", *decision_plan.comparing_code()],
    output:
        json="results/{tier}/gate.json",
    log:
        "logs/apply_gate/{tier}.log",
    priority: PRIORITY["aggregate"]
    conda:
        "../envs/report.yaml"
    params:
        settings=lambda wildcards: plan.to_json(
            decision_plan.gate_settings(CONFIG, wildcards.tier)
        ),
    message:
        "apply gate {wildcards.tier}"
    shell:
        "python scripts/apply_gate.py --settings {params.settings:q} --log {log:q}"
        " --results {input.results:q} --output {output.json:q}"


# Without an output, so that it runs, and fails, each time it is asked for.
for gate_tier in TIERS:

    rule:
        name:
            f"gate_{gate_tier}"
        input:
            gate=f"results/{gate_tier}/gate.json",
        log:
            f"logs/gate/{gate_tier}.log",
        # Last and alone, so that its failure keeps no report from being made.
        priority: -1
        localrule: True
        conda:
            "../envs/report.yaml"
        threads: workflow.cores
        params:
            tier=gate_tier,
        message:
            "gate {params.tier}"
        shell:
            "python scripts/gate.py --gate {input.gate:q} --tier {params.tier:q} --log {log:q}"
