"""The presets page: the preset of each model and why, the evidence, what presets set."""

from __future__ import annotations

from typing import Any

from evaluation.records import Difference, HealthCheck, Interval, PresetChoice, PresetHealth
from evaluation.reports import TierReport
from evaluation.reports.pages import presets
from tests.reports.builders import HOSTILE, Page, aggregate, result, session
from tests.reports.test_provenance import config, settings

DEFAULT = PresetHealth(
    preset="balanced",
    healthy=False,
    checks=[
        HealthCheck(name="backoffs", value=0.25, threshold=0.05, healthy=False),
        HealthCheck(name="headroom", value=None, threshold=0.03, healthy=True),
        HealthCheck(name="tokens_per_second", value=1234.5, threshold=None, healthy=True),
    ],
    mean_score=0.5,
    tokens_per_second=1234.5,
    peak_memory=3 << 30,
)
OTHER = DEFAULT.model_copy(
    update={
        "preset": "memory_saver",
        "healthy": True,
        "checks": [HealthCheck(name="backoffs", value=0.0, threshold=0.05, healthy=True)],
        "mean_score": None,
        "peak_memory": 0,
        "against_default": Difference(
            n=80,
            difference=-0.01,
            interval=Interval(low=-0.03, high=1.0, method="bootstrap"),
            verdict="no difference shown",
        ),
    }
)
CHOICE = PresetChoice(
    model="m_one",
    chosen="memory_saver",
    reason="memory_saver is healthy; balanced: backoffs 0.25, at most 0.05 allowed",
    tried=[DEFAULT, OTHER],
)


def rendered(tier: str = "standard", **fields: Any) -> Page:
    found = aggregate([result(), result("m_two")], ["m_one", "m_two"], ["gsm8k"])
    report = TierReport(found.model_copy(update={"tier": tier}), **fields)
    return Page(presets.render(report))


def test_a_choice_is_shown_with_all_that_it_was_made_from() -> None:
    words = rendered(presets=[CHOICE], settings=settings(config())).words
    for found in (
        "m_one balanced chosen memory_saver is healthy; balanced: backoffs 0.25",
        "Started again of responses at most 5%",
        "Memory left free at the peak",
        "balanced not healthy 25% violated not checked",
        "memory_saver chosen healthy 0%",
        "3.0 GiB 0.500 is the default",
        "not measured no scores -0.010, at least -0.030, n = 80 no difference shown",
        "m_two balanced default",
    ):
        assert found in words, found


def test_limits_that_differ_stand_in_the_cells() -> None:
    strict = [DEFAULT.checks[0].model_copy(update={"threshold": 0.01})]
    second = CHOICE.model_copy(
        update={"model": "m_two", "tried": [DEFAULT.model_copy(update={"checks": strict})]}
    )
    words = rendered(presets=[CHOICE, second]).words
    assert "Started again of responses Failed" in words
    assert "25% at most 5%" in words
    assert "25% at most 1%" in words


def test_a_candidate_that_cannot_be_compared_says_why() -> None:
    unknown = Difference(n=0, verdict="not comparable", reason="the default has no scores")
    tried = OTHER.model_copy(update={"against_default": unknown})
    choice = CHOICE.model_copy(update={"tried": [DEFAULT, tried]})
    assert "cannot be told the default has no scores" in rendered(presets=[choice]).words


def test_why_there_is_no_choice() -> None:
    def why(tier: str = "standard", **sections: Any) -> str:
        return rendered(tier, settings=settings(config(**sections))).words

    quick = why("quick")
    assert "quick runs with the default; what it shows decides for other tiers" in quick
    assert "when snakemake presets or a larger tier is asked for" in quick
    assert "quick comes before the choice" in quick
    assert "m_one balanced pinned optimal_presets.m_one names it" in why(
        optimal_presets={"m_one": "throughput"}
    )
    off = why(preset_selection={"enabled": False})
    assert "preset_selection.enabled is false" in off
    assert "The choice of presets is switched off" in off
    assert "no choice has been made yet" in why()
    assert "neither a choice nor the configuration was given" in rendered().words


def test_what_presets_set_is_shown_where_it_is_known() -> None:
    words = rendered(settings=settings(config())).words
    assert "memory_saver 4 bits (nf4) pass by pass 16,384 16" in words
    assert "balanced (default) as they are CUDA graphs 98,304 128" in words
    assert "The configuration was not given" in rendered().words


def test_sessions_say_what_they_met() -> None:
    words = rendered().words
    assert "m_one m_one-1 balanced flash attention is not installed not measured" in words


def test_models_with_several_presets_and_without_cells() -> None:
    other = result(
        dataset="math",
        provenance=result().provenance.model_copy(
            update={"preset": "throughput", "sessions": [session("m_one", "x")]}
        ),
    )
    found = aggregate([result(), other], ["m_one", "m_two"], ["gsm8k", "math"])
    page = Page(presets.render(TierReport(found)))
    assert "m_one balanced, throughput" in page.words.replace(" ,", ",")
    assert "m_two no cells" in page.words
    nothing = Page(presets.render(TierReport(aggregate([], [], []))))
    assert "no models" in nothing.words


def test_hostile_text_is_inert() -> None:
    choice = CHOICE.model_copy(update={"model": HOSTILE, "reason": HOSTILE})
    hostile_cell = result(HOSTILE)
    found = aggregate([hostile_cell], [HOSTILE], ["gsm8k"])
    source = presets.render(TierReport(found, presets=[choice]))
    page = Page(source)
    assert "img" not in page.tags
    assert len(page.scripts) == 1
    assert "\u202e" not in source
    assert not [k for _, k, _ in page.attributes if k.startswith("on") or k == "style"]


def test_a_choice_without_presets_tried_renders() -> None:
    words = rendered(presets=[CHOICE.model_copy(update={"tried": []})]).words
    assert "no preset is recorded" in words
