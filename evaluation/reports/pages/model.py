"""The page of a model: its scores, how it compares, its categories, answers, errors and runs."""

from __future__ import annotations

from evaluation.reports import (
    links,
    model_categories,
    model_errors,
    model_samples,
    model_scores,
    model_view,
    versus,
)
from evaluation.reports.inputs import TierReport
from evaluation.reports.site import page


def render(report: TierReport, model: str) -> str:
    """The page of a model of a tier."""
    cells = report.cells_of(model)
    rows = model_scores.score_rows(report, model)
    opponents = list(versus.opponents(report, model).values())
    answers = model_samples.answers(report, model)
    sessions = model_view.sessions(cells)
    return page(
        "model.html",
        links.model_page(model),
        styles=["model"],
        report=report,
        model=model,
        cells=cells,
        rows=rows,
        scores_chart=model_scores.chart(rows, model),
        precision=model_scores.precision(rows),
        average=model_view.average(report, model),
        opponents=opponents,
        standing=model_view.standing(opponents),
        losses=model_view.losses(cells),
        judged_itself=[c.title for c in cells if c.judge is not None and c.judge.self_judged],
        extremes=model_categories.extremes(report, model),
        breakdowns=model_categories.breakdowns(report, model),
        least=model_categories.LEAST,
        answers=answers,
        endings=model_samples.ENDINGS,
        lengths_chart=model_samples.chart(answers.lengths, model),
        kinds=model_errors.kinds(report, model),
        preset=model_view.preset(report, model),
        identity=model_view.identity(cells),
        sessions=model_view.session_rows(sessions),
        notes=model_view.notes(sessions),
        seconds=model_samples.seconds,
    )
