"""What a tier took, and what each score, sample and decision came to, from its costs."""

from __future__ import annotations

from evaluation.records import Amounts, Each, TierCost
from evaluation.reports import fields
from evaluation.reports import format as fmt
from evaluation.reports.fields import NOTHING, Field, Table

TOOK = (
    "By the clock: from the beginning of the loads to the last answer; load: the part of it that "
    "loads took. Engine: the sum of the passes' time over all answers; on a GPU: the part of it on "
    "a GPU. Energy: what the GPU's own meter counted during the runs, whoever used it. Tokens: "
    "those of all prompts, also where they were computed once for several, and those written. "
    "Money: from the prices in the configuration."
)
EACH = (
    "What stands in the table above, ratings included, divided by the number of scores (cells with "
    "a primary score) and by the number of samples asked."
)


def took(cost: TierCost) -> Table:
    """What answers took, by model and altogether, and what ratings did."""
    rows = [_amounts(one.model, one.answers, cost.currency) for one in cost.models]
    rows.append(_amounts("All answers", cost.answers, cost.currency))
    if cost.judging is not None:
        rows.append(_amounts("All ratings by the judge", cost.judging, cost.currency))
    heads = (
        *("Answers of", "By the clock", "Load", "Engine", "On a GPU", "Energy"),
        *("Tokens read", "Tokens written", "Money"),
    )
    return Table("took", "What it took", TOOK, heads, rows)


def each(cost: TierCost) -> Table:
    """What one score and one sample took."""
    rows = [_each(one.model, one.per_score, one.per_sample, cost.currency) for one in cost.models]
    rows.append(_each("All models", cost.per_score, cost.per_sample, cost.currency))
    kinds = ("by the clock", "on a GPU", "energy", "money")
    heads = [
        head
        for unit in ("score", "sample")
        for head in (f"{unit.capitalize()}s", *(f"A {unit}: {kind}" for kind in kinds))
    ]
    return Table("each", "What each score and sample took", EACH, ("Model", *heads), rows)


def decision(cost: TierCost) -> str:
    """What one decision took, in a sentence; nothing where models were not compared."""
    found = cost.per_decision
    if found is None:
        return ""
    what = "comparisons of two models on one dataset that came to better, worse or equal"
    if not found.number:
        return f"There are no decisions ({what}) to divide the cost by."
    told = [
        f"{field.text} {of}"
        for field, of in [
            (fields.seconds(found.wall_seconds), "by the clock"),
            (fields.seconds(found.gpu_seconds), "on a GPU"),
            (fields.energy(found.joules), "of energy"),
            (fields.money(found.money, cost.currency), ""),
        ]
        if field != NOTHING
    ]
    each = ", ".join(one.strip() for one in told) or "not known, as not all parts of it are"
    return f"Decisions ({what}): {fmt.count(found.number)}. What each took: {each}."


def summary(cost: TierCost) -> list[str]:
    """The whole tier in sentences; what is not known says why."""
    answers = cost.answers
    lines = []
    wall, load = fields.seconds(answers.wall_seconds), fields.seconds(answers.load_seconds)
    engine = fields.seconds(answers.engine_seconds)
    if NOTHING not in (wall, load):
        lines.append(
            f"All answers took {wall.text} by the clock, summed over the models; {load.text} of it "
            "was loading them."
        )
    elif engine != NOTHING:
        lines.append(
            f"The engines took {engine.text} for all answers, summed over the models. Time by the "
            "clock is not known as a whole; the reasons are under Costs."
        )
    for name, field in [
        ("energy", fields.energy(answers.joules)),
        ("money", fields.money(answers.money, cost.currency)),
    ]:
        if field != NOTHING:
            lines.append(f"{name.capitalize()}: {field.text}.")
    return lines


def unknown(cost: TierCost) -> list[str]:
    """Figures of the whole tier that are not known, and why."""
    names = {
        "wall_seconds": "Time by the clock",
        "load_seconds": "Load",
        "engine_seconds": "Engine time",
        "gpu_seconds": "Time on a GPU",
        "joules": "Energy",
        "money": "Money",
    }
    return [
        f"{names[field]} of all {what}: {why}."
        for what, amounts in [("answers", cost.answers), ("ratings", cost.judging)]
        if amounts is not None
        for field, why in amounts.missing.items()
    ]


def prices(cost: TierCost) -> str:
    """The prices that money was computed with."""
    if not cost.prices:
        return "No prices are configured (section cost), so there is no money here."
    found = ", ".join(f"{name} {value:g}" for name, value in cost.prices.items())
    return f"Prices in {cost.currency}: {found}. Prices of tokens are for a million."


def _amounts(name: str, found: Amounts, currency: str) -> tuple[Field, ...]:
    return (
        fields.words(name),
        fields.seconds(found.wall_seconds),
        fields.seconds(found.load_seconds),
        fields.seconds(found.engine_seconds),
        fields.seconds(found.gpu_seconds),
        fields.energy(found.joules),
        fields.count(found.prompt_tokens),
        fields.count(found.completion_tokens),
        fields.money(found.money, currency),
    )


def _each(name: str, score: Each, sample: Each, currency: str) -> tuple[Field, ...]:
    found = [fields.words(name)]
    for one in (score, sample):
        found += [
            fields.count(one.number),
            fields.seconds(one.wall_seconds),
            fields.seconds(one.gpu_seconds),
            fields.energy(one.joules),
            fields.money(one.money, currency),
        ]
    return tuple(found)
