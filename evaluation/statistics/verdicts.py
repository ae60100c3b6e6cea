"""What a difference lets one say. The first rule that holds decides; docs/statistics.md has them.

1. Its adjusted p is at most 1 - confidence: `better` or `worse`.
2. Its interval lies within the margin that matters, and there are as many samples as it takes to
   say so had none differed: `equal`.
3. It has fewer samples than would show, with the configured power, a difference as large as the
   one found, or as the margin if that is larger: `not enough samples`, and `needed` says how many.
4. Else: `no difference shown`; there were samples enough for what matters.
"""

from __future__ import annotations

from math import ceil

from evaluation.config import ComparisonSettings
from evaluation.records import Difference, Verdict
from evaluation.statistics import power
from evaluation.statistics.clustered import unseen_share
from evaluation.statistics.mcnemar import TANGO


def decide(
    difference: Difference,
    settings: ComparisonSettings,
    *,
    adjusted_p: float | None = None,
    family: int = 1,
    remaining: int = 1,
) -> Difference:
    """The difference with its verdict, and with what n could and what it would take to show.

    `remaining` hypotheses of the family were still to be shown when this one's turn came: it is
    planned at the level (1 - confidence) / remaining that Holm asks of it. A difference without p
    comes back as it is.
    """
    if difference.p is None or difference.difference is None or difference.interval is None:
        return difference
    alpha = (1 - settings.confidence) / max(1, remaining)
    target = max(abs(difference.difference), settings.margin)
    detectable, needed = _plan(difference, target, alpha, settings.power)
    planned = difference.model_copy(
        update={
            "adjusted_p": difference.p if adjusted_p is None else adjusted_p,
            "family": family,
            "detectable": detectable,
            "needed": needed,
        }
    )
    verdict, reason = _verdict(planned, target, settings)
    return planned.model_copy(update={"verdict": verdict, "reason": reason})


def _verdict(found: Difference, target: float, settings: ComparisonSettings) -> tuple[Verdict, str]:
    assert found.adjusted_p is not None
    assert found.difference is not None
    assert found.interval is not None
    margin = settings.margin
    if found.adjusted_p <= 1 - settings.confidence:
        small = abs(found.difference) < margin
        reason = f"shown, but smaller than the {margin:g} that matters" if small else ""
        return ("better" if found.difference > 0 else "worse"), reason
    # Graded scores that hardly move make a narrow interval even of a handful of samples.
    enough = unseen_share(found.clusters or found.n, found.interval.level) <= margin
    if enough and -margin <= found.interval.low and found.interval.high <= margin:
        return "equal", f"the interval lies within {margin:g} of no difference"
    if found.needed is None or found.n < found.needed:
        count = "more than a billion" if found.needed is None else f"about {found.needed:,}"
        return "not enough samples", f"{count} samples would show a difference of {target:.3g}"
    return "no difference shown", f"{found.n:,} samples would have shown one of {target:.3g}"


def _plan(
    difference: Difference, target: float, alpha: float, wanted: float
) -> tuple[float | None, int | None]:
    """The detectable difference and the samples needed for `target`.

    The discordance is that of one more pair won and one more lost: that none disagreed so far does
    not promise that none will.
    """
    n = difference.n
    if difference.interval is not None and difference.interval.method == TANGO:
        share = (difference.wins + difference.losses + 1) / (n + 2)
        return (
            power.detectable(n, alpha=alpha, power=wanted, discordance=share),
            power.needed(target, alpha=alpha, power=wanted, discordance=share),
        )
    assert difference.sd is not None
    units = difference.clusters or n
    # Clusters are the samples of the test; their spread makes the same standard error.
    sd = difference.sd * (units / n) ** 0.5
    count = power.needed(target, alpha=alpha, power=wanted, sd=sd)
    return (
        power.detectable(units, alpha=alpha, power=wanted, sd=sd, most=max(1.0, 100 * sd)),
        None if count is None else ceil(count * n / units),
    )
