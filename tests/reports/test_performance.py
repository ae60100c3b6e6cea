"""The performance page: what is added up, what is held against what, and what is said to be
unknown."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from math import nan
from typing import Any

import pytest

from evaluation.config import CostSettings
from evaluation.cost import tier_cost
from evaluation.records import (
    Aggregate,
    Ceiling,
    DeviceUse,
    Difference,
    Each,
    Interval,
    Performance,
    Phase,
    PresetChoice,
    PresetHealth,
    Session,
    Usage,
)
from evaluation.reports import TierReport, cell_speed, fields, preset_speed, speed, spending
from evaluation.reports import accuracy_cost as worth
from evaluation.reports.charts.scatter import Dot, scatter
from evaluation.reports.charts.stacked import Bar, stacked
from evaluation.reports.digest import digests
from evaluation.reports.efficiency import reading, writing
from evaluation.reports.efficiency import table as ceiling_table
from evaluation.reports.fields import NOTHING, Field, Table
from evaluation.reports.pages import performance as page
from evaluation.reports.samples import views
from evaluation.reports.time_spent import PARTS, time_spent
from evaluation.reports.time_spent import table as time_table
from evaluation.reports.usage import model_runs
from tests import synthetic_results as made
from tests import synthetic_tier
from tests.reports.builders import HOSTILE, Page, aggregate, hostile

CEILING = Ceiling(dtype="bfloat16", bandwidth=1000.0, matrix=8000.0, weights=10, weight_bytes=20)
PHASES = {
    "prefill": Phase(tokens=100, seconds=2.0, padding=0.0),
    "decode": Phase(tokens=40, seconds=5.0, padding=0.25, passes=20),
}


def usage(**changes: Any) -> Usage:
    given: dict[str, Any] = {
        "wall_seconds": 10.0,
        "engine_seconds": 8.0,
        "requests": 4,
        "shared_tokens": 7,
        "backoffs": 0,
        "phases": PHASES,
        "mean_rows": 2.0,
        "most_rows": 3,
        "cpu_cores": 1.5,
        "resident_memory": 2**30,
    }
    return Usage(**(given | changes))


def session(key: str = "one", found: Usage | None = None, **changes: Any) -> Session:
    return made.session(id=key, usage=found, load_seconds=4.0, **changes)


def cell(
    model: str,
    dataset: str,
    seconds: dict[str, float],
    sessions: list[Session],
    judge: Any = None,
    values: tuple[float, ...] = (1.0, 0.0),
) -> Any:
    took = Performance(
        load_seconds=4.0,
        loads=1,
        engine_seconds=sum(seconds.values()),
        prompt_tokens=100,
        completion_tokens=40,
        tokens_per_second=5.0,
        peak_memory=2**30,
        session_seconds=seconds,
    )
    return made.result(
        model, dataset, values, sessions=sessions, performance=took, judge=judge, tier="quick"
    )


def tier(*cells: Any) -> Aggregate:
    models = list(dict.fromkeys(one.model for one in cells))
    datasets = list(dict.fromkeys(one.dataset for one in cells))
    return aggregate(list(cells), models, datasets)


# ---- sessions --------------------------------------------------------------------------------


def test_a_session_of_several_datasets_counts_once() -> None:
    one = session(found=usage())
    (found,) = model_runs(
        tier(cell("m", "a", {"one": 2.0}, [one]), cell("m", "b", {"one": 4.0}, [one]))
    )
    (run,) = found.runs
    assert (run.seconds, run.share) == (6.0, 0.75)


def test_the_judge_stands_for_itself() -> None:
    rater = made.judge("j", sessions=[session("r", usage())], session_seconds={"r": 4.0})
    found = model_runs(tier(cell("m", "a", {"one": 2.0}, [session(found=usage())], rater)))
    assert [(one.title, one.runs[0].seconds) for one in found] == [("m", 2.0), ("j (judge)", 4.0)]


def test_a_result_that_does_not_say_how_much_of_a_session_it_took_makes_it_unknown() -> None:
    one = session(found=usage())
    (found,) = model_runs(tier(cell("m", "a", {"one": 2.0}, [one]), cell("m", "b", {}, [one])))
    assert (found.runs[0].seconds, found.runs[0].share) == (None, None)


# ---- where the time went ---------------------------------------------------------------------


def test_the_parts_are_the_time_by_the_clock_of_the_costs() -> None:
    found = tier(cell("m", "a", {"one": 4.0}, [session(found=usage())]))
    (row,) = time_spent(model_runs(found))
    # Half of the session is this tier's: 4 s of load, 10 s of run with 7 s of passes.
    assert {part: row.seconds[part] for part in PARTS if row.seconds[part]} == {
        "load": 2.0,
        "prompts": 1.0,
        "answers": 2.5,
        "other": 1.5,
    }
    assert row.total == tier_cost(found, CostSettings()).answers.wall_seconds == 7.0
    assert row.notes == ()


def test_a_killed_session_is_counted_as_far_as_it_is_known_and_said() -> None:
    found = model_runs(tier(cell("m", "a", {"one": 4.0}, [session()])))
    (row,) = time_spent(found)
    assert (row.seconds["load"], row.seconds["not told apart"], row.total) == (4.0, 4.0, 8.0)
    assert "killed" in row.notes[0]


def test_a_session_of_unknown_share_is_in_no_sum_and_said() -> None:
    (row,) = time_spent(model_runs(tier(cell("m", "a", {}, [session(found=usage())]))))
    assert row.total == 0
    assert "not counted" in row.notes[0]
    assert time_table([row]).rows == [(Field("m"), NOTHING)]


def test_passes_that_overlap_leave_no_time_below_nothing() -> None:
    one = session(found=usage(wall_seconds=1.0))
    (row,) = time_spent(model_runs(tier(cell("m", "a", {"one": 8.0}, [one]))))
    assert row.seconds["other"] == 0


def test_a_session_that_computed_nothing_divides_by_nothing() -> None:
    one = session(found=usage(engine_seconds=0.0, phases={}))
    (row,) = time_spent(model_runs(tier(cell("m", "a", {"one": 0.0}, [one]))))
    assert row.total == 0


def test_the_table_of_times_has_the_parts_there_are_with_their_shares() -> None:
    one = session(found=usage(phases={"decode": Phase(tokens=9, seconds=0.01)}))
    table = time_table(time_spent(model_runs(tier(cell("m", "a", {"one": 8.0}, [one])))))
    assert table.heads == ("Model", "Total", "Load", "Answers", "Other")
    texts = [field.text for field in table.rows[0]]
    assert texts == ["m", "14.0 s", "4.0 s (29%)", "10 ms (<1%)", "10.0 s (71%)"]


# ---- the ceiling -----------------------------------------------------------------------------


def test_reading_is_held_against_matrix_products() -> None:
    found = reading(PHASES["prefill"], CEILING)
    assert found is not None
    # 50 tokens a second, each of which takes 20 operations of 8000.
    assert (found.reached, found.allowed, found.share) == (50.0, 400.0, 0.125)


def test_writing_is_held_against_the_slower_of_memory_and_products() -> None:
    found = writing(PHASES["decode"], CEILING)
    assert found is not None
    assert (found.reached, found.allowed, found.bound) == (4.0, 50.0, "memory")
    # 20 answers a pass take 400 operations: 20 passes a second at most.
    many = writing(Phase(tokens=400, seconds=5.0, passes=20), CEILING)
    assert many is not None
    assert (many.allowed, many.bound, many.share) == (20.0, "matrix", 0.2)


@pytest.mark.parametrize(
    "phase", [None, Phase(tokens=0, seconds=0.0), Phase(tokens=40, seconds=5.0)]
)
def test_passes_that_nobody_counted_have_no_share(phase: Phase | None) -> None:
    assert writing(phase, CEILING) is None


def test_a_session_without_a_measured_ceiling_says_so() -> None:
    sessions = [session("one", usage(ceiling=CEILING)), session("two", usage()), session("three")]
    seconds = dict.fromkeys(("one", "two", "three"), 1.0)
    found = model_runs(tier(cell("m", "a", seconds, sessions)))
    table = ceiling_table(found)
    assert table is not None
    texts = [[field.text for field in row] for row in table.rows]
    assert texts[0][1:3] == ["balanced, one", "memory"]
    assert texts[0][-6:] == ["50.0", "12%", "–", "–", "4.0", "8%"]
    assert [row[1] for row in texts[1:]] == [
        "balanced, two: not measured",
        "balanced, three: not measured",
    ]
    assert {len(row) for row in texts} == {len(table.heads)}


def test_without_any_ceiling_there_is_no_table() -> None:
    assert ceiling_table(model_runs(tier(cell("m", "a", {"one": 1.0}, [session()])))) is None


# ---- sessions as tables ----------------------------------------------------------------------


def test_tokens_a_second_are_those_of_the_kinds_of_work_there_were() -> None:
    gpu = DeviceUse(utilisation=0.5, watts=100.4, joules=54321.0, memory=2**30)
    sessions = [session("one", usage(device=gpu), device="H100"), session("two", device="H100")]
    found = model_runs(tier(cell("m", "a", {"one": 1.0, "two": 1.0}, sessions)))
    table = speed.speed(found)
    assert table.heads[2:] == ("Prompts", "tokens/s", "Answers", "tokens/s", "Reused tokens")
    first, killed = ([field.text for field in row] for row in table.rows)
    assert first == ["m", "balanced, one", "100", "50.0", "40", "8.0", "7"]
    assert killed == ["m", "balanced, two: killed", *["–"] * 5]
    first, killed = ([field.text for field in row] for row in speed.batches(found).rows)
    assert first[2:] == ["4", "2.0", "3", "2.0", "0%", "25%", "–", "0"]
    assert killed[2:] == ["–"] * 8
    table = speed.machine(found, {"m": 2**31})
    first, killed = ([field.text for field in row] for row in table.rows)
    assert first[2:] == [
        *("H100", "4.0 s", "10.0 s", "2.0 GiB", "1.0 GiB", "1.5"),
        *("50%", "100 W", "54 kJ", "1.0 GiB", "–"),
    ]
    assert killed[2:] == ["H100", "4.0 s", "–", "2.0 GiB", *["–"] * 7]


def test_waits_are_quantiles_of_the_samples_that_were_asked() -> None:
    results = list(synthetic_tier.tier(1, ["gsm8k"], 20))
    digest = digests(views(results[0]))[0]
    asked = [replace(digest, finish_reasons=("stop",), latency_seconds=float(n)) for n in range(20)]
    never = replace(digest, finish_reasons=(), latency_seconds=0.0)
    assert cell_speed.waits([*reversed(asked), *[never] * 30]) == pytest.approx((9.5, 18.05))
    assert cell_speed.waits([never]) is None


# ---- costs -----------------------------------------------------------------------------------


def test_costs_of_scores_samples_and_decisions_are_the_tier_s() -> None:
    prices = CostSettings(cpu_hour=360.0)
    found = tier_cost(tier(cell("m", "a", {"one": 8.0}, [session(found=usage())])), prices, 2)
    row = [field.text for field in spending.took(found).rows[0]]
    assert row == ["m", "14.0 s", "4.0 s", "8.0 s", "0 s", "–", "100", "40", "1.40 USD"]
    row = [field.text for field in fields.known(spending.each(found)).rows[0]]
    assert row == ["m", "1", "14.0 s", "0 s", "1.40 USD", "2", "7.0 s", "0 s", "0.70 USD"]
    assert "2. What each took: 7.0 s by the clock, 0 s on a GPU, 0.70 USD." in spending.decision(
        found
    )
    assert spending.summary(found)[0].startswith("All answers took 14.0 s by the clock")
    assert "Energy of all answers: no GPU was used (m)." in spending.unknown(found)
    assert "cpu_hour 360" in spending.prices(found)


def test_what_costs_do_not_know_is_said_in_words() -> None:
    found = tier_cost(tier(cell("m", "a", {"one": 8.0}, [session()])), CostSettings())
    assert "not known as a whole" in spending.summary(found)[0]
    assert any("killed" in line for line in spending.unknown(found))
    assert "No prices" in spending.prices(found)
    assert spending.decision(found) == ""
    none = found.model_copy(update={"per_decision": Each(number=0)})
    assert "no decisions" in spending.decision(none)


def pair(**changes: Any) -> TierReport:
    """Two models on two datasets, the second of which only the first has."""
    first, second = session("one", usage()), session("two", usage(engine_seconds=4.0))
    many = (1.0, 0.0) * 10
    results = [
        cell("m", "a", {"one": 6.0}, [first], values=many),
        cell("m", "b", {"one": 2.0}, [first], values=many),
        cell("n", "a", {"two": 4.0}, [second], values=many),
    ]
    found = tier(*results)
    comparisons = synthetic_tier.comparisons_of(results, ["m", "n"], ["a", "b"], "quick")
    cost = tier_cost(found, CostSettings(**changes))
    return TierReport(found, comparisons=comparisons, cost=cost)


def test_an_average_stands_against_the_cost_of_its_own_datasets() -> None:
    found = worth.accuracy_cost(pair())
    assert found is not None
    # Without prices it is time by the clock; three quarters of the first session.
    assert found.measure == "wall_seconds"
    amounts = [
        (p.model, p.amounts["engine_seconds"], p.amounts["wall_seconds"]) for p in found.drawn
    ]
    assert amounts == [("m", 6.0, 10.5), ("n", 4.0, 14.0)]
    assert found.left_out == ()
    row = [field.text for field in worth.table(found).rows[0]]
    assert row[:2] == ["m", "50.0"]
    assert row[3] == "1"
    assert found.devices == ""


def test_devices_are_named_where_they_differ() -> None:
    found = worth.accuracy_cost(pair())
    assert found is not None
    first, second = found.points
    found = replace(found, points=(first, replace(second, device="H100")))
    assert found.devices == "cpu (m); H100 (n)"


def test_money_is_the_measure_where_prices_are_configured() -> None:
    found = worth.accuracy_cost(pair(cpu_hour=1.0))
    assert found is not None
    assert (found.measure, found.axis) == ("money", "Money for all answers, USD")


def test_a_model_that_is_not_in_the_chart_is_named_with_the_reason() -> None:
    report = pair(cpu_hour=1.0)
    assert report.cost is not None
    cells = [
        one
        if one.model == "m"
        else one.model_copy(
            update={
                "answers": one.answers.model_copy(
                    update={
                        **dict.fromkeys(("money", "wall_seconds", "engine_seconds")),
                        "missing": {"money": "no price: set it"},
                    }
                )
            }
        )
        for one in report.cost.cells
    ]
    report = replace(report, cost=report.cost.model_copy(update={"cells": cells}))
    found = worth.accuracy_cost(report)
    assert found is not None
    assert [one.model for one in found.drawn] == ["m"]
    assert found.left_out == ("n: no price: set it.",)
    assert "<svg" in page.render(report)  # of the time; a single point is no chart
    assert "Not in the chart" in Page(page.render(report)).words


def test_without_averages_or_costs_there_is_nothing_to_weigh() -> None:
    assert worth.accuracy_cost(replace(pair(), comparisons=None)) is None
    assert worth.accuracy_cost(replace(pair(), cost=None)) is None


# ---- presets ---------------------------------------------------------------------------------


def test_presets_tried_stand_beside_each_other() -> None:
    against = Difference(
        n=40,
        difference=-0.012,
        interval=Interval(low=-0.05, high=0.03, method="paired"),
        verdict="no difference shown",
    )
    base = PresetHealth(
        preset="balanced",
        healthy=False,
        checks=[],
        mean_score=0.5,
        tokens_per_second=None,
        peak_memory=0,
    )
    saver = base.model_copy(
        update={
            "preset": "memory_saver",
            "healthy": True,
            "tokens_per_second": 812.0,
            "against_default": against,
        }
    )
    choice = PresetChoice(model="m", chosen="memory_saver", reason="r", tried=[base, saver])
    table = preset_speed.table([choice])
    assert table is not None
    first, second = ([field.text for field in row] for row in table.rows)
    assert first == ["m", "balanced", "–", "no", "–", "–", "–", "50.0"]
    assert second[2:] == [
        *("chosen", "yes", "-1.2 (-5.0 to +3.0): no difference shown", "812", "–", "50.0"),
    ]
    assert preset_speed.table([]) is None


# ---- fields ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (fields.seconds(0.0), "0 s"),
        (fields.seconds(0.0123), "12.3 ms"),
        (fields.seconds(7300.0), "2 h 1 min"),
        (fields.money(0.00123, "USD"), "0.0012 USD"),
        (fields.money(0.1, "USD"), "0.10 USD"),
        (fields.size(0), "–"),
        (fields.count(1234), "1,234"),
        (fields.seconds(nan), "–"),
        (fields.share(nan), "–"),
        (fields.rate(None), "–"),
    ],
)
def test_numbers_are_written_for_readers(field: Field, text: str) -> None:
    assert field.text == text


def test_a_column_without_any_number_is_named_and_left_away() -> None:
    rows = [(Field("a"), NOTHING, fields.count(1)), (Field("b"), NOTHING, NOTHING)]
    table = Table("t", "", "Words.", ("Of", "Energy", "Number"), rows)
    found = fields.known(table)
    assert found.heads == ("Of", "Number")
    assert found.rows == [(Field("a"), Field("1", 1)), (Field("b"), NOTHING)]
    assert found.caption == "Words. Not known in any row: energy."
    assert fields.known(replace(table, rows=[])).heads == table.heads


# ---- charts ----------------------------------------------------------------------------------


def test_bars_say_their_parts_and_names_as_text() -> None:
    name = "</text><script>alert(1)</script>"
    bars = [Bar(name, (3.0, 1.0), "4 s"), Bar("empty", (0.0, 0.0))]
    chart = str(stacked(bars, ["load", "other"], ["#000106", "#000107"], "T", "D"))
    assert "<script" not in chart
    assert "style=" not in chart
    assert "load 75%" in chart
    assert "other 25%" in chart or ">25%" in chart
    assert "4 s" in chart


def test_points_have_all_their_names_also_where_they_lie_on_each_other() -> None:
    dots = [Dot(f"m{n}", 10.0 ** (n // 3), 50.0, 40.0, 60.0) for n in range(9)]
    chart = str(scatter([*dots, Dot(HOSTILE, 3.0, 5, 5, 5)], ("x", "y"), "T", "D"))
    assert [f">m{n}<" in chart for n in range(9)] == [True] * 9
    assert "<script" not in chart
    assert "style=" not in chart


# ---- the page --------------------------------------------------------------------------------


@cache
def report(models: int = 3, **changes: Any) -> TierReport:
    names = synthetic_tier.model_names(models)
    datasets = ["gsm8k", "mt_bench", "mmlu"]
    results = list(synthetic_tier.tier(models, datasets, 6, **changes))
    found = synthetic_tier.aggregate_of(results, names, datasets)
    compared = synthetic_tier.comparisons_of(results, names, datasets) if models > 1 else None
    return TierReport(
        found,
        comparisons=compared,
        cost=synthetic_tier.cost_of(found, compared),
        presets=synthetic_tier.presets_of(names),
        digests={(r.model, r.dataset): digests(views(r)) for r in results},
    )


def test_the_page_has_every_section_with_its_tables_explained() -> None:
    found = Page(page.render(report()))
    for table in (
        "time",
        "worth",
        "took",
        "each",
        "speed",
        "batches",
        "machine",
        "ceiling",
        "cells",
    ):
        assert f"{table}-table" in found.values("id")
        assert f"{table}-caption" in found.values("aria-labelledby")
    assert found.tags.count("svg") == 2
    assert len(found.values("id")) == len(set(found.values("id")))
    assert not found.values("style")
    for name in synthetic_tier.model_names(3):
        assert name in found.words
    assert "samples.html#model=alder_8b&dataset=gsm8k" in found.values("href")


def test_a_page_is_made_from_what_there_is() -> None:
    alone = Page(page.render(report(1)))
    assert "With one model there is nothing to weigh" in alone.words
    bare = Page(page.render(replace(report(), cost=None, comparisons=None, presets=(), digests={})))
    assert "made without costs" in bare.words
    assert "No presets were tried" in bare.words
    nothing = TierReport(aggregate([], ["m", "n"], ["a"]))
    assert "nothing recorded" in Page(page.render(nothing)).words
    assert "Not measured in any session" in Page(page.render(nothing)).words


def test_a_result_of_an_older_schema_without_seconds_by_session_is_told() -> None:
    old = tier(cell("m", "a", {}, [session(found=usage())]))
    found = Page(page.render(TierReport(old, cost=tier_cost(old, CostSettings()))))
    assert "do not say how much of it they took" in found.words


def test_numbers_that_are_none_break_nothing() -> None:
    one = session(found=usage(wall_seconds=nan, mean_rows=nan, cpu_cores=nan))
    found = tier(cell("m", "a", {"one": nan}, [one]))
    words = Page(page.render(TierReport(found, cost=tier_cost(found, CostSettings())))).words
    assert "nan" not in re.findall(r"\w+", words.lower())


def test_text_from_outside_is_inert() -> None:
    bad = hostile()
    found = aggregate([bad], [bad.model], [bad.dataset])
    choice = synthetic_tier.presets_of(["x"])[0].model_copy(update={"model": HOSTILE})
    source = page.render(TierReport(found, presets=[choice]))
    assert "<script>alert" not in source
    assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", source)
    assert "\u202e" not in source
