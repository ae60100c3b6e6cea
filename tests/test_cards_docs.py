"""The page made from the cards is up to date, and the cards do not contradict themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from evaluation import cards_docs
from evaluation.benchmarks import Card, benchmark
from evaluation.config import DATASETS, asked, parse_config
from evaluation.sources import read_rows

ROOT = Path(__file__).resolve().parents[1]
CARDS = {name: benchmark(name).card for name in DATASETS}


def section(name: str) -> str:
    """A dataset's part of the page."""
    return cards_docs.page().partition(f'<a id="{name}">')[2].partition("<a id=")[0]


def test_the_page_is_up_to_date() -> None:
    found = (ROOT / cards_docs.PAGE).read_text(encoding="utf-8")
    assert found == cards_docs.page(), (
        f"{cards_docs.PAGE} is stale: run python -m evaluation.cards_docs"
    )


def test_the_page_is_written_where_it_belongs(tmp_path: Path) -> None:
    cards_docs.main(tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [tmp_path / cards_docs.PAGE]
    assert (tmp_path / cards_docs.PAGE).read_text(encoding="utf-8") == cards_docs.page()


@pytest.mark.parametrize("name", DATASETS)
def test_each_dataset_has_its_facts(name: str) -> None:
    card, text = CARDS[name], section(name)
    facts = [card.title, card.measures, card.paper, card.hub_id, card.licence]
    facts += [f"`{protocol}`" for protocol in card.protocols]
    facts += [f"`{metric}`" for metric in (*card.metrics, *card.harness_metrics)]
    facts += [f"at most {room} new tokens" for room in card.max_new_tokens.values()]
    assert [fact for fact in facts if fact not in text] == []
    assert f"`{card.primary}` (primary" in text
    assert card.revision == "main" or card.revision in text
    assert ("Chance" in text) == (card.chance is not None)
    assert text.count("lower is better") == len(card.lower_is_better)
    assert "None" not in text


def test_notes_follow_the_cards() -> None:
    assert "4 are customary" in section("math")
    assert "read from the package `lm_eval==0.4.13`" in section("math")
    assert "split `train`; 25 are customary" in section("arc_challenge")
    assert "in a sandbox" in section("humaneval")
    assert "in a sandbox" not in section("gsm8k")
    assert "A judge model rates" in section("mt_bench")
    assert "- Chance: 50%" in section("winogrande")
    assert "`exact_match` (primary), `math_verify`" in section("math")


@pytest.mark.parametrize("name", DATASETS)
def test_a_card_does_not_contradict_itself(name: str) -> None:
    card = CARDS[name]
    assert card.name == name
    assert card.primary in card.metrics
    assert card.primary not in card.lower_is_better
    metrics = [*card.metrics, *card.harness_metrics]
    assert set(card.lower_is_better) <= set(metrics)
    assert len(set(card.metrics)) == len(card.metrics)
    assert card.protocols
    assert set(card.max_new_tokens) <= set(card.protocols)
    assert not card.harness_metrics or "harness" in card.protocols
    assert card.chance is None or 0 < card.chance < 1
    assert len(card.revision) == 40 or card.revision == "main"


@pytest.mark.parametrize("name", DATASETS)
def test_worked_examples_are_customary_where_there_are_any(name: str) -> None:
    card = CARDS[name]
    offered = has_examples(card)
    assert (card.customary_few_shot > 0) == offered
    assert not offered or "harness" in card.protocols
    raw = read_rows(benchmark(name), "bundled", revision=None, mirror=None)
    assert bool(raw.few_shot) == offered


def has_examples(card: Card) -> bool:
    """Whether a dataset has worked examples at all."""
    return card.files.few_shot_split is not None or card.packaged_few_shot is not None


def test_the_default_configuration_asks_as_is_customary() -> None:
    config = parse_config(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    for name, settings in config.datasets.items():
        protocol, few_shot = asked(settings, "full")
        assert protocol == CARDS[name].protocols[0]
        assert few_shot == (CARDS[name].customary_few_shot if protocol == "harness" else 0)
