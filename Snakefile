"""Evaluation of language models: from config.yaml to one result per (model, dataset, tier).

This file only wires: configuration, includes, targets, and the words at the end of a run.
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


# What `snakemake --report report.zip` says first.
report: "rules/captions/workflow.rst"


# common.smk comes first: it validates the configuration before any rule is made.
include: "rules/common.smk"
include: "rules/hooks.smk"
include: "rules/models.smk"
include: "rules/datasets.smk"
include: "rules/generate.smk"
include: "rules/judge.smk"
include: "rules/score.smk"
include: "rules/aggregate.smk"
include: "rules/report.smk"
include: "rules/presets.smk"
include: "rules/compare.smk"
include: "rules/gate.smk"
include: "rules/adaptive.smk"
include: "rules/export.smk"
include: "rules/analyze.smk"


localrules:
    quick,
    standard,
    full,
    all,


# ---- targets -------------------------------------------------------------------------------


rule quick:
    default_target: True
    input:
        "results/quick/all.json",
        "reports/quick",


rule standard:
    input:
        "results/standard/all.json",
        "reports/standard",


rule full:
    input:
        "results/full/all.json",
        "reports/full",


rule all:
    input:
        expand("results/{tier}/all.json", tier=TIERS),
        expand("reports/{tier}", tier=TIERS),


# ---- the words around a run ----------------------------------------------------------------


onstart:
    begin_run()
    check_judges()


onsuccess:
    end_run()


onerror:
    explain_failures(log)
