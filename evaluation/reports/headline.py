"""The headline: which model leads, and what of it is decided.

A model leads only where it is shown to be better than each of the others, over all datasets
together. Where nothing is decided there is no ranking, whatever the averages are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.records import MacroAverage
from evaluation.reports import format as fmt
from evaluation.reports import links
from evaluation.reports.differences import hundredths
from evaluation.reports.evidence import decided, sizes
from evaluation.reports.inputs import TierReport
from evaluation.reports.versus import Versus, opponents

# More models than this are counted in the headline, not named.
NAMED = 3
BUNDLED = " All of it on bundled samples, not the benchmarks."


@dataclass(frozen=True)
class Name:
    """A model's name in a sentence."""

    text: str

    @property
    def link(self) -> str:
        """The model's page."""
        return links.model_page(self.text)


Sentence = tuple[str | Name, ...]


@dataclass(frozen=True)
class Headline:
    """What was found, the most important first.

    `leader` has the highest average, and `against` are its comparisons with the others; both are
    empty where there is no average to speak of.
    """

    lead: Sentence
    said: tuple[Sentence, ...] = ()
    leader: str = ""
    against: tuple[Versus, ...] = ()


def headline(report: TierReport) -> Headline:
    """What a tier's comparisons say about its models, in words."""
    models = report.aggregate.models
    if not report.aggregate.cells:
        return Headline(("Nothing to report: no cell of this tier has a result.",))
    if len(models) == 1:
        why = "An average over datasets is made with the comparisons, which need two models."
        return Headline(
            ("One model, ", Name(models[0]), ": nothing to compare it with."), ((why,),)
        )
    if not report.pairs():
        why = "There are no comparisons in this report, so it cannot say which model is better."
        return Headline(("The models were not compared.",), ((why,),))
    known = [(text,) for text in (*decided(report), *sizes(report))]
    averages = _averages(report)
    if not averages:
        why = "Without such a dataset there is no average; the reasons are below."
        return Headline(("No ranking: no dataset counts for all models.",), ((why,), *known))
    first, rivals = averages[0], [one.model for one in averages[1:]]
    found = opponents(report, first.model)
    order = [*rivals, *(name for name in models if name not in rivals)]
    against = tuple(found[name] for name in order if name in found)
    ranked = [found[name] for name in rivals if name in found]
    second = [_second(ranked[0], report)] if ranked else []
    lead = _lead(report, first.model, ranked)
    return Headline(
        (*lead, BUNDLED) if report.bundled(first.datasets) == len(first.datasets) else lead,
        (_average(report, first), *second, *known),
        first.model,
        against,
    )


def _averages(report: TierReport) -> list[MacroAverage]:
    """Averages that have a value, the highest first."""
    found = report.comparisons.averages if report.comparisons is not None else []
    there = [one for one in found if one.value is not None]
    return sorted(there, key=lambda one: one.value or 0.0, reverse=True)


def _lead(report: TierReport, leader: str, rivals: Sequence[Versus]) -> Sentence:
    unbeaten = [one for one in rivals if one.verdict != "better"]
    if not rivals:
        return ("No ranking: ", Name(leader), " is the only model with an average.")
    if not unbeaten:
        others = (f"each of the {len(rivals)} other models",)
        rest = _names([one.other for one in rivals], "and") if len(rivals) <= 2 else others
        return (Name(leader), " leads: it is shown to be better than ", *rest, ".")
    both = (Name(leader), " and ", Name(rivals[0].other))
    if len(rivals) == 1 and rivals[0].verdict == "equal":
        return (*both, f" are equally good, within {_margin(report)}.")
    if not any(one.overall.verdict in ("better", "worse") for one in report.pairs()):
        if len(rivals) == 1:
            return ("No ranking: it is not shown which of ", *both, " is better.")
        return ("No ranking: no model is shown to be better than another.",)
    ahead = ("No single leader: ", Name(leader), " is ahead, but is not shown to be better than ")
    if len(unbeaten) <= NAMED:
        return (*ahead, *_names([one.other for one in unbeaten], "or"), ".")
    if len(unbeaten) == len(rivals):
        return (*ahead, "any other model.")
    return (*ahead, f"{len(unbeaten)} of the {len(rivals)} other models.")


def _names(names: Sequence[str], joint: str) -> Sentence:
    found: list[str | Name] = []
    for place, name in enumerate(names):
        if place:
            found.append(f" {joint} " if place == len(names) - 1 else ", ")
        found.append(Name(name))
    return tuple(found)


def _average(report: TierReport, first: MacroAverage) -> Sentence:
    """The highest average with its interval, and what it is an average of."""
    known = first.interval
    within = (
        f" ({100 * known.level:g}% interval {hundredths(known.low)} to {hundredths(known.high)})"
        if known is not None
        else ""
    )
    return (
        "The highest macro average is that of ",
        Name(first.model),
        f": {hundredths(first.value or 0.0)} points of 100{within}, the mean over "
        f"{_over(report, first)}.",
    )


def _over(report: TierReport, first: MacroAverage) -> str:
    number, all_of = len(first.datasets), len(report.aggregate.datasets)
    text = f"{number} of {all_of} datasets" if number < all_of else fmt.plural(number, "dataset")
    bundled = report.bundled(first.datasets)
    if not bundled:
        return text
    which = "all of them" if bundled == number else f"{bundled} of them"
    return f"{text}, {'which is' if number == 1 else which} bundled samples, not the benchmark"


def _second(rival: Versus, report: TierReport) -> Sentence:
    """Whether the lead over the next model is decided, and else what it would take."""
    name = Name(rival.other)
    if rival.value is None:
        return ("It cannot be compared with the next, ", name, f": {rival.reason}.")
    numbers = f"{rival.difference} points ({rival.interval})"
    if rival.verdict == "better":
        return ("Its lead over the next, ", name, f", is decided: {numbers}.")
    if rival.verdict == "equal":
        return ("The next, ", name, f", is as good within {_margin(report)}: {numbers}.")
    if rival.verdict == "worse":
        return ("Yet over the datasets both have ", name, f" is better: {numbers}.")
    ahead = ("The difference to the next, ", name, f", is not decided: {numbers}.")
    margin = report.comparisons.margin if report.comparisons is not None else 0.0
    size = f"One of {_margin(report)}" if abs(rival.value) < margin else "One as large"
    if rival.verdict == "no difference shown":
        return (*ahead, f" {size} would have shown with {rival.n:,} samples.")
    if rival.needed is None:
        return (*ahead, " No number of samples that anyone could run would show it.")
    needed = f" {size} would show with about {rival.needed:,} samples over all datasets"
    return (*ahead, f"{needed}, in place of {rival.n:,}.")


def _margin(report: TierReport) -> str:
    return (
        f"{100 * (report.comparisons.margin if report.comparisons is not None else 0.0):g} points"
    )
