"""The bundled multiple-choice samples: columns, types, answer balance, recomputable answers."""

import itertools
import json
import math
import re
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "resources" / "samples"
DATASETS = ("arc_challenge", "hellaswag", "winogrande", "mmlu")
COLUMNS: dict[str, dict[str, type]] = {
    "arc_challenge": {"id": str, "question": str, "choices": dict, "answerKey": str},
    "hellaswag": {
        "ind": int,
        "activity_label": str,
        "ctx_a": str,
        "ctx_b": str,
        "ctx": str,
        "endings": list,
        "source_id": str,
        "split": str,
        "split_type": str,
        "label": str,
    },
    "winogrande": {"sentence": str, "option1": str, "option2": str, "answer": str},
    "mmlu": {"question": str, "subject": str, "choices": list, "answer": int},
}
TEXT = {
    "arc_challenge": "question",
    "hellaswag": "ctx",
    "winogrande": "sentence",
    "mmlu": "question",
}
MMLU_GROUPS = {
    "stem": {
        "abstract_algebra",
        "college_computer_science",
        "conceptual_physics",
        "elementary_mathematics",
        "high_school_biology",
    },
    "humanities": {"high_school_world_history", "logical_fallacies", "philosophy"},
    "social": {"high_school_geography", "high_school_microeconomics", "high_school_psychology"},
    "other": {"miscellaneous", "nutrition", "professional_accounting"},
}
SUBJECTS = set().union(*MMLU_GROUPS.values())


def load(dataset: str, name: str = "samples") -> list[dict[str, Any]]:
    lines = (SAMPLES / dataset / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def both(dataset: str) -> list[dict[str, Any]]:
    return load(dataset) + load(dataset, "few_shot")


def options(dataset: str, row: dict[str, Any]) -> tuple[list[str], int]:
    """The answer options of a row and the index of the right one."""
    if dataset == "arc_challenge":
        return row["choices"]["text"], row["choices"]["label"].index(row["answerKey"])
    if dataset == "hellaswag":
        return row["endings"], int(row["label"])
    if dataset == "winogrande":
        return [row["option1"], row["option2"]], int(row["answer"]) - 1
    return row["choices"], row["answer"]


def right(dataset: str, fragment: str) -> str:
    """The answer given by the one row whose text contains the fragment."""
    found = [row for row in both(dataset) if fragment in row[TEXT[dataset]]]
    assert len(found) == 1, (fragment, len(found))
    texts, index = options(dataset, found[0])
    return texts[index]


@pytest.mark.parametrize("dataset", DATASETS)
def test_columns_and_types(dataset: str) -> None:
    few_shot = len(SUBJECTS) * 2 if dataset == "mmlu" else 5
    assert len(load(dataset)) == 28 and len(load(dataset, "few_shot")) == few_shot
    for row in both(dataset):
        assert {key: type(value) for key, value in row.items()} == COLUMNS[dataset]
        assert list(row) == list(COLUMNS[dataset])
        texts, index = options(dataset, row)
        assert len(texts) == (2 if dataset == "winogrande" else 4)
        assert 0 <= index < len(texts)
        assert all(type(text) is str and text and text == text.strip() for text in texts)
        assert len({text.lower() for text in texts}) == len(texts)
        question = row[TEXT[dataset]]
        assert question and question == question.strip() and "  " not in question
        assert len(" ".join([question, *texts]).split()) < 120


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_duplicates(dataset: str) -> None:
    questions = [row[TEXT[dataset]].lower() for row in both(dataset)]
    assert len(set(questions)) == len(questions)
    if dataset in ("arc_challenge", "hellaswag"):
        for key in ("id",) if dataset == "arc_challenge" else ("ind", "source_id"):
            ids = [row[key] for row in both(dataset)]
            assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("dataset", DATASETS)
def test_answer_is_not_given_away(dataset: str) -> None:
    answers = [options(dataset, row) for row in load(dataset)]
    positions = Counter(index for _, index in answers)
    assert set(positions.values()) == {14 if dataset == "winogrande" else 7}
    if dataset != "winogrande":
        lengths = [([len(t) for t in texts], len(texts[index])) for texts, index in answers]
        assert sum(all_.count(own) == 1 and own == max(all_) for all_, own in lengths) <= 8
        assert sum(all_.count(own) == 1 and own == min(all_) for all_, own in lengths) <= 8
        ratios = [own * 3 / (sum(all_) - own) for all_, own in lengths]
        assert 0.9 < sum(ratios) / len(ratios) < 1.1


def test_arc_form() -> None:
    for row in both("arc_challenge"):
        assert re.fullmatch(r"Bundled_\d{3}", row["id"])
        assert set(row["choices"]) == {"text", "label"}
        assert row["choices"]["label"] in (list("ABCD"), list("1234"))
    assert any(row["answerKey"] in "1234" for row in load("arc_challenge"))


def test_hellaswag_form() -> None:
    for split, name in (("val", "samples"), ("train", "few_shot")):
        for row in load("hellaswag", name):
            assert row["ind"] > 900000 and row["split"] == split
            assert row["source_id"] == f"bundled~{row['ind'] - 900000:03d}"
            assert row["split_type"] in ("indomain", "zeroshot")
            # The how-to rows have an empty ctx_b and then no trailing space, as on the Hub.
            assert row["ctx"] == f"{row['ctx_a']} {row['ctx_b']}".strip()
            assert (row["ctx_b"] == "") == row["ctx_a"].startswith("[header] ")
            assert row["ctx_b"] == row["ctx_b"].lower()
            for ending in row["endings"]:
                assert ending.endswith(".") and ending[0].isupper() == (row["ctx_b"] == "")


def test_winogrande_form() -> None:
    mentioned_first = 0
    for row in both("winogrande"):
        assert row["sentence"].count("_") == 1 and row["answer"] in ("1", "2")
        before, after = row["sentence"].split("_")
        assert after.strip(" .")
        for option in (row["option1"], row["option2"]):
            assert len(re.findall(rf"\b{re.escape(option)}\b", before + after)) == 1
            assert re.search(rf"\b{re.escape(option)}\b", before)
    for row in load("winogrande"):
        texts, index = options("winogrande", row)
        starts = [row["sentence"].index(text) for text in texts]
        mentioned_first += starts[index] < starts[1 - index]
    assert mentioned_first == 14


def test_mmlu_subjects() -> None:
    assert len(SUBJECTS) == 14
    for name in ("samples", "few_shot"):
        assert Counter(row["subject"] for row in load("mmlu", name)) == dict.fromkeys(SUBJECTS, 2)
    assert {row["subject"] for row in load("mmlu")[:14]} == SUBJECTS


def test_arc_answers_recomputed() -> None:
    force, mass = 30, 10
    assert right("arc_challenge", "net force of 30") == f"{force / mass:g} m/s²"
    assert right("arc_challenge", "24 kilometers in 2 hours") == f"{24 / 2:g} km/h"
    full_moon = date(2025, 6, 3) + timedelta(days=29.53)
    assert right("arc_challenge", "full moon") == f"{full_moon:%B} {full_moon.day}"
    litter = ["".join(pair) for pair in itertools.product("Bb", repeat=2)]
    brown = Fraction(sum("B" not in alleles for alleles in litter), len(litter))
    assert right("arc_challenge", "alleles Bb") == str(brown)


def test_mmlu_mathematics_recomputed() -> None:
    bags, left = divmod(50, 6)
    assert right("mmlu", "packs rolls") == f"{bags} bags, {left} rolls left over"
    assert right("mmlu", "ribbon") == f"{Fraction(3, 4) * Fraction(1, 3)} of a meter"
    assert right("mmlu", "7 × (12 − 5) + 6") == str(7 * (12 - 5) + 6)
    assert right("mmlu", "mountain village") == f"{-4 + 11} °C"
    generators = [a for a in range(12) if len({a * k % 12 for k in range(12)}) == 12]
    assert right("mmlu", "group Z_12") == str(len(generators))
    cycle = {1: 3, 3: 1, 2: 4, 4: 5, 5: 2}
    image, order = dict(cycle), 1
    while any(key != value for key, value in image.items()):
        image, order = {key: cycle[value] for key, value in image.items()}, order + 1
    assert right("mmlu", "(1 3)(2 4 5)") == str(order)
    power = next(k for k in range(1, 7) if 3**k % 7 == 1)
    assert right("mmlu", "order of the element 3") == str(power)
    fields = [n for n in range(6, 10) if all(math.gcd(a, n) == 1 for a in range(1, n))]
    assert [right("mmlu", "rings is a field")] == [f"Z_{n}" for n in fields]
    prime = next(n for n in range(21, 99) if all(n % d for d in range(2, n)))
    assert right("mmlu", "smallest prime") == str(prime)


def test_mmlu_computer_science_recomputed() -> None:
    worst = 0
    for target in range(1001):  # an absent key that belongs before the key with this index
        low, high, seen = 0, 1000, 0
        while low < high:
            middle, seen = (low + high) // 2, seen + 1
            low, high = (middle + 1, high) if middle < target else (low, middle)
        worst = max(worst, seen)
    assert right("mmlu", "binary search have to") == str(worst)
    [row] = [r for r in load("mmlu") if "regular expressions" in r["question"]]
    words = ["".join(w) for n in range(9) for w in itertools.product("01", repeat=n)]
    exact = [
        all(bool(re.fullmatch(e, w)) == (w.count("1") % 2 == 0) for w in words)
        for e in row["choices"]
    ]
    assert [index for index, holds in enumerate(exact) if holds] == [row["answer"]]
    steps = [n * (n - 1) // 2 for n in (100, 200)]  # nodes passed when the tree is a chain
    assert 3.9 < steps[1] / steps[0] < 4.1 and right("mmlu", "keys 1, 2, ..., n") == "Θ(n²)"


def test_mmlu_sciences_and_business_recomputed() -> None:
    assert right("mmlu", "Hardy–Weinberg") == f"{1 - math.sqrt(0.16):.2f}"
    rna = "TACGGA".translate(str.maketrans("TACG", "AUGC"))
    assert right("mmlu", "template strand") == f"5'-{rna}-3'"
    assert right("mmlu", "5 g of fat") == f"{5 * 9 + 10 * 4 + 4 * 4} kcal"
    assert right("mmlu", "scale of 1:50,000") == f"{6 * 50_000 / 100_000:g} km"
    assert right("mmlu", "salvage value") == f"${(50_000 - 5_000) // 5:,}"
    assert right("mmlu", "one year of insurance") == f"${2_400 * 3 // 12}"
    assert abs(-4 / 10) < 1 and right("mmlu", "quantity demanded falls by 4%") == "inelastic."
    purchases = [1, 2, 3, 4]  # rising unit costs, two of the four units sold
    fifo, lifo = (sum(purchases[:2]), sum(purchases[2:])), (sum(purchases[2:]), sum(purchases[:2]))
    cost, stock = ("higher" if new > old else "lower" for old, new in zip(fifo, lifo, strict=True))
    expected = f"a {cost} cost of goods sold and a {stock} ending inventory."
    assert right("mmlu", "LIFO") == expected
