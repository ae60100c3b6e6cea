"""The synthetic tier: as it says, and read back by what reads real results."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from evaluation.files import read_record
from evaluation.records import Result
from evaluation.reports import TierReport
from evaluation.reports.digest import digests
from evaluation.reports.pages import model, overview, pair
from evaluation.reports.samples import views
from tests.synthetic_tier import (
    aggregate_of,
    comparisons_of,
    cost_of,
    dataset_names,
    model_names,
    presets_of,
    tier,
    write_tier,
)


def test_the_same_arguments_give_the_same_results() -> None:
    first, again = (list(tier(2, 3, 8, seed=5)) for _ in range(2))
    assert first == again
    assert first != list(tier(2, 3, 8, seed=6))
    assert len(first) == 6


def test_results_are_read_as_real_ones_are(tmp_path: Path) -> None:
    results = list(tier(3, 12, 30))
    assert [read_record(path, Result) for path in write_tier(tmp_path, results)] == results


def test_there_is_something_of_everything() -> None:
    results = list(tier(8, 12, 60))
    samples = [one for result in results for one in result.samples]
    assert {one.status for one in samples} == {"scored", "failed", "not scored", "unscorable"}
    turns = [turn for one in samples for turn in one.turns]
    assert {turn.finish_reason for turn in turns} == {"stop", "length", "scored", "error"}
    assert any(turn.thinking for turn in turns)
    assert any(turn.truncated_prompt_tokens for turn in turns)
    assert sum(result.judge.self_judged for result in results if result.judge) == 1
    sessions = [one for result in results for one in result.provenance.sessions]
    assert {one.usage is None for one in sessions} == {True, False}
    assert len({one.hardware.device for one in sessions}) == 3


def test_some_pairs_are_decided_and_some_are_not() -> None:
    models, datasets = model_names(4), dataset_names(4)
    found = comparisons_of(tier(4, 4, 100), models, datasets)
    verdicts = Counter(d.difference.verdict for one in found.comparisons for d in one.datasets)
    assert verdicts["better"] > 2
    assert verdicts["not enough samples"] > 2


def test_bad_input_is_made_as_asked() -> None:
    odd = ["a b", "c/d"]
    results = list(tier(odd, 2, 5, missing={("a b", "mbpp")}, sizes={("c/d", "mbpp"): 0}))
    assert [(r.model, r.dataset, len(r.samples)) for r in results] == [
        ("a b", "humaneval", 5),
        ("c/d", "humaneval", 5),
        ("c/d", "mbpp", 0),
    ]
    assert results[-1].counts.requested == 5


def test_pages_of_a_full_tier_are_small() -> None:
    """Sizes go with cells and pairs; samples are in files of their own."""
    models, datasets = model_names(), dataset_names()
    results = list(tier(samples=40))
    aggregate = aggregate_of(results, models, datasets)
    comparisons = comparisons_of(results, models, datasets)
    report = TierReport(
        aggregate=aggregate,
        comparisons=comparisons,
        cost=cost_of(aggregate, comparisons),
        presets=presets_of(models),
        digests={(one.model, one.dataset): digests(views(one)) for one in results},
    )
    assert len(overview.render(report).encode()) < 500_000
    assert len(model.render(report, models[0]).encode()) < 3_000_000
    assert len(pair.render(report, report.pairs()[0]).encode()) < 3_000_000
