"""The choice of a preset: what is healthy, what is tried, what is chosen, and what follows."""

from __future__ import annotations

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evaluation import judge_plan, plan, preset_plan, targets
from evaluation.config import ComparisonSettings, Config, parse_config
from evaluation.errors import EvaluationError
from evaluation.files import write_record, write_records
from evaluation.judging import ModelJudge
from evaluation.preflight import check_model
from evaluation.preset_health import assess, sample_scores
from evaluation.preset_selection import (
    AssessSettings,
    SelectSettings,
    Thresholds,
    acceptable,
    choice_file,
    choose,
    chooses,
    health_file,
    health_files,
    order,
    why_not,
)
from evaluation.records import (
    Counts,
    DeviceUse,
    Difference,
    Hardware,
    HealthCheck,
    Interval,
    Performance,
    PresetChoice,
    PresetHealth,
    Provenance,
    Response,
    ResponsesHeader,
    Result,
    SampleResult,
    Score,
    Session,
    Usage,
)
from evaluation.repetition import repeats_itself

ROOT = Path(__file__).resolve().parents[1]
BASE = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
MODEL = "qwen3_8b"
SETTINGS = SelectSettings(model=MODEL, margin=0.05)
THRESHOLDS = Thresholds(
    backoffs=0.25,
    failed=0.25,
    truncated=0.5,
    unstable=0.25,
    headroom=0.1,
    tokens_per_second=None,
)


def configured(**changes: Any) -> Config:
    """config.yaml with bundled rows and values replaced by `section__key=value`."""
    raw = copy.deepcopy(BASE) | {"dataset_source": "bundled"}
    for key, value in changes.items():
        section: Any = raw
        *path, last = key.split("__")
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
    return parse_config(raw)


CONFIG = configured()


# ---- answers that end in a loop -------------------------------------------------------------


@given(st.text(max_size=80), st.text(min_size=1, max_size=200), st.integers(0, 199))
def test_a_unit_repeated_to_the_end_is_a_loop(start: str, unit: str, cut: int) -> None:
    times = 4 + 60 // len(unit)
    assert repeats_itself(start + unit * times + unit[: cut % len(unit)])


@given(st.integers(2, 10**6), st.integers(1, 40))
def test_numbers_that_go_on_are_no_loop(start: int, count: int) -> None:
    text = " ".join(f"step {n} gives {n * n}" for n in range(start, start + count))
    assert not repeats_itself(text)


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("", False),
        ("no" * 29, False),
        ("no" * 30, True),
        ("a" * 59, False),
        ("a" * 60, True),
        ("The answer is 4.\n" * 3, False),
        ("The answer is 4.\n" * 4, True),
        ("The answer is 4.\n" * 5 + "\n\n  ", True),
        ("The answer is 4.\n" * 9 + "So the result is four, as was to be shown.", False),
        ("The answer." + "\n" * 80, True),
        ("# Table\n" + "-" * 40, False),
        ("".join(map(chr, range(200, 401))) * 4, False),
    ],
)
def test_what_counts_as_a_loop(text: str, loops: bool) -> None:
    assert repeats_itself(text) is loops


# ---- health ---------------------------------------------------------------------------------


def response(sample: str = "s", **changes: Any) -> Response:
    fields: dict[str, Any] = {
        "key": f"k{sample}",
        "sample_id": sample,
        "turn": 0,
        "session": "one",
        "prompt": "p",
        "text": "an answer",
        "finish_reason": "stop",
        "completion_tokens": 10,
        "engine_seconds": 0.5,
        "peak_memory": 40,
    }
    return Response(**(fields | changes))


def session(device: str = "cpu", seen: int | None = None, resident: int = 0) -> Session:
    usage = Usage(
        wall_seconds=1,
        engine_seconds=1,
        requests=1,
        shared_tokens=0,
        backoffs=0,
        phases={},
        mean_rows=None,
        most_rows=1,
        cpu_cores=None,
        resident_memory=resident,
        device=DeviceUse(utilisation=None, watts=None, joules=None, memory=seen),
    )
    return Session(
        id="one",
        model=MODEL,
        revision="r",
        preset="balanced",
        engine="transformers",
        engine_revision=1,
        dtype="float32",
        exact=False,
        started="then",
        load_seconds=1,
        packages={},
        hardware=Hardware(
            platform="p",
            processor="c",
            cores=1,
            memory=100,
            device=device,
            device_memory=50 if device != "cpu" else 0,
        ),
        usage=usage,
    )


def written(path: Path, responses: list[Response], own: Session | None = None) -> Path:
    header = ResponsesHeader(
        model=MODEL,
        dataset="gsm8k",
        preset="balanced",
        slice="0-20",
        protocol="chat",
        few_shot=0,
        samples=len(responses),
        sessions=[own or session()],
    )
    write_records(path, [header, *responses])
    return path


def settings(**changes: Any) -> AssessSettings:
    return AssessSettings(
        model=MODEL,
        preset="balanced",
        thresholds=THRESHOLDS.model_copy(update=changes),
        comparison=ComparisonSettings(draws=1000),
        seed=1,
    )


def checked(
    folder: Path, responses: list[Response], own: Session | None = None, **thresholds: Any
) -> dict[str, HealthCheck]:
    """The checks of a preset with these responses, by name."""
    health = assess(settings(**thresholds), [written(folder / "r.jsonl", responses, own)], [])
    checks = {check.name: check for check in health.checks}
    assert len(checks) == 6
    assert health.healthy is all(check.healthy for check in checks.values())
    return dict(checks)


def test_a_quick_run_without_trouble_is_healthy(tmp_path: Path) -> None:
    checks = checked(tmp_path, [response(str(i)) for i in range(4)])
    assert {name: check.value for name, check in checks.items()} == {
        "backoffs": 0,
        "failed": 0,
        "truncated": 0,
        "unstable": 0,
        "headroom": pytest.approx(0.6),
        "tokens_per_second": pytest.approx(20),
    }
    assert all(check.healthy for check in checks.values())


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("backoffs", {"backoffs": 3}),
    ("failed", {"error": "out of memory", "finish_reason": "error", "completion_tokens": 0}),
    ("truncated", {"finish_reason": "length"}),
    ("unstable", {"text": "again and " * 20}),
]


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_each_fault_is_counted_and_the_threshold_itself_is_healthy(
    tmp_path: Path, name: str, fault: dict[str, Any]
) -> None:
    most = getattr(THRESHOLDS, name)
    bad = round(most * 8)
    for faulty, healthy in ((bad, True), (bad + 1, False)):
        responses = [response(str(i), **(fault if i < faulty else {})) for i in range(8)]
        check = checked(tmp_path, responses)[name]
        assert check.value == faulty / 8
        assert (check.threshold, check.healthy) == (most, healthy)


def test_shares_are_of_what_can_have_the_fault(tmp_path: Path) -> None:
    choices = [response(f"c{i}", finish_reason="scored", completion_tokens=0) for i in range(3)]
    cut = response("g", finish_reason="length")
    failed = response("f", error="boom", finish_reason="error", completion_tokens=0)
    checks = checked(tmp_path, [*choices, cut, failed])
    assert checks["truncated"].value == 1.0
    assert checks["unstable"].value == 0.0
    assert checks["failed"].value == 1 / 5
    # Only the answer was generated: its 10 tokens took 0.5 s.
    assert checks["tokens_per_second"].value == pytest.approx(20)


def test_what_cannot_be_measured_is_healthy_and_has_no_value(tmp_path: Path) -> None:
    only_choices = [response("c", finish_reason="scored", completion_tokens=0, peak_memory=0)]
    checks = checked(tmp_path, only_choices, tokens_per_second=5.0)
    for name in ("truncated", "unstable", "headroom", "tokens_per_second"):
        assert (checks[name].value, checks[name].healthy) == (None, True)


def test_a_sample_with_a_failed_turn_failed_once_and_ids_are_each_datasets_own(
    tmp_path: Path,
) -> None:
    broken = {"error": "boom", "finish_reason": "error", "completion_tokens": 0}
    first = [response("1", turn=0, **broken), response("1", turn=1, **broken), response("2")]
    second = [response("1"), response("2")]
    files = [written(tmp_path / f"{i}.jsonl", r) for i, r in enumerate((first, second))]
    checks = {check.name: check for check in assess(settings(), files, []).checks}
    assert checks["failed"].value == 1 / 4


@pytest.mark.parametrize(
    ("own", "peak", "expected"),
    [
        (session("cpu"), 95, 0.05),
        (session("cpu", resident=70), 0, 0.3),
        (session("cuda: H100"), 49, 0.02),
        # vLLM takes its memory itself; the driver saw how much.
        (session("cuda: H100", seen=45), 0, 0.1),
        (session("cuda: H100"), 0, None),
        (session("cuda: H100"), 60, 0.0),
    ],
)
def test_headroom_is_what_the_device_or_the_machine_had_left(
    tmp_path: Path, own: Session, peak: int, expected: float | None
) -> None:
    check = checked(tmp_path, [response(peak_memory=peak)], own)["headroom"]
    assert check.value == (None if expected is None else pytest.approx(expected))
    assert check.healthy is (expected is None or expected >= 0.1)


@pytest.mark.parametrize(("least", "healthy"), [(None, True), (20.0, True), (21.0, False)])
def test_speed_counts_only_where_a_least_one_is_set(
    tmp_path: Path, least: float | None, healthy: bool
) -> None:
    checks = checked(tmp_path, [response()], tokens_per_second=least)
    assert checks["tokens_per_second"].healthy is healthy


def test_a_damaged_responses_file_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", [response()])
    path.write_text(path.read_text()[:-20])
    with pytest.raises(EvaluationError, match=r"r\.jsonl, line 2"):
        assess(settings(), [path], [])


# ---- scores ---------------------------------------------------------------------------------


def result(
    dataset: str, values: dict[str, float | str], preset: str = "balanced", **score: Any
) -> Result:
    """A result with a value, or another status than scored, for each sample."""
    samples = [
        SampleResult(
            id=name,
            category="",
            turns=[],
            extracted=None,
            gold="",
            scores={"acc": value, "other": 0.5} if isinstance(value, float) else {},
            status="scored" if isinstance(value, float) else value,
        )
        for name, value in values.items()
    ]
    found = [value for value in values.values() if isinstance(value, float)]
    mean = sum(found) / len(found) if found else None
    return Result(
        model=MODEL,
        dataset=dataset,
        title=dataset,
        tier="quick",
        protocol="chat",
        few_shot=0,
        scores=[
            Score(metric="other", value=0.5, n=1),
            Score(**({"metric": "acc", "value": mean, "n": len(found), "primary": True} | score)),
        ],
        counts=Counts(
            requested=20,
            samples=len(samples),
            scored=len(found),
            failed=0,
            not_scored=0,
            truncated_answers=0,
            truncated_prompts=0,
            thinking=0,
        ),
        flags=[],
        samples=samples,
        performance=Performance(
            load_seconds=1,
            loads=1,
            engine_seconds=1,
            prompt_tokens=1,
            completion_tokens=1,
            tokens_per_second=1,
            peak_memory=1,
        ),
        provenance=Provenance(
            model_id="id",
            model_revision="r",
            model_licence="",
            model_fingerprint="f",
            dataset_source="bundled",
            dataset_location="l",
            dataset_revision="r",
            dataset_fingerprint="d",
            preset=preset,
            seed=1,
            sessions=[],
            packages={},
            git_commit="g",
            git_dirty=None,
            hardware=session().hardware,
            scored="then",
        ),
    )


def test_a_failed_sample_counts_as_nothing_and_what_could_not_be_scored_not_at_all() -> None:
    values: dict[str, float | str] = {"a": 1.0, "b": "failed", "c": "unscorable", "d": "not scored"}
    assert sample_scores(result("gsm8k", values)) == {"a": 1.0, "b": 0.0}
    assert sample_scores(result("gsm8k", {"a": "failed"})) == {"a": 0.0}
    # No sandbox, or no judge: a failure more or less says nothing about the scores.
    assert sample_scores(result("mbpp", {"a": "not scored", "b": "failed"})) == {}
    assert sample_scores(result("gsm8k", {"a": 0.25}, lower_is_better=True)) == {"a": 0.75}
    assert sample_scores(result("gsm8k", {"a": 1.0}, primary=False)) == {}


def assessed(folder: Path, own: list[Result], default: list[Result]) -> PresetHealth:
    responses = [written(folder / "r.jsonl", [response()])]
    paths: dict[str, list[Path]] = {"own": [], "default": []}
    for name, results in (("own", own), ("default", default)):
        for number, one in enumerate(results):
            paths[name].append(folder / f"{name}-{number}.json")
            write_record(paths[name][-1], one)
    return assess(settings(), responses, paths["own"], paths["default"])


def test_the_mean_score_is_of_datasets_and_leaves_out_those_without_scores(tmp_path: Path) -> None:
    own = [
        result("gsm8k", {"a": 1.0, "b": 0.0, "c": "failed", "d": 0.0}),
        result("mmlu", {"a": 1.0}),
        result("mt_bench", {"a": "not scored"}),
    ]
    health = assessed(tmp_path, own, [])
    assert health.mean_score == pytest.approx((0.25 + 1.0) / 2)
    assert health.against_default is None
    assert assessed(tmp_path, own[2:], []).mean_score is None


def test_a_candidate_is_compared_over_shared_samples(tmp_path: Path) -> None:
    ids = [str(i) for i in range(40)]
    default = [result("gsm8k", {i: "failed" if i in ids[:30] else 1.0 for i in ids})]
    own = [result("gsm8k", dict.fromkeys([*ids[:-1], "else"], 1.0)), result("mmlu", {"a": 0.0})]
    health = assessed(tmp_path, own, default)
    against = health.against_default
    assert against is not None and against.interval is not None
    assert against.n == 39
    assert against.difference == pytest.approx(30 / 39)
    assert against.interval.level == pytest.approx(0.9)
    assert acceptable(health, margin=0.05)
    # The other way round, the default's scores are what is lost.
    lost = assessed(tmp_path, default, own[:1])
    assert lost.against_default is not None
    assert lost.against_default.difference == pytest.approx(-30 / 39)
    assert not acceptable(lost, margin=0.05)


def test_without_scores_in_common_a_candidate_is_not_shown_to_be_as_good(tmp_path: Path) -> None:
    health = assessed(tmp_path, [result("mmlu", {"a": 1.0})], [result("gsm8k", {"a": 1.0})])
    assert health.against_default is not None
    assert health.against_default.verdict == "not comparable"
    assert not acceptable(health, margin=1.0)


def test_a_default_without_scores_stands_in_no_candidates_way(tmp_path: Path) -> None:
    health = assessed(tmp_path, [result("mmlu", {"a": 1.0})], [])
    assert health.against_default is None
    assert acceptable(health, margin=0.05)


# ---- what there is to choose from -----------------------------------------------------------


def test_the_default_comes_first_and_candidates_in_their_order() -> None:
    assert order(CONFIG, MODEL) == ["balanced", "memory_saver", "throughput"]
    config = configured(
        default_preset="throughput",
        preset_selection__candidates=["throughput", "balanced", "balanced", "memory_saver"],
    )
    assert order(config, MODEL) == ["throughput", "balanced", "memory_saver"]


def test_a_candidate_with_the_settings_of_an_earlier_preset_is_left_out() -> None:
    config = configured(presets__memory_saver=BASE["presets"]["balanced"])
    assert order(config, MODEL) == ["balanced", "throughput"]
    config = configured(presets__throughput=BASE["presets"]["memory_saver"])
    assert order(config, MODEL) == ["balanced", "memory_saver"]


REMOTE = {"source": "endpoint", "base_url": "http://h/v1", "model": "m"}


@pytest.mark.parametrize(
    ("changes", "model", "reason"),
    [
        ({"preset_selection__enabled": False}, MODEL, "preset_selection.enabled is false"),
        ({"optimal_presets": {MODEL: "memory_saver"}}, MODEL, f"optimal_presets.{MODEL} pins it"),
        ({"models__remote": REMOTE}, "remote", "it is behind a server"),
        ({"preset_selection__candidates": ["balanced"]}, MODEL, "no preset that differs"),
        ({"preset_selection__candidates": []}, MODEL, "no preset that differs"),
    ],
)
def test_where_there_is_nothing_to_choose_nothing_is_chosen(
    changes: dict[str, Any], model: str, reason: str, in_folder: Path
) -> None:
    config = configured(**changes)
    assert not chooses(config, model)
    assert reason in why_not(config, model)
    assert chooses(CONFIG, MODEL)
    # A choice left from before does not count.
    write_record(Path(choice_file(model)), decided("throughput", model))
    expected = config.optimal_presets.get(model, "balanced")
    assert plan.preset(config, model, "full") == expected


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def healthy(preset: str, **changes: Any) -> PresetHealth:
    fields: dict[str, Any] = {
        "preset": preset,
        "healthy": True,
        "checks": [HealthCheck(name="backoffs", value=0.0, threshold=0.05, healthy=True)],
        "mean_score": 0.5,
        "tokens_per_second": 10.0,
        "peak_memory": 1,
    }
    return PresetHealth(**(fields | changes))


def sick(preset: str, *names: str, **changes: Any) -> PresetHealth:
    checks = [
        HealthCheck.model_validate({"name": n, "value": 0.5, "threshold": 0.05, "healthy": False})
        for n in names
    ]
    return healthy(preset, **({"healthy": False, "checks": checks} | changes))


def against(difference: float, low: float) -> Difference:
    return Difference(
        n=240,
        difference=difference,
        interval=Interval(low=low, high=2 * difference - low, level=0.9, method="m"),
        verdict="no difference shown",
    )


def decided(preset: str, model: str = MODEL) -> PresetChoice:
    return PresetChoice(model=model, chosen=preset, reason="r", tried=[])


def test_the_next_preset_is_asked_for_only_when_those_before_are_not_acceptable(
    in_folder: Path,
) -> None:
    files = [health_file(MODEL, preset) for preset in order(CONFIG, MODEL)]

    def now(number: int, health: PresetHealth) -> list[str]:
        write_record(Path(files[number]), health)
        os.utime(files[number], ns=(0, now.calls))  # type: ignore[attr-defined]
        now.calls += 1  # type: ignore[attr-defined]
        return health_files(CONFIG, MODEL)

    now.calls = 1  # type: ignore[attr-defined]
    assert health_files(CONFIG, MODEL) == files[:1]
    assert now(0, healthy("balanced")) == files[:1]
    assert now(0, sick("balanced", "failed")) == files[:2]
    assert now(1, healthy("memory_saver", against_default=against(0.0, -0.04))) == files[:2]
    assert now(1, healthy("memory_saver", against_default=against(0.0, -0.06))) == files
    assert now(2, sick("throughput", "failed")) == files
    # Healthy once more: what was tried after it counts no longer.
    assert now(0, healthy("balanced")) == files[:1]


def test_a_wider_margin_accepts_what_a_narrow_one_did_not(in_folder: Path) -> None:
    files = [health_file(MODEL, preset) for preset in order(CONFIG, MODEL)]
    write_record(Path(files[0]), sick("balanced", "failed"))
    write_record(Path(files[1]), healthy("memory_saver", against_default=against(0.0, -0.06)))
    assert health_files(configured(preset_selection__margin=0.07), MODEL) == files[:2]
    assert health_files(CONFIG, MODEL) == files


# ---- the choice -----------------------------------------------------------------------------


def test_a_healthy_default_is_kept() -> None:
    choice = choose(SETTINGS, [healthy("balanced")])
    assert (choice.chosen, choice.reason) == ("balanced", "balanced is healthy")


def test_what_was_not_measured_is_said() -> None:
    blank = HealthCheck(name="tokens_per_second", value=None, threshold=None, healthy=True)
    choice = choose(SETTINGS, [healthy("balanced", checks=[blank])])
    assert choice.reason == "balanced is healthy; not measured: tokens per second"


def test_back_offs_in_the_default_lead_to_a_healthy_candidate() -> None:
    saver = healthy("memory_saver", against_default=against(0.01, -0.03))
    choice = choose(SETTINGS, [sick("balanced", "backoffs"), saver])
    assert choice.chosen == "memory_saver"
    assert choice.reason == (
        "memory_saver is healthy, no worse than the default within 0.05 (mean score +0.010, at "
        "least -0.030, 240 samples); balanced: backoffs 0.5, at most 0.05 allowed"
    )
    assert [health.preset for health in choice.tried] == ["balanced", "memory_saver"]


def test_a_healthy_candidate_that_may_be_worse_leaves_the_default() -> None:
    saver = healthy("memory_saver", against_default=against(-0.04, -0.09))
    choice = choose(SETTINGS, [sick("balanced", "failed", "backoffs"), saver])
    assert choice.chosen == "balanced"
    assert not choice.tried[0].healthy
    assert "no preset is both healthy and no worse" in choice.reason
    assert "memory_saver: healthy, not shown to be as good as the default" in choice.reason


@pytest.mark.parametrize(("low", "chosen"), [(-0.05, "memory_saver"), (-0.0501, "balanced")])
def test_the_margin_itself_is_allowed(low: float, chosen: str) -> None:
    saver = healthy("memory_saver", against_default=against(0.0, low))
    assert choose(SETTINGS, [sick("balanced", "failed"), saver]).chosen == chosen


def test_a_healthy_candidate_without_scores_to_compare_is_taken() -> None:
    assert choose(SETTINGS, [sick("balanced", "failed"), healthy("memory_saver")]).chosen == (
        "memory_saver"
    )
    unknown = Difference(n=0, verdict="not comparable")
    choice = choose(
        SETTINGS,
        [sick("balanced", "failed"), healthy("memory_saver", against_default=unknown)],
    )
    assert choice.chosen == "balanced"
    assert "cannot be compared" in choice.reason


def test_without_a_healthy_preset_the_one_with_the_fewest_faults_is_chosen() -> None:
    same = against(0.0, -0.01)
    choice = choose(
        SETTINGS,
        [
            sick("balanced", "failed", "backoffs"),
            sick("memory_saver", "failed", "truncated", against_default=same),
            sick("throughput", "truncated", against_default=same),
        ],
    )
    assert choice.chosen == "throughput"
    assert "throughput has the fewest faults: truncated 0.5, at most 0.05 allowed" in choice.reason
    assert not any(health.healthy for health in choice.tried)


def test_among_equally_faulty_presets_shown_scores_count_then_speed() -> None:
    default = sick("balanced", "truncated")
    by_chance = sick("memory_saver", "truncated", against_default=against(0.02, -0.01))
    assert choose(SETTINGS, [default, by_chance]).chosen == "balanced"
    shown = sick(
        "memory_saver", "truncated", against_default=against(0.1, 0.01), tokens_per_second=1.0
    )
    assert choose(SETTINGS, [default, shown]).chosen == "memory_saver"
    fast = sick(
        "throughput", "truncated", against_default=against(0.0, -0.01), tokens_per_second=99.0
    )
    assert choose(SETTINGS, [default, fast]).chosen == "throughput"
    assert choose(SETTINGS, [default, shown, fast]).chosen == "memory_saver"


def test_a_default_alone_is_kept_with_its_faults_named() -> None:
    choice = choose(SETTINGS, [sick("balanced", "headroom", "failed")])
    assert choice.reason == (
        "balanced is the only one tried: headroom 0.5, at least 0.05 allowed, "
        "failed 0.5, at most 0.05 allowed"
    )


def test_a_choice_needs_something_to_choose_from() -> None:
    with pytest.raises(ValueError, match="no preset"):
        choose(SETTINGS, [])


# ---- what follows from the choice -----------------------------------------------------------


def test_standard_and_full_follow_the_choice_and_quick_does_not(in_folder: Path) -> None:
    before = {t: plan.responses(CONFIG, MODEL, "gsm8k", t)[0] for t in ("quick", "standard")}
    assert all("/balanced/" in path for path in before.values())
    write_record(Path(choice_file(MODEL)), decided("memory_saver"))
    assert plan.responses(CONFIG, MODEL, "gsm8k", "quick") == [before["quick"]]
    for tier in ("standard", "full"):
        assert all("/memory_saver/" in p for p in plan.responses(CONFIG, MODEL, "gsm8k", tier))
        found = plan.score_settings(CONFIG, tier, MODEL, "gsm8k")
        assert (found.preset, found.weights) == ("memory_saver", "nf4")
    assert plan.score_settings(CONFIG, "quick", MODEL, "gsm8k").preset == "balanced"
    judged = configured(judge={"model": MODEL})
    folders = {
        tier: {p.split("/")[4] for p in judge_plan.judgments(judged, MODEL, "mt_bench", tier)}
        for tier in ("quick", "full")
    }
    assert folders == {"quick": {"balanced"}, "full": {"memory_saver"}}
    # The judge itself stays as it is: its ratings do not depend on a choice.
    judge = judge_plan.judge(judged, MODEL)
    assert isinstance(judge, ModelJudge) and judge.preset == "balanced"
    assert plan.preset(CONFIG, "qwen3_14b", "full") == "balanced"


def test_a_choice_made_anew_is_seen_at_once(in_folder: Path) -> None:
    for moment, preset in enumerate(("memory_saver", "throughput"), 1):
        write_record(Path(choice_file(MODEL)), decided(preset))
        os.utime(choice_file(MODEL), ns=(0, moment))
        assert plan.preset(CONFIG, MODEL, "full") == preset


def test_a_damaged_choice_is_named(in_folder: Path) -> None:
    path = Path(choice_file(MODEL))
    path.parent.mkdir(parents=True)
    path.write_text('{"model": ')
    with pytest.raises(EvaluationError, match=re.escape(str(path))):
        plan.preset(CONFIG, MODEL, "full")


def test_judged_datasets_are_assessed_by_their_responses_alone() -> None:
    config = configured(run={"models": [MODEL], "datasets": ["mt_bench", "gsm8k"]})
    assert preset_plan.responses(config, MODEL, "memory_saver") == [
        f"results/responses/{MODEL}/memory_saver/mt_bench/chat-0shot/0-20.jsonl",
        f"results/responses/{MODEL}/memory_saver/gsm8k/chat-0shot/0-20.jsonl",
    ]
    assert preset_plan.results(config, MODEL, "balanced") == [f"results/quick/{MODEL}/gsm8k.json"]
    own = [f"results/presets/{MODEL}/memory_saver/gsm8k.json"]
    assert preset_plan.results(config, MODEL, "memory_saver") == own
    assert preset_plan.default_results(config, MODEL, "balanced") == []
    assert preset_plan.candidate_settings(config, MODEL, "memory_saver", "gsm8k").judge is None


def test_settings_hold_what_decides_and_nothing_else() -> None:
    def both(config: Config) -> tuple[str, str]:
        return (
            plan.to_json(preset_plan.assess_settings(config, MODEL, "balanced")),
            plan.to_json(preset_plan.select_settings(config, MODEL)),
        )

    assess_now, select_now = both(CONFIG)
    threshold, same = both(configured(preset_selection__failed=0.5))
    assert threshold != assess_now and same == select_now
    same, margin = both(configured(preset_selection__margin=0.5))
    assert same == assess_now and margin != select_now
    assert both(configured(preset_selection__candidates=["throughput"])) == both(CONFIG)
    assert json.loads(assess_now)["thresholds"]["failed"] == 0.02


@pytest.mark.parametrize(
    ("target", "known"),
    [
        (f"presets/{MODEL}", True),
        (f"presets/{MODEL}/balanced", True),
        (f"presets/{MODEL}/throughput/gsm8k", True),
        ("presets/yi_9b", False),
        ("presets/nobody", False),
        ("presets", False),
    ],
)
def test_targets_of_models_without_a_choice_are_refused_with_the_reason(
    target: str, known: bool
) -> None:
    config = configured(optimal_presets={"yi_9b": "memory_saver"})
    pattern = rf"results/(?P<cell>{targets.unknown_cell_pattern(config)})\.json"
    assert (re.fullmatch(pattern, f"results/{target}.json") is None) is known
    if target == "presets/yi_9b":
        assert "optimal_presets.yi_9b pins it" in targets.explain_unknown(config, target)


def test_no_model_of_the_run_has_a_choice() -> None:
    config = configured(preset_selection__enabled=False)
    assert preset_plan.choices(config) == []
    assert targets.choosing_models(config) == "(?!)"
    assert f"{MODEL}: preset_selection.enabled is false" in preset_plan.no_choices(config)
    assert preset_plan.choices(CONFIG) == [choice_file(m) for m in CONFIG.run.models]


def test_vllm_refuses_a_candidate_with_weights_it_cannot_make(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evaluation.preflight.find_spec", lambda name: name)
    weights = {"batch_tokens": 4096, "batch_rows": 4, "weights": "int8"}
    config = configured(engine={"name": "vllm"}, presets__memory_saver=weights)
    with pytest.raises(EvaluationError, match=r"presets\.memory_saver\.weights"):
        check_model(config, MODEL, (), gpu=True)
    off = configured(
        engine={"name": "vllm"}, presets__memory_saver=weights, preset_selection__enabled=False
    )
    check_model(off, MODEL, (), gpu=True)
