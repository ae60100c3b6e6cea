"""How numbers and text are written in the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from evaluation.records import Interval, Protocol, Score

NONE = "\u2013"  # an en dash stands for "no value"

# A metric whose name has one of these words is a share of right answers, shown in percent.
SHARES = frozenset(
    {"acc", "accuracy", "correct", "em", "equivalent", "exact", "loose", "match", "pass"}
    | {"rate", "share", "solved", "strict", "success", "valid", "verify"}
)
# A metric whose name has one of these words is on a scale of its own, so it gets no colour.
OWN_SCALES = frozenset(("length", "likelihood", "logprob", "perplexity", "ppl", "rating", "tokens"))

# Characters that a page would hide or that would reorder the text around them: control
# characters (not tab and line feed), soft hyphen, zero-width, bidi and line separators,
# surrogates, the byte order mark, non-characters and tag characters. The joiners U+200C and
# U+200D stay, because scripts and emoji need them.
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
# Marks over, under and through a letter. No script puts five of these on one; more would cover the
# lines around, or make a letter wider than the page.
STANDING = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
MARKS = re.compile(f"([{STANDING}]{{4}})([{STANDING}]+)")


def visible(text: str) -> str:
    """The text with hidden characters replaced by symbols: NUL by ␀, U+202E by ⟨U+202E⟩.

    Of the marks piled on one letter the fifth and later ones are counted: ⟨56 more marks⟩.
    """
    text = HIDDEN.sub(lambda match: _symbol(ord(match.group())), text)
    return text if text.isascii() else MARKS.sub(_counted, text)


def _counted(found: re.Match[str]) -> str:
    return f"{found.group(1)}⟨{plural(len(found.group(2)), 'more mark')}⟩"


def _symbol(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


def one_line(text: str, limit: int = 60) -> str:
    """The text on one line, cut with an ellipsis when it is longer than `limit`."""
    # Only the beginning matters, so a long answer is not split as a whole.
    line = " ".join(text[: 4 * limit].split())
    return line if len(line) <= limit and len(text) <= 4 * limit else line[: limit - 1] + "…"


def words(metric: str) -> set[str]:
    """The words of a metric's name."""
    return set(re.split(r"[^a-z0-9]+", metric.lower()))


def number(metric: str, value: float) -> str:
    """A metric's value: percent for shares of right answers, plain for everything else."""
    if 0 <= value <= 1:
        return f"{100 * value:.1f}%" if words(metric) & SHARES else f"{value:.3f}"
    return f"{value:.2f}"


def change(metric: str, value: float) -> str:
    """A difference with its sign: points (hundredths) for shares of right answers, else plain."""
    return f"{100 * value:+.1f}" if words(metric) & SHARES else f"{value:+.3f}"


def interval(metric: str, found: Interval | None) -> str:
    """Both ends of an interval, e.g. 58.3 to 79.5% with a dash."""
    if found is None:
        return NONE
    low, high = number(metric, found.low), number(metric, found.high)
    if low.endswith("%") and high.endswith("%"):
        return f"{low[:-1]}{NONE}{high}"
    return f"{low} to {high}"


def method(found: Interval | None) -> str:
    """What an interval is, e.g. 95% Wilson."""
    return NONE if found is None else f"{100 * found.level:g}% {found.method}"


def heat(score: Score) -> str:
    """The colour class of a score: h0 (lowest tenth) to h9, or none off the scale 0 to 1."""
    if score.value is None or not 0 <= score.value <= 1 or words(score.metric) & OWN_SCALES:
        return ""
    if score.interval is not None and not 0 <= score.interval.low <= score.interval.high <= 1:
        return ""
    return f"h{min(9, int(score.value * 10))}"


def primary(scores: Sequence[Score]) -> Score | None:
    """The score that stands for a cell: the one marked as primary, else the first."""
    return next((s for s in scores if s.primary), scores[0] if scores else None)


def setup(protocol: Protocol, few_shot: int, repeats: int = 1) -> str:
    """How the questions were asked, e.g. harness, 25-shot."""
    attempts = f", {repeats} attempts each" if repeats > 1 else ""
    return f"{protocol}, {few_shot}-shot{attempts}"


def count(value: int) -> str:
    """A count with thousands separators."""
    return f"{value:,}"


def plural(value: int, noun: str) -> str:
    """A count with its noun, e.g. 1 model, 2 models."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def size(value: int) -> str:
    """Bytes as MiB or GiB; 0 means that nothing was measured."""
    if value <= 0:
        return NONE
    return f"{value / 2**30:.1f} GiB" if value >= 2**30 else f"{value / 2**20:.1f} MiB"


def duration(seconds: float) -> str:
    """Seconds in the units a reader would choose."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def rate(value: float | None) -> str:
    """Tokens per second."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def short(digest: str, length: int = 12) -> str:
    """The beginning of a commit or checksum; names that are no digest stay whole."""
    found = re.fullmatch(r"((?:[a-z0-9]+:)?)([0-9a-f]{20,})", digest)
    return found.group(1) + found.group(2)[:length] if found else digest or NONE


def moment(text: str) -> str:
    """A time as records have it (ISO 8601), to the minute and in UTC; other text as it is."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if found.tzinfo is None else f"{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def share(value: float | None) -> str:
    """A share in percent."""
    return NONE if value is None else f"{100 * value:.0f}%"


def energy(joules: float | None) -> str:
    """Energy in the unit that fits: J, kJ or kWh."""
    if joules is None:
        return NONE
    if joules < 1e4:
        return f"{joules:.0f} J"
    return f"{joules / 1e3:.0f} kJ" if joules < 1e6 else f"{joules / 3.6e6:.2f} kWh"
