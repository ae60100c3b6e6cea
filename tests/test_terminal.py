"""Plain text for the terminal: only what exists, 100 columns, and nothing that acts on it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from evaluation.config import CostSettings
from evaluation.cost import tier_cost
from evaluation.errors import EvaluationError
from evaluation.files import write_record
from evaluation.records import Aggregate, Comparison, Comparisons, Difference, MacroAverage
from evaluation.terminal import print_comparisons, print_results
from tests.test_aggregate import UNRATED
from tests.test_cost import cell, session, tier
from tests.test_exports import NAN, comparisons

GPU = session("s", "NVIDIA H100")


def shown(root: Path, what: str = "results") -> str:
    out = io.StringIO()
    (print_results if what == "results" else print_comparisons)(root, out)
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 100
    # No colours, and no other control characters.
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    return text


def flat(text: str) -> str:
    """Text without the columns and folds of its tables."""
    return " ".join(text.split())


def row(text: str, name: str) -> list[str]:
    """The cells of the first table row that begins with a name."""
    line = next(line for line in text.splitlines() if re.match(rf" ?{re.escape(name)}  ", line))
    return re.split(r" {2,}", line.strip())


@pytest.mark.parametrize(
    ("show", "name"), [(print_results, "all.json"), (print_comparisons, "comparisons.json")]
)
def test_nothing_to_show_says_how_to_get_it(show: object, name: str, tmp_path: Path) -> None:
    assert callable(show)
    with pytest.raises(EvaluationError, match="There are no") as caught:
        show(tmp_path, io.StringIO())
    assert f"quick/{name}" in caught.value.remedy


def test_scores_of_all_models_missing_cells_and_scores(tmp_path: Path) -> None:
    found = tier(
        cell("m1", "mmlu", {"s": 30.0}, [GPU]),
        cell("m1", "mt_bench", {"s": 30.0}, [GPU], [UNRATED]),
        cell("m2", "gsm8k", {"s": 0.0}, [GPU], []),
        cell("m2", "mmlu", {"s": 0.0}, [GPU], [NAN], flags=["odd"]),
        *(cell(f"more_{i}", "mmlu", {"s": 0.0}, [GPU]) for i in range(3)),
    )
    write_record(tmp_path / "quick" / "all.json", found)
    text = shown(tmp_path)
    assert text.startswith("Tier quick: 5 models, 3 datasets, scored then to then UTC")
    assert row(text, "mmlu") == [
        "mmlu",
        "75.0% (30.0–95.0%) n 4",
        "not scored",
        *row(text, "mmlu")[3:],
    ]
    assert row(text, "mt_bench")[1:3] == ["not scored", "missing"]
    assert row(text, "gsm8k")[1:3] == ["missing", "not scored"]
    for model in found.models:
        assert row(text, model)[1:3] == ["1", "10.0 s"]
    assert "not scored: no judge: m1 mt_bench" in flat(text)
    assert "odd: m2 mmlu" in flat(text)
    assert "bundled samples, not the benchmark: every cell" in flat(text)
    assert "cost" not in text


def test_costs_with_and_without_a_price(tmp_path: Path) -> None:
    found = tier(cell("m1", "mmlu", {"s": 60.0}, [GPU]))
    write_record(tmp_path / "quick" / "all.json", found)
    write_record(tmp_path / "quick" / "cost.json", tier_cost(found, CostSettings(gpu_hour=36.0), 2))
    text = shown(tmp_path)
    assert row(text, "all models")[1:] == [
        "100.0 s",
        "60.0 s",
        "–",
        "3,000",
        "4,000",
        "1.00 USD",
    ]
    assert "- decision (of 2): 50.0 s, 0.5000 USD" in text
    assert "- joules: the driver told no energy (m1)" in text
    write_record(tmp_path / "quick" / "cost.json", tier_cost(found, CostSettings()))
    text = shown(tmp_path)
    assert row(text, "all models")[-1] == "–"
    assert "- money: no price: set cost.gpu_hour or cost.kwh (m1)" in text
    assert "decision" not in text
    write_record(tmp_path / "quick" / "cost.json", tier_cost(found, CostSettings(), 0))
    assert "- decision: there is none" in shown(tmp_path)


def test_all_tiers_that_exist_in_order(tmp_path: Path) -> None:
    for name in ("full", "quick"):
        found = tier(cell("m", "mmlu", {"s": 1.0}, [GPU])).model_copy(update={"tier": name})
        write_record(tmp_path / name / "all.json", found)
    assert re.findall(r"^Tier (\w+)", shown(tmp_path), re.MULTILINE) == ["quick", "full"]


def test_an_empty_tier_is_no_error(tmp_path: Path) -> None:
    empty = Aggregate(tier="quick", models=[], datasets=[], cells=[])
    write_record(tmp_path / "quick" / "all.json", empty)
    assert "Tier quick: 0 models, 0 datasets" in shown(tmp_path)


def test_text_of_others_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    flags = ["[red]markup[/red] [/] :smile:", "\x1b[31mred\x1b[0m\x07", "two\nlines", "x" * 3000]
    found = tier(cell("名前" * 20, "mmlu", {"s": 1.0}, [GPU], flags=flags))
    write_record(tmp_path / "quick" / "all.json", found)
    text = flat(shown(tmp_path))
    assert "[red]markup[/red] [/] :smile:" in text
    assert "␛[31mred" in text
    assert "two lines" in text
    assert "x" * 1000 not in text.replace(" ", "")


def test_a_terminal_with_few_characters(tmp_path: Path) -> None:
    write_record(tmp_path / "quick" / "all.json", tier(cell("m", "mmlu", {"s": 1.0}, [GPU])))
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    print_results(tmp_path, out)
    out.seek(0)
    assert "75.0% (30.0?95.0%) n 4" in out.read()


def test_comparisons_by_dataset_and_overall(tmp_path: Path) -> None:
    found = comparisons().model_copy(
        update={
            "averages": [
                MacroAverage(model="m1", value=0.8, datasets=["mmlu"], left_out={"gsm8k": "why"}),
                MacroAverage(model="m2", value=None, datasets=[]),
            ]
        }
    )
    write_record(tmp_path / "quick" / "comparisons.json", found)
    text = shown(tmp_path, "comparisons")
    assert "comparisons at 95% confidence, equal within 0.02, made 20" in flat(text)
    assert row(text, "m1") == ["m1", "0.800", "–", "1", "gsm8k"]
    assert row(text, "m2") == ["m2", "–", "–", "0", "–"]
    assert "m1 (a) against m2 (b)" in text
    assert row(text, "mmlu") == [
        "mmlu",
        "20",
        "80.0%",
        "50.0%",
        "+30.0 (+10.0 to +50.0)",
        "0.02",
        "better",
    ]
    assert "macro average: not enough samples: no samples" in text
    assert "gsm8k: left out: other rows" in text
    assert "mmlu: =one" in text
    # Said once: the dataset itself tells why it is not compared.
    text = shown(_with_reason(tmp_path), "comparisons")
    assert "mmlu: not comparable: other rows" in text
    assert "mmlu: left out" not in text


def _with_reason(folder: Path) -> Path:
    found = comparisons()
    one = found.comparisons[0]
    refused = Difference(n=0, verdict="not comparable", reason="other rows")
    mmlu = one.datasets[0].model_copy(update={"difference": refused})
    one = one.model_copy(update={"datasets": [mmlu], "left_out": {"mmlu": "other rows"}})
    found = found.model_copy(update={"comparisons": [one]})
    write_record(folder / "quick" / "comparisons.json", found)
    return folder


def test_one_model_is_compared_with_nothing(tmp_path: Path) -> None:
    found = comparisons().model_copy(update={"comparisons": []})
    write_record(tmp_path / "full" / "comparisons.json", found)
    assert "nothing to compare" in shown(tmp_path, "comparisons")


def test_presets_of_a_model_are_named_as_such(tmp_path: Path) -> None:
    overall = Difference(n=3, a=0.1, b=0.1, difference=0.0, verdict="equal")
    presets = Comparison(
        kind="presets", a="throughput", b="balanced", model="m", datasets=[], overall=overall
    )
    found = Comparisons(
        tier="quick", confidence=0.95, power=0.8, margin=0.02, averages=[], comparisons=[presets]
    )
    write_record(tmp_path / "quick" / "comparisons.json", found)
    assert "throughput (a) against balanced (b) (presets of m)" in shown(tmp_path, "comparisons")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "quick" / "all.json"
    path.parent.mkdir()
    path.write_text('{"schema_version": 1')
    with pytest.raises(EvaluationError, match="cut off") as caught:
        print_results(tmp_path, io.StringIO())
    assert str(path) in caught.value.where
