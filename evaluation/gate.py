"""The gate for CI: rules that a tier's results must keep, and how each of them went.

A candidate is not worse than a baseline if the lower end of a one-sided interval of the paired
difference is not below the loss that is allowed (non-inferiority; Wellek 2010). What cannot be
checked is violated: a gate that opens because a result is missing is no gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evaluation.comparing.measured import NotComparableError, measure
from evaluation.comparing.pairs import MISSING, compare_pair
from evaluation.comparing.tier import ByModel, cells
from evaluation.config import ComparisonSettings, GateRule, GateSettings
from evaluation.errors import EvaluationError
from evaluation.records import Comparison, Difference, GateCheck, GateReport, Result

ROUNDING = 1e-9
NOT_IN_RUN = "the dataset is not part of the run"


def apply_gate(
    tier: str,
    models: Sequence[str],
    datasets: Sequence[str],
    results: Iterable[Result],
    gate: GateSettings,
    comparison: ComparisonSettings,
) -> GateReport:
    """Check every rule of the gate; raises EvaluationError where a cell's result is there twice."""
    by_model = cells(models, results)
    checks = [
        check for rule in gate.rules for check in _not_worse(rule, by_model, datasets, comparison)
    ]
    checks += [
        _least(model, dataset, least, by_model, datasets)
        for dataset, least in gate.min_scores.items()
        for model in models
    ]
    limits = (("truncated answers", gate.max_truncated), ("failed samples", gate.max_failed))
    for what, most in limits:
        if most is not None:
            checks += [
                _most(what, most, model, dataset, by_model)
                for model in models
                for dataset in datasets
            ]
    return GateReport(
        tier=tier, passed=bool(checks) and all(c.passed for c in checks), checks=checks
    )


def describe(report: GateReport) -> str:
    """The gate as plain text: what is violated first, one line of facts under each rule."""
    violated = [check for check in report.checks if not check.passed]
    passed = [check for check in report.checks if check.passed]
    lines = [f"Gate of {report.tier}: {len(passed)} of {len(report.checks)} checks passed"]
    for word, checks in (("VIOLATED", violated), ("passed", passed)):
        for check in checks:
            lines += [f"  {word}: {check.rule}", f"    found {check.found}; wanted {check.wanted}"]
    return "\n".join(lines)


def refuse_violated(report: GateReport, where: str) -> None:
    """Raise EvaluationError for a gate that is violated."""
    if report.passed:
        return
    violated = [check for check in report.checks if not check.passed]
    rules = "".join(f"\n    {check.rule}: found {check.found}" for check in violated)
    raise EvaluationError(
        f"The gate is violated: {len(violated)} of {len(report.checks)} checks.{rules}",
        where=where,
        remedy="change what was evaluated; or, if the rules under `gate` in the configuration are "
        "wrong, change those",
    )


def _not_worse(
    rule: GateRule, results: ByModel, datasets: Sequence[str], comparison: ComparisonSettings
) -> list[GateCheck]:
    """One check a dataset of the rule, or one of the macro average."""
    # The lower end of a two-sided interval at this level is a one-sided bound at the rule's.
    settings = comparison.model_copy(update={"confidence": 2 * rule.confidence - 1})
    names = (rule.candidate, rule.baseline)
    candidate, baseline = (results.get(name, {}) for name in names)
    pair = compare_pair(candidate, baseline, names, rule.datasets or datasets, settings)
    if not rule.datasets:
        unmeasured = [
            dataset
            for dataset in pair.left_out
            if _not_measured(candidate.get(dataset)) and _not_measured(baseline.get(dataset))
        ]
        return [_macro_check(rule, pair, unmeasured)]
    found = {one.dataset: one.difference for one in pair.datasets}
    checks = []
    for dataset in rule.datasets:
        problem = "" if dataset in found else pair.left_out[dataset]
        checks.append(_bound(rule, f"on {dataset}", found.get(dataset), problem))
    return checks


def _macro_check(rule: GateRule, pair: Comparison, unmeasured: Sequence[str]) -> GateCheck:
    """The check of the macro average, which may not leave out a dataset that was measured."""
    problems = [
        f"{dataset}: {why}" for dataset, why in pair.left_out.items() if dataset not in unmeasured
    ]
    check = _bound(rule, "in the macro average", pair.overall, "; ".join(problems))
    if not unmeasured:
        return check
    without = f"{check.found} (without {', '.join(unmeasured)}, scored for neither)"
    return check.model_copy(update={"found": without})


def _not_measured(result: Result | None) -> bool:
    """Whether nothing was there to score the answers with, such as a judge or a sandbox."""
    return (
        result is not None
        and result.judge is None
        and all(sample.status == "not scored" for sample in result.samples)
    )


def _bound(rule: GateRule, what: str, difference: Difference | None, problem: str) -> GateCheck:
    """Whether the difference is shown to be above the loss that is allowed."""
    words = f"{rule.candidate} not more than {rule.max_loss:g} worse than {rule.baseline} {what}"
    wanted = f"at least {-rule.max_loss:+.4f} with {100 * rule.confidence:g}% confidence"
    if not problem and (difference is None or difference.interval is None):
        problem = (difference.reason if difference is not None else "") or "no samples to compare"
    if problem or difference is None or difference.interval is None:
        return GateCheck(rule=words, passed=False, found=_unchecked(problem), wanted=wanted)
    low = difference.interval.low
    return GateCheck(
        rule=words,
        passed=low >= -rule.max_loss - ROUNDING,
        found=f"at least {low:+.4f} (difference {difference.difference:+.4f}, "
        f"{difference.a:.4f} against {difference.b:.4f}, {difference.n} samples)",
        wanted=wanted,
    )


def _least(
    model: str, dataset: str, least: float, results: ByModel, datasets: Sequence[str]
) -> GateCheck:
    """Whether a model's primary score is high enough."""
    rule = f"least score of {model} on {dataset}"
    wanted = f"at least {least:.4f}"
    result = results[model].get(dataset)
    if result is None:
        problem = MISSING.format(model) if dataset in datasets else NOT_IN_RUN
        return GateCheck(rule=rule, passed=False, found=_unchecked(problem), wanted=wanted)
    try:
        found = measure(result, model)
    except NotComparableError as error:
        return GateCheck(rule=rule, passed=False, found=_unchecked(str(error)), wanted=wanted)
    if found.lower_is_better:
        problem = f"less {found.metric} is better, a least score says nothing"
        return GateCheck(rule=rule, passed=False, found=_unchecked(problem), wanted=wanted)
    return GateCheck(
        rule=rule,
        passed=found.value >= least - ROUNDING,
        found=f"{found.value:.4f} in {found.label}",
        wanted=wanted,
    )


def _most(what: str, most: float, model: str, dataset: str, results: ByModel) -> GateCheck:
    """Whether few enough samples of a result were truncated, or failed."""
    rule = f"{what} of {model} on {dataset}"
    wanted = f"at most {most:.4f} of the samples"
    result = results[model].get(dataset)
    if result is None or not result.counts.samples:
        problem = MISSING.format(model) if result is None else "the result has no samples"
        return GateCheck(rule=rule, passed=False, found=_unchecked(problem), wanted=wanted)
    counts = result.counts
    number = counts.truncated_answers if what == "truncated answers" else counts.failed
    share = number / counts.samples
    return GateCheck(
        rule=rule,
        passed=share <= most + ROUNDING,
        found=f"{share:.4f} ({number} of {counts.samples})",
        wanted=wanted,
    )


def _unchecked(problem: str) -> str:
    return f"no answer, it cannot be checked: {problem}"
