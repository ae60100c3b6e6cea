"""The `snakemake` command: targets are told from values in any order of arguments.

The measure is Snakemake's own parser: what it makes of the rearranged arguments must be what it
makes of the same options followed by `--` and the targets.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.cli import get_argument_parser

from evaluation import command_line
from evaluation.command_line import split_targets, with_gates, with_reports

ALL = "results/quick/all.json"
CELL = "results/quick/qwen3_8b/gsm8k.json"


@pytest.fixture(scope="module")
def parser() -> ArgumentParser:
    found: ArgumentParser = get_argument_parser()
    return found


def meaning(parser: ArgumentParser, options: list[str], targets: list[str]) -> dict[str, Any]:
    """Snakemake's namespace for options and targets that nobody can confuse."""
    found = vars(parser.parse_args([*options, "--", *targets]))
    # These have no equality of their own.
    found["max_jobs_per_timespan"] = vars(found["max_jobs_per_timespan"])
    found["default_resources"] = repr(found["default_resources"])
    return found


# What is typed, its options, its targets
CASES: list[tuple[str, str, str]] = [
    (f"--cores 1 --resources gpu=1 {ALL}", "--cores 1 --resources gpu=1", ALL),
    (f"{ALL} --cores 1 --resources gpu=1", "--cores 1 --resources gpu=1", ALL),
    (f"--cores 1 {ALL} --resources gpu=1", "--cores 1 --resources gpu=1", ALL),
    (f"--resources gpu=1 {ALL} --cores 1", "--resources gpu=1 --cores 1", ALL),
    (f"--cores 1 --resources gpu=1 -- {ALL}", "--cores 1 --resources gpu=1", ALL),
    (f"--resources=gpu=1 {ALL}", "--resources=gpu=1", ALL),
    (f"--resources gpu=1 mem_mb=9 {ALL} {CELL}", "--resources gpu=1 mem_mb=9", f"{ALL} {CELL}"),
    (f"--res gpu=1 {ALL}", "--res gpu=1", ALL),
    (f"--resour gpu=1 {ALL}", "--resources gpu=1", ALL),
    (f"--configfile a.yaml {ALL}", "--configfile a.yaml", ALL),
    (f"--configfile a.yaml b.yml {ALL}", "--configfile a.yaml b.yml", ALL),
    (f"--configfile=a.yaml {ALL}", "--configfile=a.yaml", ALL),
    (f"--configfile a.json {ALL}", "--configfile a.json", ALL),
    (f"--config k=v {ALL}", "--config k=v", ALL),
    (f"--config k=v tiers={{quick:3}} {ALL}", "--config k=v tiers={quick:3}", ALL),
    (f"-C k=v {ALL}", "--config k=v", ALL),
    (f"--quiet rules {ALL}", "--quiet rules", ALL),
    (f"--quiet {ALL}", "--quiet", ALL),
    (f"--quiet rules progress {ALL}", "--quiet rules progress", ALL),
    (f"-q all {ALL}", "--quiet all", ALL),
    (f"-n {ALL}", "--dry-run", ALL),
    (f"-np {ALL}", "--dry-run --printshellcmds", ALL),
    (f"-nq rules {ALL}", "--dry-run --quiet rules", ALL),
    (f"-c4 {ALL}", "--cores 4", ALL),
    (f"-c=4 {ALL}", "--cores 4", ALL),
    (f"-c all {ALL}", "--cores all", ALL),
    (f"-kc 4 {ALL}", "--keep-going --cores 4", ALL),
    (f"-kc4 {ALL}", "--keep-going --cores 4", ALL),
    (f"--core 4 {ALL}", "--cores 4", ALL),
    (f"--retries -1 {ALL}", "--retries=-1", ALL),
    (f"--rerun-triggers mtime params {ALL}", "--rerun-triggers mtime params", ALL),
    (f"--set-resources generate:gpu=1 {ALL}", "--set-resources generate:gpu=1", ALL),
    (f"--set-threads generate=4 {ALL}", "--set-threads generate=4", ALL),
    (f"--default-resources mem_mb=9 {ALL}", "--default-resources mem_mb=9", ALL),
    (f"--default-resources {ALL}", "--default-resources", ALL),
    (f"--set-scatter a=2 {ALL}", "--set-scatter a=2", ALL),
    (f"--batch score=1/2 {ALL}", "--batch score=1/2", ALL),
    (f"--deploy-sources a b {ALL}", "--deploy-sources a b", ALL),
    (f"--scheduler ilp {ALL}", "--scheduler ilp", ALL),
    (f"--scheduler {ALL}", "--scheduler", ALL),
    (f"--dag {ALL}", "--dag", ALL),
    (f"--dag mermaid-js {ALL}", "--dag mermaid-js", ALL),
    (f"--rulegraph {ALL}", "--rulegraph", ALL),
    (f"--lint json {ALL}", "--lint json", ALL),
    (f"--report out.html {ALL}", "--report out.html", ALL),
    (f"--software-deployment-method conda {ALL}", "--software-deployment-method conda", ALL),
    (f"--sdm conda apptainer {ALL}", "--sdm conda apptainer", ALL),
    (f"--profile profiles/x {ALL}", "--profile profiles/x", ALL),
    (f"-s Snakefile {ALL} --directory d", "-s Snakefile --directory d", ALL),
    # These take targets, as in Snakemake itself.
    ("--forcerun score aggregate --cores 1", "--forcerun score aggregate --cores 1", ""),
    (f"--forcerun score -- {ALL}", "--forcerun score", ALL),
    (f"--until score --cores 1 {ALL}", "--until score --cores 1", ALL),
    # Without targets, or with rules and options-like files for targets
    ("--cores 1 --resources gpu=1", "--cores 1 --resources gpu=1", ""),
    ("quick --cores 1", "--cores 1", "quick"),
    ("--cores 1 -- -odd --name", "--cores 1", "-odd --name"),
]


@pytest.mark.parametrize(("typed", "options", "targets"), CASES, ids=[case[0] for case in CASES])
def test_typed_arguments_mean_what_their_plain_form_means(
    parser: ArgumentParser, typed: str, options: str, targets: str
) -> None:
    found_options, found_targets = split_targets(typed.split(), parser._option_string_actions)
    assert found_targets == targets.split()
    expected = meaning(parser, options.split(), targets.split())
    assert meaning(parser, found_options, found_targets) == expected
    assert expected["targets"] == (targets.split() or set())


def test_literal_command_of_the_project(parser: ArgumentParser) -> None:
    typed = f"--cores 1 --resources gpu=1 {ALL}".split()
    options, targets = split_targets(typed, parser._option_string_actions)
    found = parser.parse_args([*options, "--", *targets])
    assert found.targets == [ALL]
    assert found.cores == 1
    assert repr(found.resources) == "{'gpu': Resource(\"gpu\", 1)}"


def test_snakemake_itself_fails_at_what_is_repaired_here(parser: ArgumentParser) -> None:
    """When this fails, Snakemake has mended its parser and the command is no longer needed."""
    typed = ["--cores", "1", "--resources", "gpu=1", ALL]
    try:
        found = vars(parser.parse_args(typed))
    except (SystemExit, ValueError):
        return
    assert found["targets"] != [ALL]


GROUPS = st.sampled_from(
    [
        ["--cores", "1"],
        ["-c2"],
        ["-j", "3"],
        ["--resources", "gpu=1"],
        ["--resources", "gpu=1", "mem_mb=100"],
        ["--resources=gpu=2"],
        ["--set-resources", "score:gpu=1"],
        ["--configfile", "config/demo.yaml"],
        ["--configfile", "a.yaml", "b.yaml"],
        ["--config", "seed=7", "mirror=/m"],
        ["--quiet"],
        ["--quiet", "rules", "host"],
        ["-n"],
        ["-np"],
        ["--keep-going"],
        ["--rerun-triggers", "mtime"],
        ["--scheduler", "greedy"],
        ["--directory", "elsewhere"],
        ["--latency-wait=3"],
    ]
)
TARGETS = st.sampled_from([ALL, CELL, "quick", "reports/full/index.html", "data/mmlu.jsonl"])


@settings(deadline=None)
@given(parts=st.lists(st.one_of(GROUPS, TARGETS), max_size=7))
def test_any_order_means_the_same(parser: ArgumentParser, parts: list[list[str] | str]) -> None:
    options = [word for part in parts if isinstance(part, list) for word in part]
    targets = [part for part in parts if isinstance(part, str)]
    typed = [word for part in parts for word in ([part] if isinstance(part, str) else part)]
    found_options, found_targets = split_targets(typed, parser._option_string_actions)
    assert (found_options, found_targets) == (options, targets)
    # And rearranging what is in order changes nothing.
    plain = [*options, "--", *targets]
    assert split_targets(plain, parser._option_string_actions) == (options, targets)


@settings(deadline=None)
@given(words=st.lists(st.text("-abc=./0 ", max_size=6), max_size=6))
def test_no_word_is_lost_or_made_up(parser: ArgumentParser, words: list[str]) -> None:
    options, targets = split_targets(words, parser._option_string_actions)
    expected = list(words)
    if "--" in expected:
        expected.remove("--")
    assert sorted(options + targets) == sorted(expected)


# ---- reports -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "added"),
    [
        ([ALL], ["reports/quick"]),
        (["results/full/all.csv"], ["reports/full"]),
        (["results/standard/all.parquet", CELL], ["reports/standard"]),
        ([ALL, "results/quick/all.csv"], ["reports/quick"]),
        ([ALL, "reports/quick"], []),
        ([CELL], []),
        (["quick"], []),
        (["results/quick/m/all.json", "other/results/quick/all.json"], []),
    ],
)
def test_whoever_asks_for_an_aggregate_gets_its_report(
    targets: list[str], added: list[str]
) -> None:
    assert with_reports(targets) == targets + added


def test_a_report_is_asked_for_by_its_first_page_or_its_folder() -> None:
    typed = ["reports/quick/index.html", "reports/standard/", "reports/full", "reports/x/a.html"]
    asked = ["reports/quick", "reports/standard", "reports/full", "reports/x/a.html"]
    assert with_reports(typed) == asked
    assert with_reports(["reports/quick/index.html", ALL]) == ["reports/quick", ALL]


# ---- gates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "added"),
    [
        (["results/quick/gate.json"], ["gate_quick"]),
        (["results/full/gate.json", ALL, "results/quick/gate.json"], ["gate_full", "gate_quick"]),
        (["results/quick/gate.json", "gate_quick"], []),
        (["gate_quick", ALL], []),
        (["results/quick/m/gate.json", "elsewhere/results/quick/gate.json"], []),
    ],
)
def test_whoever_asks_for_a_gate_is_told_by_the_exit_code(
    targets: list[str], added: list[str]
) -> None:
    assert with_gates(targets) == targets + added


@pytest.fixture
def loaded() -> Iterator[None]:
    """The modules as they were, which the command makes Python forget."""
    before = dict(sys.modules)
    yield
    sys.modules.update(before)


@pytest.mark.parametrize(
    ("typed", "passed"),
    [
        (
            ["--cores", "1", "--resources", "gpu=1", ALL],
            ["--cores", "1", "--resources", "gpu=1", "--", ALL, "reports/quick"],
        ),
        (
            ["--cores", "1", "results/quick/gate.json", "-k"],
            ["--cores", "1", "-k", "--", "results/quick/gate.json", "gate_quick"],
        ),
        (["-n", "--cores", "1"], ["-n", "--cores", "1"]),
        (["--version"], ["--version"]),
    ],
)
def test_command_hands_the_arguments_on(
    monkeypatch: pytest.MonkeyPatch, loaded: None, typed: list[str], passed: list[str]
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr("snakemake.cli.main", calls.append)
    monkeypatch.setattr(sys, "argv", ["snakemake", *typed])
    command_line.main()
    assert calls == [passed]


def test_workflow_imports_the_library_of_its_own_folder(
    monkeypatch: pytest.MonkeyPatch, loaded: None
) -> None:
    """The command may come from another checkout, whose modules must not be served from memory."""
    seen: list[set[str]] = []
    monkeypatch.setattr("snakemake.cli.main", lambda _: seen.append(set(sys.modules)))
    monkeypatch.setattr(sys, "argv", ["snakemake", "-n"])
    command_line.main()
    assert {name for name in seen[0] if name.split(".")[0] == "evaluation"} == set()
    assert "snakemake.cli" in seen[0]
