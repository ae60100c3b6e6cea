"""What a tier took: shares of sessions, prices, and figures that are not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.aggregate import to_cell
from evaluation.config import ConfigError, CostSettings, TokenPrice, parse_config
from evaluation.cost import cost, count_decisions, tier_cost
from evaluation.errors import EvaluationError
from evaluation.files import write_record
from evaluation.performance import performance
from evaluation.records import (
    Aggregate,
    Cell,
    Comparison,
    Comparisons,
    DatasetComparison,
    DeviceUse,
    Difference,
    JudgeFacts,
    Response,
    Score,
    Session,
    Usage,
)
from tests import synthetic_results
from tests.test_aggregate import ACCURACY, UNRATED, result
from tests.test_config import read

GPU = "NVIDIA H100"


def session(
    name: str, device: str, *, killed: bool = False, joules: float | None = None
) -> Session:
    """10 s of load, 90 s of run by the clock, 60 s of them in the engine."""
    use = DeviceUse(utilisation=None, watts=None, joules=joules, memory=None)
    return synthetic_results.session(
        id=name,
        load_seconds=10.0,
        device=device,
        usage=None
        if killed
        else Usage(
            wall_seconds=90.0,
            engine_seconds=60.0,
            requests=1,
            shared_tokens=0,
            backoffs=0,
            phases={},
            mean_rows=None,
            most_rows=1,
            cpu_cores=None,
            resident_memory=1,
            device=use if joules is not None else None,
        ),
    )


def cell(
    model: str,
    dataset: str,
    seconds: dict[str, float],
    sessions: list[Session],
    scores: list[Score] | None = None,
    **changes: Any,
) -> Cell:
    """A cell of 10 samples, one unscorable, with 3,000 prompt and 4,000 generated tokens."""
    made = to_cell(result(model, dataset, [ACCURACY] if scores is None else scores, **changes))
    used = {"session_seconds": seconds, "prompt_tokens": 3000, "completion_tokens": 4000}
    return made.model_copy(
        update={
            "performance": made.performance.model_copy(update=used),
            "provenance": made.provenance.model_copy(update={"sessions": sessions}),
        }
    )


def tier(*cells: Cell) -> Aggregate:
    models = list(dict.fromkeys(c.model for c in cells))
    datasets = list(dict.fromkeys(c.dataset for c in cells))
    return Aggregate(tier="quick", models=models, datasets=datasets, cells=list(cells))


def test_a_session_is_shared_in_proportion_to_engine_time() -> None:
    one = session("s", GPU, joules=7200.0)
    found = tier_cost(
        tier(cell("m", "gsm8k", {"s": 45.0}, [one]), cell("m", "mmlu", {"s": 15.0}, [one])),
        CostSettings(gpu_hour=36.0, kwh=0.5),
    )
    first, second = (c.answers for c in found.cells)
    assert (first.wall_seconds, second.wall_seconds) == (75.0, 25.0)
    assert (first.load_seconds, second.load_seconds) == (7.5, 2.5)
    assert (first.gpu_seconds, second.gpu_seconds) == (45.0, 15.0)
    assert (first.joules, second.joules) == (5400.0, 1800.0)
    assert first.money == pytest.approx(75 * 36 / 3600 + 5400 / 3.6e6 * 0.5)
    assert found.answers.wall_seconds == 100.0
    assert found.answers.money == pytest.approx(1.0 + 0.001)
    assert found.answers.missing == {}
    assert found.models[0].answers == found.answers
    assert found.prices == {"gpu_hour": 36.0, "kwh": 0.5}


def test_money_per_score_sample_and_decision() -> None:
    one = session("s", GPU)
    cells = (
        cell("m", "gsm8k", {"s": 30.0}, [one]),
        cell("m", "mt_bench", {"s": 30.0}, [one], [UNRATED]),
    )
    found = tier_cost(tier(*cells), CostSettings(gpu_hour=36.0), decisions=4)
    assert (found.per_score.number, found.per_score.money) == (1, pytest.approx(1.0))
    # 10 samples each, one of which was never asked.
    assert (found.per_sample.number, found.per_sample.money) == (18, pytest.approx(1 / 18))
    assert found.per_decision is not None
    assert found.per_decision.money == pytest.approx(0.25)
    assert found.per_decision.wall_seconds == pytest.approx(25.0)
    assert tier_cost(tier(*cells), CostSettings()).per_decision is None
    none = tier_cost(tier(*cells), CostSettings(gpu_hour=36.0), decisions=0).per_decision
    assert none is not None
    assert (none.number, none.money, none.wall_seconds) == (0, None, None)


def test_a_killed_session_makes_no_number_up() -> None:
    killed, whole = session("k", GPU, killed=True), session("w", GPU, joules=1.0)
    found = tier_cost(
        tier(
            cell("m", "gsm8k", {"k": 20.0, "w": 60.0}, [killed, whole]),
            cell("m", "mmlu", {"w": 0.0}, [whole]),
        ),
        CostSettings(gpu_hour=1.0),
    )
    broken, fine = (c.answers for c in found.cells)
    assert (broken.wall_seconds, broken.load_seconds, broken.joules, broken.money) == (None,) * 4
    assert broken.missing["money"] == "session k was killed before it had measured itself"
    # What responses tell by themselves is still known.
    assert (broken.engine_seconds, broken.gpu_seconds) == (80.0, 80.0)
    assert fine.money == 0.0
    assert found.answers.money is None
    reason = "session k was killed before it had measured itself"
    assert found.models[0].answers.missing["money"] == f"{reason} (gsm8k)"
    assert found.answers.missing["money"] == f"{reason} (m)"
    assert found.per_score.money is None


@pytest.mark.parametrize(
    ("device", "prices", "money", "reason"),
    [
        ("cpu", CostSettings(gpu_hour=9.0, kwh=9.0), None, "no price: set cost.cpu_hour"),
        ("cpu", CostSettings(cpu_hour=36.0, gpu_hour=9.0, kwh=9.0), 1.0, None),
        (GPU, CostSettings(cpu_hour=9.0), None, "no price: set cost.gpu_hour or cost.kwh"),
        (GPU, CostSettings(gpu_hour=9.0, kwh=9.0), None, "the driver told no energy"),
        ("endpoint", CostSettings(gpu_hour=9.0), None, "no price: set cost.tokens.m"),
        (
            "endpoint",
            CostSettings(cpu_hour=9.0, tokens={"m": TokenPrice(prompt=1.0, completion=2.0)}),
            0.011,
            None,
        ),
    ],
)
def test_each_kind_of_device_has_its_prices(
    device: str, prices: CostSettings, money: float | None, reason: str | None
) -> None:
    one = session("s", device)
    answers = tier_cost(tier(cell("m", "gsm8k", {"s": 60.0}, [one])), prices).cells[0].answers
    assert answers.money == (None if money is None else pytest.approx(money))
    assert answers.missing.get("money") == reason


def test_what_no_device_of_ours_did_is_told_apart() -> None:
    on_cpu = cell("a", "gsm8k", {"c": 60.0}, [session("c", "cpu")])
    on_server = cell("b", "gsm8k", {"e": 60.0}, [session("e", "endpoint")])
    cpu, server = (c.answers for c in tier_cost(tier(on_cpu, on_server), CostSettings()).cells)
    assert (cpu.gpu_seconds, cpu.joules, cpu.missing["joules"]) == (0.0, None, "no GPU was used")
    assert (server.gpu_seconds, server.missing["gpu_seconds"]) == (
        None,
        "a server's devices are not known",
    )
    mixed = cell(
        "m", "gsm8k", {"c": 1.0, "e": 1.0}, [session("c", "cpu"), session("e", "endpoint")]
    )
    both = tier_cost(tier(mixed), CostSettings(cpu_hour=1.0)).cells[0].answers
    assert both.missing["money"] == "some answers came from a server, some did not"


def test_a_result_of_an_older_version_says_what_to_do() -> None:
    old = cell("m", "gsm8k", {}, [session("s", "cpu")])
    answers = tier_cost(tier(old), CostSettings(cpu_hour=1.0)).cells[0].answers
    assert answers.engine_seconds is None
    assert "score again" in answers.missing["money"]
    assert answers.prompt_tokens == 3000


def test_a_judge_is_paid_apart() -> None:
    judge = JudgeFacts(
        name="endpoint",
        id="judge",
        revision="r",
        self_judged=False,
        asked=2,
        parsed=2,
        retried=0,
        failed=0,
        truncated_prompts=0,
        prompt_tokens=1_000_000,
        completion_tokens=500_000,
        sessions=[session("j", "endpoint")],
        session_seconds={"j": 30.0},
    )
    one = session("s", "cpu")
    found = tier_cost(
        tier(
            cell("m", "mt_bench", {"s": 60.0}, [one], judge=judge),
            cell("m", "gsm8k", {"s": 0.0}, [one]),
        ),
        CostSettings(cpu_hour=36.0, tokens={"endpoint": TokenPrice(prompt=3.0, completion=8.0)}),
    )
    assert found.answers.money == pytest.approx(1.0)
    assert found.judging is not None
    assert found.judging.money == pytest.approx(7.0)
    assert found.judging.wall_seconds == pytest.approx(50.0)
    assert found.cells[1].judging is None
    assert found.per_score.money == pytest.approx(4.0)


def test_cells_without_responses_and_tiers_without_cells_cost_nothing() -> None:
    empty = tier_cost(tier(cell("m", "gsm8k", {}, [])), CostSettings(gpu_hour=1.0))
    assert (empty.answers.wall_seconds, empty.answers.money) == (0.0, 0.0)
    none = tier_cost(tier(), CostSettings())
    assert (none.cells, none.models, none.per_score.number) == ([], [], 0)
    assert none.per_score.money is None


def difference(verdict: Any) -> DatasetComparison:
    return DatasetComparison(
        dataset="gsm8k",
        title="GSM8K",
        protocol="chat",
        metric="acc",
        difference=Difference(n=1, verdict=verdict),
    )


def compared(*verdicts: str, kind: Any = "models") -> Comparison:
    return Comparison(
        kind=kind,
        a="a",
        b="b",
        datasets=[difference(v) for v in verdicts],
        overall=Difference(n=1, verdict="better"),
    )


def comparisons(*found: Comparison) -> Comparisons:
    return Comparisons(
        tier="quick", confidence=0.95, power=0.8, margin=0.02, averages=[], comparisons=list(found)
    )


def test_only_verdicts_are_decisions() -> None:
    every = ("better", "worse", "equal", "no difference shown", "not enough samples")
    found = comparisons(
        compared(*every, "not comparable"), compared("equal"), compared("better", kind="presets")
    )
    assert count_decisions(found) == 4


def test_reads_the_files_of_a_tier(tmp_path: Path) -> None:
    aggregate, pairs = tmp_path / "all.json", tmp_path / "comparisons.json"
    one = session("s", "cpu")
    write_record(aggregate, tier(cell("m", "gsm8k", {"s": 60.0}, [one])))
    write_record(pairs, comparisons(compared("better", "worse")))
    found = cost(CostSettings(cpu_hour=36.0), aggregate, pairs)
    assert found.per_decision is not None
    assert found.per_decision.money == pytest.approx(0.5)
    assert cost(CostSettings(), aggregate, None).per_decision is None
    aggregate.write_text("{")
    with pytest.raises(EvaluationError, match=r"all\.json"):
        cost(CostSettings(), aggregate, None)


def test_engine_time_is_counted_by_session() -> None:
    def response(name: str, seconds: float) -> Response:
        return Response(
            key="k", sample_id="i", turn=0, session=name, prompt="", finish_reason="stop",
            engine_seconds=seconds,
        )  # fmt: skip

    responses = [response("a", 1.0), response("b", 2.0), response("a", 4.0)]
    found = performance(responses, [session(name, "cpu") for name in "abc"])
    assert found.session_seconds == {"a": 5.0, "b": 2.0, "c": 0.0}
    assert sum(found.session_seconds.values()) == found.engine_seconds


def test_token_prices_are_for_servers_only() -> None:
    raw = read("config.yaml")
    name = next(iter(raw["models"]))
    raw["cost"] = {"tokens": {name: {"prompt": 1, "completion": 2}}}
    with pytest.raises(ConfigError, match=rf"cost\.tokens\.{name}: the model runs here"):
        parse_config(raw)
    raw["cost"] = {"tokens": {"endpoint": {"prompt": 1, "completion": 2}}}
    with pytest.raises(ConfigError, match="unknown model 'endpoint'"):
        parse_config(raw)
    raw["judge"] = {"endpoint": {"base_url": "http://localhost:1/v1", "model": "judge"}}
    assert "endpoint" in parse_config(raw).cost.tokens
