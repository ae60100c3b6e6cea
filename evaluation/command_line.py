"""The `snakemake` command of this project's environment: Snakemake, with three differences.

Snakemake's `--resources`, `--config` and their like take any number of values and swallow a
target that follows them: `snakemake --cores 1 --resources gpu=1 results/quick/all.json` ends in
a ValueError. Here targets are told from values and put last, behind `--`. And whoever asks for
the aggregate of a tier wants to read its report, so that is brought up to date as well. Whoever
asks for a tier's gate wants to know whether it is violated: the target that prints it, and fails
then, is added, for a file that is up to date fails nothing.
"""

from __future__ import annotations

import re
import sys
from argparse import Action
from collections.abc import Mapping, Sequence

PAGE = re.compile(r"^(reports/(?:quick|standard|full))/(?:index\.html)?$")
AGGREGATE = re.compile(r"^results/(quick|standard|full)/all\.(?:json|csv|parquet)$")
GATE = re.compile(r"^results/(quick|standard|full)/gate\.json$")


def split_targets(
    arguments: Sequence[str], options: Mapping[str, Action]
) -> tuple[list[str], list[str]]:
    """Tell options and their values from targets: (options, targets).

    `options` are argparse's actions by option string.
    """
    kept: list[str] = []
    targets: list[str] = []
    option: Action | None = None
    taken = 0
    for position, argument in enumerate(arguments):
        if argument == "--":
            targets += arguments[position + 1 :]
            break
        if argument.startswith("-") and len(argument) > 1:
            kept.append(argument)
            option, taken = open_option(argument, options), 0
        elif option is not None and takes(option, taken, argument):
            kept.append(argument)
            taken += 1
        else:
            targets.append(argument)
            option = None
    return kept, targets


def open_option(argument: str, options: Mapping[str, Action]) -> Action | None:
    """The option that values may follow: None where the argument brings its value with it.

    Like argparse, takes `--res` for `--resources`, `-kc 4` for `-k -c 4` and `-c4` for `-c 4`;
    what has a `=` is no option's name.
    """
    if argument.startswith("--"):
        if argument in options:
            return options[argument]
        meant = {id(o): o for name, o in options.items() if name.startswith(argument)}
        return meant.popitem()[1] if len(meant) == 1 else None
    for position, letter in enumerate(argument[1:], 2):
        option = options.get(f"-{letter}")
        if option is None or option.nargs != 0:
            return option if position == len(argument) else None
    return None


def takes(option: Action, taken: int, value: str) -> bool:
    """Whether an option that has `taken` values so far takes this one too."""
    if option.nargs is None:
        return taken == 0
    if isinstance(option.nargs, int):
        return taken < option.nargs
    if option.nargs == "?" and taken > 0:
        return False
    if option.choices is not None:
        return value in {str(choice) for choice in option.choices}
    if "=" in str(option.metavar or ""):
        return "=" in value
    if option.dest == "configfile":
        return taken == 0 or value.endswith((".yaml", ".yml"))
    return True


def with_reports(targets: Sequence[str]) -> list[str]:
    """The targets and the report of every tier whose aggregate is among them.

    >>> with_reports(["results/quick/all.json"])
    ['results/quick/all.json', 'reports/quick']

    A report is made as a folder, so its first page is asked for by that:

    >>> with_reports(["reports/full/index.html"])
    ['reports/full']
    """
    tiers = {match.group(1): None for t in targets if (match := AGGREGATE.match(t))}
    reports = [f"reports/{tier}" for tier in tiers]
    asked = [match.group(1) if (match := PAGE.match(t)) else t for t in targets]
    return asked + [report for report in reports if report not in asked]


def with_gates(targets: Sequence[str]) -> list[str]:
    """The targets and the one that fails if the gate is violated, for every gate among them.

    >>> with_gates(["results/quick/gate.json"])
    ['results/quick/gate.json', 'gate_quick']
    """
    gates = [f"gate_{match.group(1)}" for t in targets if (match := GATE.match(t))]
    return list(targets) + [gate for gate in dict.fromkeys(gates) if gate not in targets]


def main() -> None:
    """Run Snakemake with the arguments put in order."""
    from snakemake.cli import get_argument_parser
    from snakemake.cli import main as snakemake

    known = get_argument_parser()._option_string_actions
    options, targets = split_targets(sys.argv[1:], known)
    # The workflow imports `evaluation` from its own folder, which may be another checkout than
    # the one this command was installed from.
    for name in [n for n in sys.modules if n.partition(".")[0] == "evaluation"]:
        del sys.modules[name]
    snakemake([*options, *(["--", *with_gates(with_reports(targets))] if targets else [])])


if __name__ == "__main__":
    main()
