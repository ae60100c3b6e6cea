"""The run in short: what was run when, how often models were loaded, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaluation.records import Amounts, Cell, TierCost
from evaluation.reports import format as fmt
from evaluation.reports.facts import answer_sessions, code
from evaluation.reports.inputs import TierReport

Figure = Literal["wall_seconds", "gpu_seconds", "joules", "money"]
# Reasons named beside a figure that is not known.
SHOWN = 1


@dataclass(frozen=True)
class Fact:
    """A name, its value as text, and more about it where there is more."""

    name: str
    value: str
    note: str = ""


def run_facts(report: TierReport) -> list[Fact]:
    """The facts of a run; what was not measured says so and why."""
    cells = report.aggregate.cells
    found = [cell.provenance for cell in cells]
    times = sorted(one.scored for one in found)
    scored = f"{times[0]} to {times[-1]}" if times and times[0] != times[-1] else ""
    facts = [
        Fact("Tier", report.tier),
        Fact("Seed", _each([str(one.seed) for one in found])),
        Fact("Code", _each([code(one) for one in found])),
        Fact("Scored", scored or (times[0] if times else fmt.NONE)),
        Fact("Presets", _each([one.preset for one in found])),
        _loads(cells),
    ]
    if report.cost is None:
        return [*facts, Fact("Costs", "not known", "this report was made without them")]
    return [*facts, *_costs(report.cost)]


def _each(values: list[str]) -> str:
    return ", ".join(dict.fromkeys(values)) or fmt.NONE


def _loads(cells: list[Cell]) -> Fact:
    """Sessions by what served the model; a server's models were not loaded by us."""
    sessions = answer_sessions(cells)
    loaded = [s for s in sessions if s.hardware.device != "endpoint"]
    note = f"in {fmt.duration(sum(s.load_seconds for s in loaded))}" if loaded else ""
    served = len({s.model for s in sessions if s.hardware.device == "endpoint"})
    if served:
        note += f"{'; ' if note else ''}{fmt.plural(served, 'model')} asked over a server"
    return Fact("Models loaded", fmt.plural(len(loaded), "time"), note)


def _costs(cost: TierCost) -> list[Fact]:
    parts = [one for one in (cost.answers, cost.judging) if one is not None]
    prompts = sum(one.prompt_tokens for one in parts)
    completions = sum(one.completion_tokens for one in parts)
    return [
        _amount(cost, "Time by the clock", "wall_seconds"),
        _amount(cost, "GPU time", "gpu_seconds"),
        _amount(cost, "Energy of GPUs", "joules"),
        _amount(cost, "Money", "money"),
        Fact("Tokens", f"{fmt.count(prompts)} read, {fmt.count(completions)} written"),
    ]


def _amount(cost: TierCost, name: str, field: Figure) -> Fact:
    """The sum over the models of which it is known, and of which it is not."""
    known = {one.model: _sum(field, one.answers, one.judging) for one in cost.models}
    values = [value for value in known.values() if value is not None]
    unknown = [model for model, value in known.items() if value is None]
    if not values:
        return Fact(name, "not known", _reasons(cost, field))
    total = sum(values)
    text = fmt.duration(total)
    if field == "joules":
        text = fmt.energy(total)
    elif field == "money":
        text = f"{total:,.2f} {cost.currency}"
    elif field == "gpu_seconds" and not total:
        text = "none"
    if not unknown:
        return Fact(name, text, "with the judge's" if cost.judging is not None and total else "")
    number = f"for {len(values)} of {fmt.plural(len(known), 'model')}"
    return Fact(name, text, f"{number}; not known: {_reasons(cost, field)}")


def _sum(field: Figure, answers: Amounts, judging: Amounts | None) -> float | None:
    values = [getattr(one, field) for one in (answers, judging) if one is not None]
    return None if None in values else sum(values)


def _reasons(cost: TierCost, field: Figure) -> str:
    """Why a figure is not known, each reason once; many are cut, the performance page has all."""
    amounts = [
        one for cell in cost.cells for one in (cell.answers, cell.judging) if one is not None
    ]
    reasons = dict.fromkeys(one.missing[field] for one in amounts if field in one.missing)
    found = [" ".join(map(fmt.short, reason.split(" "))) for reason in reasons]
    more = f"; {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ("; ".join(found[:SHOWN]) or "not measured") + more
