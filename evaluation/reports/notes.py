"""What a reader must know beside a number: source, reason and flags, in words."""

from __future__ import annotations

import re

from evaluation.records import Cell, Counts, Result, Score
from evaluation.reports import format as fmt

# How titles of bundled samples begin; pages show a badge and the note below in its place.
BUNDLED = "bundled samples in the form of "
# Characters of a remark: what a dataset or a server says may have any length.
LONGEST = 300
SOURCES = {"hub": "Hub", "mirror": "local mirror", "bundled": "bundled samples"}


def plain_title(title: str) -> str:
    """A dataset's title to stand beside its source badge."""
    return title.removeprefix(BUNDLED)


def named(cell: Cell | Result) -> str:
    """A cell's dataset where no badge fits: its plain title, and whether its rows are bundled."""
    bundled = " (bundled)" if cell.provenance.dataset_source == "bundled" else ""
    return f"{plain_title(cell.title)}{bundled}"


def source_note(source: str, title: str) -> str:
    """What a reader must know about where a dataset's rows came from ("" for the Hub)."""
    if source == "bundled":
        form = plain_title(title)
        return f"bundled samples (our own writing in the form of {form}), not the benchmark"
    return "local mirror of the Hub dataset" if source == "mirror" else ""


def plain_reason(reason: str) -> str:
    """A reason to stand after the words `not scored`."""
    return _cut(reason.removeprefix("not scored: "))


def _cut(text: str) -> str:
    """A remark that fits beside a number; whole ones are in the result."""
    return text if len(text) <= LONGEST else fmt.one_line(text, LONGEST)


def not_scored(cell: Cell | Result, score: Score | None) -> tuple[str, str]:
    """The word and the reason to show in place of a score."""
    counts = cell.counts
    reason = plain_reason(score.reason) if score else "the cell has no metric"
    if counts.samples and counts.failed == counts.samples:
        return "failed", reason or "every sample failed"
    return "not scored", reason or "no sample could be scored"


def flags(cell: Cell | Result) -> tuple[str, ...]:
    """What a reader must know about a score: losses counted by the workflow, then its flags.

    Left out are flags that repeat the reason or the source, which pages show in their own place.
    """
    counts: Counts = cell.counts
    score = fmt.primary(cell.scores)
    found = []
    if counts.samples < counts.requested:
        found.append(f"{counts.samples} of {counts.requested} samples")
    for value, text in (
        (counts.truncated_answers, "truncated answers"),
        (counts.truncated_prompts, "truncated prompts"),
        (counts.failed, "failed"),
        (counts.unscorable, "unscorable"),
        (counts.not_scored, "not scored"),
    ):
        if value:
            found.append(f"{value} {text[:-1] if value == 1 and text[-1] == 's' else text}")
    if score and score.interval and score.chance is not None:
        if score.interval.high < score.chance:
            found.append("below chance")
        elif score.interval.low <= score.chance:
            found.append("interval includes chance")
    source = source_note(cell.provenance.dataset_source, cell.title)
    known = {score.reason} if score and score.value is None else set()
    for flag in dict.fromkeys(cell.flags):
        words = stem(flag)
        if words and (flag in known or words <= stem(source) or words in map(stem, found)):
            continue
        shorter = next((i for i, f in enumerate(found) if flag.startswith(f)), None)
        if shorter is None:
            found.append(flag)
        else:
            found[shorter] = flag  # it says why, e.g. that the dataset has no more samples
    return tuple(map(_cut, found))


def stem(flag: str) -> frozenset[str]:
    """A flag's words without numbers and plural, to find a flag that repeats a count."""
    return frozenset(w.rstrip("s") for w in re.findall(r"[a-z]+", flag.lower()))
