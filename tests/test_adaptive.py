"""The adaptive tier: who gets more samples, what is decided when, and what errors that allows."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.adaptive import MIX, false_rate, saved, shown, shown_at
from benchmarks.adaptive_draws import (
    EQUAL,
    EXHAUSTED,
    OPEN,
    SHOWN,
    SPENDINGS,
    STOPPED,
    binary,
    binary_counts,
    binary_looks,
    ratings,
    take_looks,
)
from evaluation.adaptive import plan as adaptive_plan
from evaluation.adaptive.decisions import look_sizes
from evaluation.adaptive.plan import AdaptSettings
from evaluation.adaptive.stages import make_stage, next_stage
from evaluation.adaptive.summary import sum_up
from evaluation.adaptive.words import duration, words
from evaluation.config import TIERS, AdaptiveSettings, ComparisonSettings, Config, parse_config
from evaluation.errors import EvaluationError
from evaluation.files import write_record
from evaluation.records import (
    AdaptiveDecision,
    AdaptiveStage,
    AdaptiveSummary,
    DatasetManifest,
    Result,
)
from evaluation.statistics.sequential import Spending
from tests.synthetic_results import judge, result

ROOT = Path(__file__).resolve().parents[1]
SIZES = dict(zip(TIERS, (20, 100, 200), strict=True))
COMPARISON = ComparisonSettings(draws=1000)
Scores = Mapping[str, Mapping[str, list[float]]]


def answers(wins: int, losses: int, n: int = 200, seed: int = 0) -> tuple[list[float], list[float]]:
    """Scores of two models on n samples that one or the other is better at, well mixed."""
    pairs = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (n - wins - losses)
    random.Random(seed).shuffle(pairs)
    return [a for a, _ in pairs], [b for _, b in pairs]


def level(n: int = 200) -> tuple[list[float], list[float]]:
    """Scores of two models that take turns: no trend at any look."""
    a = [float(i % 20 != 0) for i in range(n)]
    return a, [float(i % 20 != 1) for i in range(n)]


class Run:
    """An adaptive run over scores that are known for all of full, by model and dataset."""

    def __init__(self, scores: Scores, *, comparison: Any = None, **adaptive: Any) -> None:
        self.scores = scores
        self.datasets = list(next(iter(scores.values())))
        self.rows = {d: len(next(iter(scores.values()))[d]) for d in self.datasets}
        self.comparison = COMPARISON.model_copy(update=comparison or {})
        self.adaptive = AdaptiveSettings(**adaptive)
        self.results: dict[str, dict[str, dict[str, Result]]] = {t: {} for t in TIERS}
        # What a result has in place of that; None: there is no result.
        self.changes: dict[tuple[str, str, str], dict[str, Any] | None] = {}
        self.stages: list[AdaptiveStage] = []

    def settings(self, tier: str | None) -> AdaptSettings:
        return AdaptSettings(
            tier=tier,
            models=list(self.scores),
            datasets=self.datasets,
            sizes=list(SIZES.values()),
            comparison=self.comparison,
            adaptive=self.adaptive,
            seed=1,
        )

    def step(self) -> AdaptiveStage:
        """The next stage, from the cells that it needs."""
        tier = TIERS[len(self.stages)]
        asked = [(m, d) for m in self.scores for d in self.datasets]
        if self.stages:
            asked = [(c.model, c.dataset) for c in self.stages[-1].promoted]
        for model, dataset in asked:
            changes = self.changes.get((tier, model, dataset), {})
            if changes is None:
                continue
            values = self.scores[model][dataset][: SIZES[tier]]
            found = result(model, dataset, **{"values": values, "tier": tier} | changes)
            self.results[tier].setdefault(model, {})[dataset] = found
        before = self.stages[-1] if self.stages else None
        stage = next_stage(self.settings(tier), before, self.results[tier], self.rows)
        self.stages.append(stage)
        return stage

    def finish(self) -> AdaptiveStage:
        """All stages that are needed."""
        stage = self.step()
        while stage.promoted:
            stage = self.step()
        return stage

    def summary(self) -> AdaptiveSummary:
        return sum_up(self.settings(None), self.stages, self.results, self.rows)


def two(**datasets: tuple[list[float], list[float]]) -> Scores:
    """Two models' scores, dataset by dataset."""
    return {
        "m": {dataset: a for dataset, (a, _) in datasets.items()},
        "n": {dataset: b for dataset, (_, b) in datasets.items()},
    }


def only(stage: AdaptiveStage) -> AdaptiveDecision:
    (decision,) = stage.decisions
    return decision


def promoted(stage: AdaptiveStage) -> set[tuple[str, str]]:
    return {(cell.model, cell.dataset) for cell in stage.promoted}


# ---- what a look decides ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (1000, [20, 100, 200]),
        (164, [20, 100, 164]),
        (100, [20, 100]),
        (60, [20, 60]),
        (7, [7]),
    ],
)
def test_looks_end_where_the_dataset_does(rows: int, sizes: list[int]) -> None:
    assert look_sizes([20, 100, 200], rows) == sizes


def test_a_clear_difference_is_decided_and_gets_no_more_samples() -> None:
    run = Run(two(clear=answers(90, 2), near=answers(30, 20)), futility=0)
    assert promoted(run.step()) == {(m, d) for m in "mn" for d in ("clear", "near")}
    stage = run.step()
    clear, near = stage.decisions
    assert [clear.status, clear.difference.verdict] == ["decided", "better"]
    assert clear.difference.adjusted_p is not None
    assert clear.difference.adjusted_p <= 0.05
    assert near.status == "open"
    assert promoted(stage) == {("m", "near"), ("n", "near")}
    last = run.step()
    assert last.decisions[0] == clear
    assert [look.n for look in last.decisions[1].looks] == [20, 100, 200]
    assert last.promoted == []


def test_the_worse_model_is_called_worse() -> None:
    scores = two(clear=answers(2, 90))
    found = only(Run(scores).finish())
    turned = only(Run({"n": scores["n"], "m": scores["m"]}).finish())
    assert [found.difference.verdict, turned.difference.verdict] == ["worse", "better"]
    assert found.difference.difference == -turned.difference.difference  # type: ignore[operator]


def test_no_trend_at_all_is_stopped_unless_futility_is_off() -> None:
    scores = two(same=level())
    stage = Run(scores).step()
    assert [only(stage).status, stage.promoted] == ["stopped", []]
    assert only(stage).difference.verdict == "no difference shown"
    assert "200 samples" in only(stage).difference.reason
    chance = only(stage).looks[-1].chance
    assert chance is not None
    assert chance < 0.1
    found = only(Run(scores, futility=0).finish())
    assert [found.status, len(found.looks)] == ["exhausted", 3]
    assert found.difference.verdict == "no difference shown"


def test_equal_is_decided_by_the_interval_of_the_look() -> None:
    scores = two(same=answers(0, 0))
    # At 100 samples z of 2.8 leaves 7 points open, at 200 z of 1.97 leaves 2.
    run = Run(scores, comparison={"margin": 0.03}, futility=0)
    assert [run.step().decisions[0].status, run.step().decisions[0].status] == ["open", "open"]
    found = only(run.step())
    assert [found.status, found.difference.verdict] == ["decided", "equal"]
    interval = found.difference.interval
    assert interval is not None
    assert -0.03 <= interval.low <= interval.high <= 0.03


def test_intervals_of_early_looks_are_wider_than_those_of_one_look() -> None:
    run = Run(two(some=answers(40, 10)), futility=0)
    levels = []
    while not run.stages or run.stages[-1].promoted:
        interval = only(run.step()).difference.interval
        assert interval is not None
        levels.append(interval.level)
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 0.999999
    assert levels[-1] > 0.95


def test_p_of_a_look_is_worth_less_than_it_was_and_never_grows() -> None:
    # All wins come first: the evidence of 100 samples is gone after 200.
    a = [1.0] * 25 + [0.0] * 25 + [1.0] * 150
    b = [0.0] * 25 + [0.0] * 25 + [1.0] * 50 + [1.0] * 100
    a[100:130], b[100:130] = [0.0] * 30, [1.0] * 30
    run = Run(two(gone=(a, b), other=answers(30, 25)), futility=0)
    run.finish()
    looks = run.stages[-1].decisions[0].looks
    assert all(look.repeated_p >= look.p for look in looks[:1])
    worth = [look.repeated_p for look in looks]
    assert worth == sorted(worth, reverse=True)


@pytest.mark.parametrize(("clear", "verdict"), [(True, "better"), (False, "not comparable")])
def test_what_others_leave_of_the_error_may_decide_one_that_was_stopped(
    clear: bool, verdict: str
) -> None:
    same = level()
    later = same[0], [*same[1][:20], *(0.0 for _ in range(180))]
    faint = [1.0] * 200, [0.0] * 8 + [1.0] * 192
    scores = two(faint=faint, other=later if clear else same)
    run = Run(scores, spending="pocock", futility=0)
    first = run.step().decisions[0]
    assert first.status == "open"
    assert first.looks[0].repeated_p < 0.05 < 2 * first.looks[0].repeated_p
    run.changes["standard", "m", "faint"] = None
    found = run.step().decisions[0]
    assert [found.difference.verdict, len(found.looks)] == [verdict, 1]
    assert found.status == ("decided" if clear else "stopped")


def test_a_whole_dataset_is_one_look_without_correction() -> None:
    found = only(Run(two(small=answers(6, 2, n=12))).step())
    assert [found.sizes, found.status] == [[12], "exhausted"]
    assert found.looks[0].p == found.looks[0].repeated_p
    assert found.looks[0].chance is None


def test_graded_scores_are_decided_too() -> None:
    generator = random.Random(4)
    base = [generator.uniform(0.2, 0.5) for _ in range(200)]
    better = [value + generator.uniform(0.1, 0.3) for value in base]
    found = only(Run(two(graded=(better, base))).finish())
    assert [found.difference.verdict, len(found.looks)] == ["better", 2]


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_right_and_all_wrong_show_nothing(value: float) -> None:
    found = only(Run(two(flat=([value] * 200, [value] * 200))).finish())
    assert found.difference.verdict in ("no difference shown", "equal")


@pytest.mark.parametrize("n", [1, 2])
def test_hardly_any_samples_are_looked_at_once(n: int) -> None:
    found = only(Run(two(tiny=([1.0] * n, [0.0] * n))).finish())
    assert [found.status, found.difference.verdict] == ["exhausted", "no difference shown"]


# ---- who gets more samples ----------------------------------------------------------------------


def test_models_are_promoted_for_the_pairs_that_need_it() -> None:
    a, b = answers(45, 15, seed=2)
    scores = {"m": {"d": a}, "n": {"d": b}, "o": {"d": list(b)}}
    run = Run(scores)
    stage = run.step()
    by_pair = {(d.a, d.b): d.status for d in stage.decisions}
    assert by_pair["n", "o"] == "stopped"
    assert by_pair["m", "n"] == by_pair["m", "o"] == "open"
    assert promoted(stage) == {("m", "d"), ("n", "d"), ("o", "d")}
    # The cells that others needed are looked at by the stopped pair as well.
    looks = {(d.a, d.b): len(d.looks) for d in run.step().decisions}
    assert looks["n", "o"] == 2


UNFIT: list[tuple[dict[str, Any] | None, str]] = [
    (None, "m has no result"),
    ({"values": ["not scored"] * 20}, "m has no acc"),
    ({"fingerprint": "e" * 64}, "dataset fingerprints differ"),
    ({"protocol": "harness"}, "protocols differ"),
    ({"judge": judge(self_judged=True)}, "was rated by itself"),
    ({"values": ["failed"] * 20}, "m has no acc"),
]


@pytest.mark.parametrize(("changes", "reason"), UNFIT)
def test_what_cannot_be_compared_is_left_out_and_named(
    changes: dict[str, Any] | None, reason: str
) -> None:
    run = Run(two(fit=answers(45, 15, seed=2), unfit=answers(45, 15, seed=2)))
    run.changes["quick", "m", "unfit"] = changes
    stage = run.step()
    assert [d.dataset for d in stage.decisions] == ["fit"]
    assert stage.decisions[0].difference.family == 1
    (left,) = stage.left_out
    assert left.dataset == "unfit"
    assert reason in left.reason
    assert promoted(stage) == {("m", "fit"), ("n", "fit")}
    # Its samples are no saving.
    assert {cell.dataset for cell in run.summary().cells} == {"fit"}


@pytest.mark.parametrize(("changes", "reason"), UNFIT)
def test_what_becomes_unfit_goes_no_further_and_stays_in_the_family(
    changes: dict[str, Any] | None, reason: str
) -> None:
    run = Run(two(fit=answers(45, 15, seed=2), unfit=answers(45, 15, seed=2)), futility=0)
    run.step()
    found = changes
    if found is not None and "values" in found:
        found = {"values": found["values"] * 5}
    run.changes["standard", "m", "unfit"] = found
    stage = run.step()
    unfit = stage.decisions[1]
    assert [unfit.status, unfit.difference.verdict] == ["stopped", "not comparable"]
    assert reason in unfit.difference.reason
    assert [len(unfit.looks), stage.decisions[0].difference.family] == [1, 2]
    assert run.finish().decisions[1].difference.verdict == "not comparable"
    assert run.summary().decisions[1].looks[-1].tier == "quick"


def test_another_preset_in_the_next_tier_is_said() -> None:
    run = Run(two(d=answers(30, 20)), futility=0)
    run.step()
    run.changes |= {(tier, "n", "d"): {"preset": "memory_saver"} for tier in TIERS[1:]}
    warnings = only(run.step()).warnings
    assert any("n ran with preset balanced in quick and memory_saver" in w for w in warnings)
    assert not any(w.startswith("m ran") for w in warnings)
    run.finish()
    # Its answers to the samples of quick count twice.
    assert {c.model: c.samples for c in run.summary().cells} == {"m": 200, "n": 220}
    assert "5% more than the 400 of full" in words(run.summary())[0]


# ---- the end of a run ---------------------------------------------------------------------------


def test_summary_counts_samples_and_estimates_time() -> None:
    run = Run(two(clear=answers(90, 2), same=level(), short=answers(0, 0, n=12)))
    run.finish()
    summary = run.summary()
    assert summary.tiers == ["quick", "standard"]
    used = {(c.model, c.dataset): (c.samples, c.samples_full) for c in summary.cells}
    own = {"clear": (100, 200), "same": (20, 200), "short": (12, 12)}
    assert used == {(m, d): numbers for m in "mn" for d, numbers in own.items()}
    assert [summary.samples, summary.samples_full] == [2 * 132, 2 * 412]
    # A second a cell: 100 samples at 1/100 s, and 180 at 1/20 s, for both models.
    assert summary.seconds_saved == pytest.approx(2 * (1 + 9))
    (overall,) = summary.overall
    assert [overall.datasets, overall.difference.n] == [["clear", "same", "short"], 132]


def test_time_that_was_not_measured_is_not_estimated() -> None:
    run = Run(two(same=level()))
    run.finish()
    for found in run.results["quick"].values():
        one = found["same"]
        nothing = one.performance.model_copy(update={"engine_seconds": 0.0})
        found["same"] = one.model_copy(update={"performance": nothing})
    summary = run.summary()
    assert summary.seconds_saved is None
    assert any("m on same, n on same" in note for note in summary.notes)


def test_words_say_what_was_decided_and_what_it_took() -> None:
    run = Run(two(clear=answers(90, 2), same=level(), lost=answers(9, 9)))
    run.changes["quick", "n", "lost"] = None
    run.finish()
    text = "\n".join(words(run.summary()))
    assert "240 samples asked, 70% fewer than the 800 of full" in text
    assert "(an estimate)" in text
    assert "m against n" in text
    assert "clear         better" in text
    assert "20 of 200 samples" in text
    assert "lost left out: n has no result" in text


def test_words_of_nothing_to_compare() -> None:
    run = Run(two(lost=answers(9, 9)))
    run.changes["quick", "n", "lost"] = None
    assert run.finish().promoted == []
    lines = words(run.summary())
    assert lines[0] == "Adaptive: nothing could be compared."
    assert "  lost left out: n has no result" in lines


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59, "59 s"), (90, "1.5 min"), (8640, "2.4 h")]
)
def test_durations_are_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# ---- files and configuration --------------------------------------------------------------------


def manifest(path: Path, dataset: str, rows: int) -> Path:
    words = dict.fromkeys(("location", "revision", "licence"), "x")
    found = DatasetManifest(
        dataset=dataset, source="hub", fingerprint="f", rows=rows, seed=1, **words
    )
    write_record(path, found)
    return path


def test_stages_are_made_from_files_and_damaged_ones_named(tmp_path: Path) -> None:
    run = Run(two(d=answers(45, 15, seed=2)))
    run.step()
    paths = []
    for model, found in run.results["quick"].items():
        paths.append(tmp_path / f"{model}.json")
        write_record(paths[-1], found["d"])
    manifests = [manifest(tmp_path / "d.manifest.json", "d", 200)]
    stage = make_stage(run.settings("quick"), [], paths, manifests)
    assert stage == run.stages[0]
    (tmp_path / "quick.json").write_text(stage.model_dump_json()[:-20])
    with pytest.raises(EvaluationError, match="cut off"):
        make_stage(run.settings("standard"), [tmp_path / "quick.json"], paths, manifests)


@pytest.fixture
def raw() -> Any:
    return yaml.safe_load((ROOT / "config.yaml").read_text())


def parsed(raw: Any, **changes: Any) -> Config:
    return parse_config(raw | changes)


def test_one_model_is_refused(raw: Any) -> None:
    raw["run"]["models"] = ["qwen3_8b"]
    with pytest.raises(EvaluationError, match="only one: qwen3_8b") as caught:
        adaptive_plan.check(parsed(raw))
    assert caught.value.where == "run.models"


@pytest.mark.parametrize(
    ("tiers", "keys"),
    [
        ({"standard": {"few_shot": 3}}, ["standard"]),
        ({"full": {"few_shot": 0}}, ["full"]),
        ({"quick": {"few_shot": 0}}, ["standard", "full"]),
    ],
)
def test_a_dataset_asked_in_two_ways_is_refused(raw: Any, tiers: Any, keys: list[str]) -> None:
    raw["datasets"]["mmlu"]["tiers"] = tiers
    with pytest.raises(EvaluationError) as caught:
        adaptive_plan.check(parsed(raw))
    assert caught.value.where == ", ".join(f"datasets.mmlu.tiers.{tier}" for tier in keys)
    raw["run"]["datasets"].remove("mmlu")
    adaptive_plan.check(parsed(raw))


def test_settings_change_with_what_decides_and_nothing_else(raw: Any) -> None:
    settings = adaptive_plan.settings(parsed(raw), "quick")
    assert settings == adaptive_plan.settings(parsed(raw, cost={"gpu_hour": 2}), "quick")
    assert settings != adaptive_plan.settings(parsed(raw, adaptive={"futility": 0.2}), "quick")
    assert settings != adaptive_plan.settings(parsed(raw, comparison={"margin": 0.1}), "quick")


def test_stages_name_the_code_that_decides_them() -> None:
    code = adaptive_plan.code()
    assert {"evaluation/adaptive/decisions.py", "evaluation/statistics/sequential.py"} <= {*code}
    assert all((ROOT / path).is_file() for path in code)


# ---- errors and savings: a small version of benchmarks/adaptive.py ------------------------------

STATUS = {"open": OPEN, "stopped": STOPPED, "exhausted": EXHAUSTED}
NO_DIFFERENCE = (0.0,) * 12


def at_most(rate: float, draws: int) -> float:
    """A share that draws with this rate stay under, but for three standard errors."""
    return rate + 3 * float((rate * (1 - rate) / draws) ** 0.5)


@pytest.mark.parametrize("spending", SPENDINGS)
@pytest.mark.parametrize("futility", [0.1, 0.0])
def test_errors_stay_at_the_nominal_level(spending: Spending, futility: float) -> None:
    draws = 2000
    for truth in ((0.0,), NO_DIFFERENCE):
        looks = binary(truth, draws, 11, discordance=0.8)
        assert false_rate(take_looks(looks, spending, futility), truth) <= at_most(0.05, draws)
    graded = ratings((0.0,), draws, 12)
    assert false_rate(take_looks(graded, spending, futility), (0.0,)) <= at_most(0.05, draws)


def test_looking_without_correction_would_err_more_often() -> None:
    """That the simulation can tell: the same draws, each look at the level of a single test."""
    looks = binary((0.0,), 2000, 11, discordance=0.8)
    assert (looks.p <= 0.05).any(axis=2).mean() > 0.06


def test_a_realistic_mix_saves_two_fifths_of_the_samples() -> None:
    looks = binary(MIX, 1000, 13)
    outcome = take_looks(looks, "obrien_fleming", AdaptiveSettings().futility)
    assert saved(outcome) >= 0.4
    # And shows most of what full shows, more than as many samples for all would.
    assert shown(outcome).sum() > 0.75 * shown_at(looks, -1).sum()
    assert shown(outcome).sum() > 1.3 * shown_at(looks, 1).sum()


@pytest.mark.parametrize("spending", SPENDINGS)
def test_the_simulation_decides_as_the_tier_does(spending: Spending) -> None:
    """Twenty families of true differences up to 60 points, by both."""
    generator = np.random.default_rng(5)
    truth = (0.0, 0.0, 0.1, 0.2, 0.4, 0.6)
    for seed in range(20):
        discordance = float(generator.uniform(0.01, 0.4))
        wins, losses = binary_counts(truth, 1, seed, discordance)
        outcome = take_looks(binary_looks(wins, losses), spending, 0.1)
        counts = zip(wins[0].tolist(), losses[0].tolist(), strict=True)
        scores = two(**{f"d{i}": of_counts(*found) for i, found in enumerate(counts)})
        run = Run(scores, spending=spending)
        run.finish()
        for i, decision in enumerate(run.stages[-1].decisions):
            verdict = decision.difference.verdict
            decided = EQUAL if verdict == "equal" else SHOWN
            status = STATUS.get(decision.status, decided)
            sizes = decision.sizes[len(decision.looks) - 1]
            assert (status, sizes) == (outcome.status[0, i], outcome.samples[0, i])
            if status == SHOWN:
                assert verdict == ("better" if outcome.sign[0, i] > 0 else "worse")


def of_counts(wins: list[float], losses: list[float]) -> tuple[list[float], list[float]]:
    """Scores of two models with so many wins and losses up to each look."""
    pairs: list[tuple[float, float]] = []
    for size, won, lost in zip(SIZES.values(), wins, losses, strict=True):
        pairs += [(1.0, 0.0)] * (round(won) - pairs.count((1.0, 0.0)))
        pairs += [(0.0, 1.0)] * (round(lost) - pairs.count((0.0, 1.0)))
        pairs += [(1.0, 1.0)] * (size - len(pairs))
    return [a for a, _ in pairs], [b for _, b in pairs]
