"""The monitor measures what there is to measure, and says nothing about the rest."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.engines.counters import Counters
from evaluation.monitor import Monitor
from evaluation.performance import performance
from evaluation.records import DeviceUse, Phase, Response, Session, Usage
from tests import synthetic_results


def response(**changes: Any) -> Response:
    given: dict[str, Any] = {
        "key": "k",
        "sample_id": "s",
        "turn": 0,
        "session": "one",
        "prompt": "p",
        "finish_reason": "stop",
    }
    return Response.model_validate(given | changes)


def measured(**changes: Any) -> Usage:
    given: dict[str, Any] = {
        "wall_seconds": 10.0,
        "engine_seconds": 8.0,
        "requests": 4,
        "shared_tokens": 0,
        "backoffs": 0,
        "phases": {},
        "mean_rows": 2.0,
        "most_rows": 3,
        "cpu_cores": 1.5,
        "resident_memory": 2**30,
    }
    return Usage.model_validate(given | changes)


def session(usage: Usage | None, name: str = "one") -> Session:
    return synthetic_results.session(id=name, usage=usage)


def device(joules: float | None) -> DeviceUse:
    return DeviceUse(utilisation=0.5, watts=100.0, joules=joules, memory=2**30)


# ---- counters --------------------------------------------------------------------------------


def test_counters_add_up_and_average_over_time() -> None:
    counters = Counters()
    counters.add("decode", tokens=8, seconds=1.0, rows=8, places=100, padding=10, passes=1)
    counters.add("decode", tokens=2, seconds=3.0, rows=2, places=100, padding=30, passes=4)
    counters.add("mixed", tokens=5, seconds=0.0, rows=0)
    assert counters.phases() == {
        "decode": Phase(tokens=10, seconds=4.0, padding=0.2, passes=5),
        "mixed": Phase(tokens=5, seconds=0.0, padding=None, passes=None),
    }
    assert counters.mean_rows == pytest.approx((8 + 6) / 4)
    assert counters.most_rows == 8


def test_nothing_done_is_no_rate() -> None:
    assert Counters().mean_rows is None
    assert Counters().phases() == {}


# ---- the machine -----------------------------------------------------------------------------


def test_processor_time_and_memory_are_this_process_s() -> None:
    with Monitor(interval=0.01) as monitor:
        end = time.process_time() + 0.2
        kept = bytearray(2**24)
        while time.process_time() < end:
            pass
        usage = monitor.usage(Counters())
    assert usage.cpu_cores is not None
    assert usage.cpu_cores * usage.wall_seconds >= 0.15
    assert usage.resident_memory > len(kept)
    assert usage.device is None


def test_responses_are_counted() -> None:
    with Monitor() as monitor:
        monitor.add(response(shared_tokens=3, backoffs=1, engine_seconds=0.5))
        monitor.add(response(shared_tokens=4, engine_seconds=0.25))
        usage = monitor.usage(Counters())
    assert (usage.requests, usage.shared_tokens, usage.backoffs) == (2, 7, 1)
    assert usage.engine_seconds == 0.75


class BrokenError(Exception):
    """NVML's error."""


def nvml(**changes: Any) -> SimpleNamespace:
    """A driver with one card that uses 200 W, and 1 kJ between any two readings of its meter."""
    meter = iter(range(0, 10**9, 10**6))
    given = {
        "NVMLError": BrokenError,
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": lambda uuid: f"handle of {uuid}",
        "nvmlDeviceGetUtilizationRates": lambda handle: SimpleNamespace(gpu=80),
        "nvmlDeviceGetPowerUsage": lambda handle: 200_000,
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(used=5 * 2**30),
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: next(meter),
    }
    return SimpleNamespace(**(given | changes))


def watched(monkeypatch: pytest.MonkeyPatch, driver: SimpleNamespace) -> DeviceUse | None:
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    with Monitor("GPU-1", interval=0.01) as monitor:
        end = time.monotonic() + 30
        while monitor.device and not monitor.device.memory and time.monotonic() < end:
            time.sleep(0.01)
        return monitor.usage(Counters()).device


def test_a_gpu_is_measured_through_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    use = watched(monkeypatch, nvml())
    assert use is not None
    assert use.utilisation == pytest.approx(0.8)
    assert (use.watts, use.joules, use.memory) == (200.0, 1000.0, 5 * 2**30)


def raises(*_: Any) -> Any:
    raise BrokenError("not supported")


def test_what_a_card_does_not_tell_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = nvml(nvmlDeviceGetTotalEnergyConsumption=raises, nvmlDeviceGetUtilizationRates=raises)
    use = watched(monkeypatch, driver)
    assert use == DeviceUse(utilisation=None, watts=200.0, joules=None, memory=5 * 2**30)


@pytest.mark.parametrize("part", ["nvmlInit", "nvmlDeviceGetHandleByUUID"])
def test_without_a_driver_nothing_is_measured(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert watched(monkeypatch, nvml(**{part: raises})) is None
    assert "not measured: not supported" in caplog.text


# ---- figures of a cell -----------------------------------------------------------------------


def test_prompts_and_answers_have_rates_of_their_own() -> None:
    found = performance(
        [
            response(
                prompt_tokens=100,
                shared_tokens=40,
                completion_tokens=30,
                engine_seconds=4.0,
                prefill_seconds=1.0,
                batch_rows=2,
            ),
            response(prompt_tokens=50, completion_tokens=0, engine_seconds=1.0, batch_rows=12),
        ],
        [session(measured())],
    )
    assert found.prefill_tokens_per_second == 60
    assert found.decode_tokens_per_second == 10
    assert found.tokens_per_second == 7.5
    assert found.shared_tokens == 40
    assert found.mean_rows == pytest.approx((2 * 4 + 12 * 1) / 5)
    assert found.joules is None


def test_one_answer_without_phases_leaves_no_rate_for_them() -> None:
    one = response(completion_tokens=30, prompt_tokens=9, engine_seconds=4.0, prefill_seconds=1.0)
    other = one.model_copy(update={"prefill_seconds": None})
    found = performance([one, other], [session(None)])
    assert found.prefill_tokens_per_second is None
    assert found.decode_tokens_per_second is None
    assert found.tokens_per_second == 7.5


def test_energy_goes_by_the_engine_s_time() -> None:
    sessions = [
        session(measured(engine_seconds=8.0, device=device(400.0))),
        session(measured(engine_seconds=2.0, device=device(100.0)), "two"),
    ]
    responses = [
        response(engine_seconds=2.0),
        response(engine_seconds=1.0, session="two"),
    ]
    assert performance(responses, sessions).joules == pytest.approx(400 * 2 / 8 + 100 * 1 / 2)


@pytest.mark.parametrize("usage", [None, measured(), measured(device=device(None))])
def test_energy_that_one_session_did_not_measure_is_not_guessed(usage: Usage | None) -> None:
    sessions = [session(measured(device=device(400.0))), session(usage, "two")]
    assert performance([response(engine_seconds=1.0)], sessions).joules is None
