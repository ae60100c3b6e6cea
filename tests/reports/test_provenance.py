"""The provenance page: origins, what changed, how to run again, and what must not be said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation.config import Config, parse_config
from evaluation.history import AskedSettings, History, HistorySettings, run_record
from evaluation.records import Aggregate, Result, UnreadCell
from evaluation.report_plan import ReportSettings, concerning_run, history_settings, report_settings
from evaluation.reports import TierReport
from evaluation.reports import format as fmt
from evaluation.reports.pages import provenance
from tests.reports.builders import HARDWARE, Page, aggregate, hostile, result, session
from tests.synthetic_results import judge

ROOT = Path(__file__).resolve().parents[2]
MODELS, DATASETS = ["m_one", "m_two"], ["gsm8k", "math"]
CELLS = [result(model, dataset) for model in MODELS for dataset in DATASETS]
ASKED = HistorySettings(
    tier="quick",
    datasets=dict.fromkeys(DATASETS, AskedSettings(max_new_tokens=512, temperature=0.0)),
    thinking=dict.fromkeys(MODELS, False),
)
FIRST, SECOND = "2026-01-01T10:00:00+00:00", "2026-01-02T10:00:00+00:00"


def of(*results: Result) -> Aggregate:
    return aggregate(list(results) or CELLS, MODELS, DATASETS)


def rendered(**fields: Any) -> Page:
    return Page(provenance.render(TierReport(**({"aggregate": of()} | fields))))


def with_provenance(**fields: Any) -> Result:
    return result(provenance=result().provenance.model_copy(update=fields))


def config(**sections: Any) -> Config:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["models"] |= {
        name: {"source": "path", "path": f"/weights/{name}"}
        for name in ("m_one", "m_two", "m_judge")
    }
    raw["run"] = {"models": MODELS, "datasets": DATASETS}
    return parse_config(raw | sections)


def settings(found: Config) -> ReportSettings:
    return report_settings(found, "quick", ["config.yaml", "config/demo.yaml"])


# ---- where numbers come from ---------------------------------------------------------------


def test_versions_revisions_licences_and_fingerprints_are_shown() -> None:
    page = rendered()
    for words in (
        "m_one org/m_one b968826d9c46 Apache-2.0 abababababab",
        "GSM8K Hub openai/gsm8k 740312add88f MIT cdcdcdcdcdcd chat, 0-shot",
        "transformers, revision 3 bfloat16 free balanced",
        "torch 2.9.0 –",
        "jinja2 – 3.1.6",
        "Seed of the sample order 1234",
        "0123456789ab (with uncommitted changes)",
        "flash attention is not installed",
    ):
        assert words in page.words, words
    # The same machine answered and scored; it is one row.
    assert page.words.count("answers and scores") == 1


def test_bundled_samples_have_no_licence_of_the_benchmark() -> None:
    words = rendered(aggregate=of(result(source="bundled"))).words
    assert "bundled samples openai/gsm8k 740312add88f this project's" in words
    assert "not the benchmark" in words


def test_a_judge_and_its_session_are_origins_too() -> None:
    rated = judge(
        id="org/judge", revision="r1", name="judge", sessions=[session("judge", "judged-it")]
    )
    words = rendered(aggregate=of(result(judge=rated))).words
    assert "Judge of open answers org/judge @ r1" in words
    assert "judge judged-it" in words
    assert "Judge of open answers none" in rendered().words


def test_results_of_another_version_are_named_with_what_to_do() -> None:
    unread = UnreadCell(
        model="m_two", dataset="math", reason="A file has schema version 0. To do: delete it."
    )
    found = of(*CELLS[:3]).model_copy(update={"unread": [unread]})
    words = rendered(aggregate=found).words
    assert "1 result was written by another version of this project" in words
    assert "m_two on math: A file has schema version 0. To do: delete it." in words
    assert "another version" not in rendered().words


def test_an_empty_tier_renders() -> None:
    words = rendered(aggregate=aggregate([], MODELS, DATASETS)).words
    assert "nothing recorded" in words
    assert "git checkout" not in words


def test_hostile_text_is_inert() -> None:
    found = hostile()
    before = run_record(aggregate([result()], MODELS, DATASETS), ASKED, FIRST)
    after = before.model_copy(
        update={
            "recorded": "<b>later</b>",
            "cells": [before.cells[0].model_copy(update={"model_id": "<img src=x>\u202eevil"})],
        }
    )
    source = provenance.render(
        TierReport(aggregate([found], ["m_one"], ["gsm8k"]), history=History([before, after], []))
    )
    page = Page(source)
    assert not {"img", "b"} & set(page.tags)
    assert len(page.scripts) == 1
    assert "\u202e" not in source
    assert not [k for _, k, _ in page.attributes if k.startswith("on") or k == "style"]
    assert "⟨U+202E⟩evil" in page.words


# ---- what changed --------------------------------------------------------------------------


def history(*found: Aggregate, unreadable: tuple[int, ...] = ()) -> History:
    times = (FIRST, SECOND, "2026-01-03T10:00:00+00:00")
    runs = [run_record(one, ASKED, time) for one, time in zip(found, times, strict=False)]
    return History(runs, unreadable)


def test_without_a_run_before_the_page_says_so() -> None:
    assert "No history was given" in rendered().words
    assert "no run that can be read" in rendered(history=History()).words
    words = rendered(history=history(of())).words
    assert "first recorded run of the tier (2026-01-01 10:00 UTC)" in words


def test_scores_stand_beside_what_changed_with_them() -> None:
    moved = with_provenance(model_revision="e" * 40)
    moved = moved.model_copy(
        update={"scores": [moved.scores[0].model_copy(update={"value": 0.65})]}
    )
    page = rendered(history=history(of(), of(moved, *CELLS[1:])))
    assert "1 score changed; 3 cells as before" in page.words
    assert "m_one gsm8k 70.0%, n = 60 65.0%, n = 60 -5.0" in page.words
    assert "model revision b968826d9c46 to eeeeeeeeeeee" in page.words


def test_a_score_that_moved_without_a_recorded_cause_is_named() -> None:
    score = result().scores[0].model_copy(update={"value": 0.75})
    words = rendered(history=history(of(), of(result(scores=[score]), *CELLS[1:]))).words
    assert "+5.0 nothing that is recorded" in words


def test_common_changes_are_said_once_and_before_the_cells() -> None:
    after = [
        cell.model_copy(
            update={"provenance": cell.provenance.model_copy(update={"git_commit": "f" * 40})}
        )
        for cell in CELLS
    ]
    score = result().scores[0].model_copy(update={"value": 0.75})
    after[0] = after[0].model_copy(update={"scores": [score]})
    words = rendered(history=history(of(), of(*after))).words
    assert words.count("ffffffffffff with uncommitted changes") == 1
    assert (
        "1 score changed; 3 cells with the same score; changed in every cell: scoring code" in words
    )
    assert "+5.0 only what changed in every cell" in words


def test_cells_that_came_and_went_and_damaged_lines_are_named() -> None:
    found = history(of(CELLS[0]), of(CELLS[1]), unreadable=(2, 3))
    words = rendered(history=found).words
    assert "1 cell new; 1 cell gone." in words
    assert "m_one on math: 70.0%, n = 60" in words
    assert "m_one on gsm8k: 70.0%, n = 60" in words
    assert "2 lines of history.jsonl (2, 3) cannot be read" in words


def test_the_last_run_is_compared_with_the_one_before_it() -> None:
    found = history(of(CELLS[0]), of(*CELLS[:2]), of(*CELLS[:3]))
    page = rendered(history=found)
    assert "recorded 2026-01-03 10:00 UTC against the one before it" in page.words
    order = [page.words.index(f"2026-01-0{day} 10:00 UTC {day} ") for day in (3, 2, 1)]
    assert order == sorted(order)


# ---- again ---------------------------------------------------------------------------------


def commands(page: Page) -> list[str]:
    return page.blocks[0].split("\n")


def test_commands_check_out_the_commit_and_use_the_shown_configuration() -> None:
    page = rendered(settings=settings(config()))
    assert [line for line in commands(page) if line] == [
        f"git checkout {result().provenance.git_commit}",
        "make setup",
        "snakemake --cores all --resources gpu=1 results/quick/all.json --configfile run.json",
    ]
    assert "from config.yaml, config/demo.yaml and the command line" in page.words
    bare = rendered()
    assert not any("--configfile" in line for line in commands(bare))
    assert "The configuration was not given to this report" in bare.words


def test_what_the_commit_does_not_say_is_said() -> None:
    assert "4 cells of 4 were scored with uncommitted changes" in rendered().words
    clean = with_provenance(git_dirty=False)
    assert "scored with uncommitted" not in rendered(aggregate=of(clean)).words
    unknown = rendered(aggregate=of(with_provenance(git_commit="unknown", git_dirty=None)))
    assert "The commit of the code is not known for 1 cell" in unknown.words
    assert not any("git" in line for line in commands(unknown))
    other = with_provenance(git_commit="f" * 40)
    words = rendered(aggregate=of(*CELLS, other.model_copy(update={"dataset": "mmlu"}))).words
    assert "different commits (cells of each): 0123456789ab (4), ffffffffffff (1)" in words


def test_what_may_still_differ_is_said() -> None:
    exact = session("m_one", "s").model_copy(update={"exact": True})
    assert "near tie" in rendered().words
    assert "near tie" not in rendered(aggregate=of(with_provenance(sessions=[exact]))).words
    server = exact.model_copy(
        update={"hardware": HARDWARE.model_copy(update={"device": "endpoint"})}
    )
    words = rendered(aggregate=of(with_provenance(sessions=[server]))).words
    assert "its owner may change the model" in words


# ---- the configuration ---------------------------------------------------------------------


def test_the_shown_configuration_runs_the_same() -> None:
    found = config(
        optimal_presets={"m_two": "throughput", "yi_9b": "balanced"},
        judge={"model": "m_judge"},
        gate={"min_scores": {"gsm8k": 0.5, "mmlu": 0.5}},
    )
    kept = concerning_run(found)
    assert set(kept.models) == {"m_one", "m_two", "m_judge"}
    assert set(kept.datasets) == set(DATASETS)
    assert kept.optimal_presets == {"m_two": "throughput"}
    page = rendered(settings=settings(found))
    shown = json.loads(page.blocks[-1])
    assert parse_config(shown) == kept
    # As an overlay over the project's own file, which Snakemake merges key by key.
    base = yaml.safe_load((ROOT / "config.yaml").read_text())
    merged = base | {
        key: base[key] | value if key in ("models", "datasets") else value
        for key, value in shown.items()
    }
    assert concerning_run(parse_config(merged)) == kept


def test_prices_of_models_behind_servers_are_kept() -> None:
    server = {"source": "endpoint", "base_url": "http://localhost:8000/v1", "model": "m"}
    price = {"prompt": 1.0, "completion": 2.0}
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["models"] = {
        "m_one": server | {"api_key_env": "SOME_KEY"},
        "m_two": server,
        "other": server,
    }
    raw["run"] = {"models": MODELS, "datasets": DATASETS}
    raw["judge"] = {"endpoint": server | {"source": None}}
    del raw["judge"]["endpoint"]["source"]
    raw["cost"] = {"tokens": dict.fromkeys(("m_one", "other", "endpoint"), price)}
    kept = concerning_run(parse_config(raw))
    assert set(kept.cost.tokens) == {"m_one", "endpoint"}
    assert parse_config(json.loads(kept.model_dump_json())) == kept


def test_no_key_is_shown_only_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret-123")
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    raw["models"] = {
        name: {
            "source": "endpoint",
            "base_url": "https://api.example.com/v1",
            "model": "m",
            "api_key_env": "SOME_KEY",
        }
        for name in MODELS
    }
    raw["run"] = {"models": MODELS, "datasets": DATASETS}
    source = provenance.render(TierReport(of(), settings=settings(parse_config(raw))))
    assert "SOME_KEY" in source
    assert "sk-secret-123" not in source


def test_history_has_how_each_dataset_is_asked() -> None:
    found = config(
        datasets={
            "gsm8k": {"protocol": "chat", "max_new_tokens": 77},
            "math": {"protocol": "chat"},
        }
    )
    asked = history_settings(found, "quick")
    assert asked.datasets["gsm8k"].max_new_tokens == 77
    assert asked.datasets["math"].max_new_tokens > 77
    assert asked.thinking == {"m_one": False, "m_two": False}


# ---- times ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-23T19:54:40+00:00", "2026-11-23 19:54 UTC"),
        ("2026-11-23T19:54:40Z", "2026-11-23 19:54 UTC"),
        ("2026-11-23T01:30:00+02:00", "2026-11-22 23:30 UTC"),
        ("2026-11-23T19:54:40", "2026-11-23T19:54:40"),
        ("then", "then"),
    ],
)
def test_times_are_in_utc_to_the_minute(text: str, shown: str) -> None:
    assert fmt.moment(text) == shown
