"""Plain text for the terminal.

Needs: results/{tier}/all.json and cost.json, or comparisons.json, of whichever tiers have them;
they are no inputs, so that nothing is ever computed. Makes: no file, but prints on every run, and
ends with an error where there is nothing to print.
"""


localrules:
    analyze,
    compare,


rule analyze:
    log:
        "logs/analyze.log",
    conda:
        "../envs/report.yaml"
    message:
        "analyze"
    shell:
        "python scripts/analyze.py --settings '{{}}' --log {log:q}"


rule compare:
    log:
        "logs/compare.log",
    conda:
        "../envs/report.yaml"
    message:
        "compare"
    shell:
        "python scripts/compare.py --settings '{{}}' --log {log:q}"
