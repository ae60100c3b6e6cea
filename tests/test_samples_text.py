"""Bundled samples of gsm8k, math, ifeval and mt_bench: schema and correctness, all recomputed."""

import itertools
import json
import math
import re
import sqlite3
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import langdetect
import nltk.tokenize
import punkt
import pytest
import sympy as sp
from if_verifiable.ifeval import instructions_util
from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT
from math_verify import parse, verify
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

SAMPLES = Path(__file__).resolve().parents[1] / "resources" / "samples"


def load(dataset: str, name: str = "samples.jsonl") -> list[dict[str, Any]]:
    """The rows of one bundled file."""
    text = (SAMPLES / dataset / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def by_key(rows: list[dict[str, Any]], column: str, key: str) -> dict[str, Any]:
    """The one row whose column contains the key."""
    hits = [row for row in rows if key in row[column]]
    assert len(hits) == 1, key
    return hits[0]


@pytest.mark.parametrize(
    ("dataset", "columns", "identity"),
    [
        ("gsm8k", {"question": str, "answer": str}, "question"),
        (
            "math",
            dict.fromkeys(("problem", "solution", "answer", "subject"), str)
            | {"level": int, "unique_id": str},
            "unique_id",
        ),
        (
            "ifeval",
            {"key": int, "prompt": str, "instruction_id_list": list, "kwargs": list},
            "key",
        ),
        (
            "mt_bench",
            {"category": str, "prompt": list, "reference": list, "prompt_id": int},
            "prompt_id",
        ),
    ],
)
def test_schema(dataset: str, columns: dict[str, type], identity: str) -> None:
    rows = load(dataset)
    assert 24 <= len(rows) <= 30
    for row in rows:
        assert {name: type(value) for name, value in row.items()} == columns
    assert len({row[identity] for row in rows}) == len(rows)
    texts = [json.dumps(row.get("prompt", row.get("problem", row.get("question")))) for row in rows]
    assert len(set(texts)) == len(rows)
    assert all(len(text.split()) < 120 for text in texts)


# Each GSM8K answer once more, straight from the numbers of its question.
GSM8K: dict[str, int | Fraction] = {
    "rows of onions": 6 * 14 - 9,
    "river ferry": 45 * (4 + 3),
    "Tomasz": 18 * 7 + 35 * 4 - 52,
    "empty tank": next(m for m in itertools.count(1) if 24 * m - 8 * min(m, 15) >= 960),
    "paper cranes": 40 // 8 - 2,
    "rye loaves": next(4 * (48 - s) + 6 * s for s in range(49) if 48 - s == 3 * s),
    "hiking jacket": 150 * Fraction(80, 100) * Fraction(75, 100) - 15,
    "lends each reader": 13 * 5 + 2 * 3,
    "night watch": next(n for n in range(540) if n + n + 90 == 9 * 60),
    "12 hens": 3 * (12 * 5 // 6 * 3 + 8 * 4 // 4 * 5),
    "umbrellas": 64 - 27 + 11,
    "Sofia": next(s for s in range(4, 40) if (s + 6) + (s - 4 + 6) == 40),
    "choir": (48 - 48 // 3 - 48 // 4) // 2,
    "Ingrid": (Fraction(60, 20) + Fraction(60, 15)) * 60 + 45,
    "4 notebooks": 4 * 3 + 5 * 2,
    "spice mix": 3000 // 100 * 2 - (2 * 8 + 1 * 14),
    "230 guests": (230 - 25 * 6) // 8,
    "Olena": 20 * 25 * 3,
    "Rashid": next(s for s in range(2, 500, 2) if (Fraction(s, 2) - 12) * Fraction(2, 3) == 24),
    "old printer": next(m for m in itertools.count(1) if 12 * min(m, 5) + 8 * (m - 5) >= 140),
    "dumplings": 3 * 12 // 9,
    "canoes": next(h for h in range(2, 24) if 2 * 9 + 6 * (h - 2) == 42),
    "Three buses": next(2 * s // 7 for s in range(60) if s + 8 + s + 2 * s == 120),
    "theater ticket": 2 * 11 + 3 * (11 - 4),
    "Freya": -(-(400 // 50) * (300 // 50) // 10) * 25,
    "75 lanterns": 75 * 40 // 100 - (75 - 75 * 40 // 100 - 18),
    "Dewi": 5 * 15 + 2 * 25,
    "potter": (240 - 32) // (18 - 18 // 9),
    "solar park": 35 * 80 * 120 * 75 // 100,
}
FEW_SHOT: dict[str, int | Fraction] = {
    "Priya": 5 * (2 * 3 + 2),
    "Jonas": (50 - 4 * 6) // 2,
    "walk to school": 80 - 3 * (80 * 25 // 100),
    "beekeeper": 7 * (14 * 9 - 6),
    "cookbooks": next(3 * c for c in range(99) if 3 * c - 10 == 2 * (c + 5)),
}


@pytest.mark.parametrize(
    ("name", "expected"), [("samples.jsonl", GSM8K), ("few_shot.jsonl", FEW_SHOT)]
)
def test_gsm8k(name: str, expected: dict[str, int | Fraction]) -> None:
    rows = load("gsm8k", name)
    assert len(rows) == len(expected)
    assert not {r["question"] for r in load("gsm8k")} & {
        r["question"] for r in load("gsm8k", "few_shot.jsonl")
    }
    for key, value in expected.items():
        answer = by_key(rows, "question", key)["answer"]
        steps, _, final = answer.rpartition("\n#### ")
        assert re.fullmatch(r"\d{1,3}(,\d{3})+|\d+", final)
        assert int(final.replace(",", "")) == value, key
        notes = re.findall(r"<<([-+*/().\d]+)=([.\d]+)>>(\d[\d,]*(?:\.\d+)?)", steps)
        assert notes and len(notes) == steps.count("<<") == steps.count(">>")
        for expression, result, shown in notes:
            assert sp.sympify(expression, rational=True) == sp.Rational(result), expression
            assert shown.replace(",", "") == result
        assert sp.Rational(notes[-1][1]) == value
        for line in steps.split("\n"):  # "6 x 14 = <<6*14=84>>84": words and note agree
            for before, expression in re.findall(r"([-+x/()$\d,. ]+) = \$?<<([^=]+)=", line):
                assert re.sub(r"[$, ]", "", before).replace("x", "*").endswith(expression)


def _pavings(columns: int) -> int:
    """Ways to pave 2 by n squares: 1x2 slabs, and 2x2 slabs in two colors (full search)."""

    def fill(free: frozenset[tuple[int, int]]) -> int:
        if not free:
            return 1
        col, row = min(free)
        total = 0
        for extra, colors in (((0, 1),), 1), (((1, 0),), 1), (((0, 1), (1, 0), (1, 1)), 2):
            cells = {(col, row), *((col + dc, row + dr) for dc, dr in extra)}
            if cells <= free:
                total += colors * fill(free - cells)
        return total

    return fill(frozenset(itertools.product(range(columns), range(2))))


def _math_answers() -> dict[str, Any]:
    """Each MATH answer once more, by another route than the written solution."""
    x, y, n, p, q = sp.symbols("x y n p q")
    quartic = sp.Poly((x + 3) * (x - 1) * (x - 5) * (x - 9), x).all_coeffs()
    assert quartic[:3] == [1, -12, 14]
    roots = sp.Poly(2 * x**3 - 8 * x**2 + 5 * x - 3, x).nroots(n=30)
    d = sp.Matrix([2, 1, -2]).cross(sp.Matrix([-1, 4, -1]))
    u, v = sp.symbols("u v")
    radius = sp.solve(sp.Eq((12 - y) * sp.Rational(9, 15), y), y)[0]
    turns = (2 * math.pi * k / 997 for k in range(998))
    wave = [math.cos(5 * t) - math.sin(3 * t) for t in turns]
    return {
        "5x - 7": sp.solve(5 * x - 7 - 2 * x - 14, x)[0],
        "slope": sp.Line((-3, 8), (5, -4)).slope,
        "x^2 - 2x - 15": sp.solve_univariate_inequality(x**2 - 2 * x - 15 <= 0, x, False),
        "f(g(x)) = g(f(x))": sp.FiniteSet(
            *sp.solve(2 * (x**2 + 2) - 3 - ((2 * x - 3) ** 2 + 2), x)
        ),
        "2f(6-x)": sp.solve([u + 2 * v - 4, v + 2 * u - 16], [u, v])[u],
        "|5 - 12i|": sp.Abs(5 - 12 * sp.I),
        "remainder": sp.rem(x**4 - 3 * x**2 + 5 * x - 4, x - 2, x),
        "p^2 + q^2 + r^2": sp.Integer(round(float(sp.re(sum(r**2 for r in roots))))),
        "P(6)": sp.solve(
            [216 + 36 * p + 6 * q + n - y]
            + [k**3 + p * k**2 + q * k + n - (2 * k + 1) for k in (1, 2, 3)],
            [p, q, n, y],
        )[y],
        "arithmetic progression": quartic[3] + quartic[4],
        "café": sp.Integer(len(list(itertools.product(range(4), range(3), range(2))))),
        "six-sided": sp.Rational(
            sum((a + b) % 5 == 0 for a, b in itertools.product(range(1, 7), repeat=2)), 36
        ),
        "SAFFRON": sp.Integer(len({w for w in itertools.permutations("SAFFRON") if w[0] in "AO"})),
        "paved": sp.Integer(_pavings(6)),
        "38 cm": 12 * sp.solve(2 * (12 + x) - 38, x)[0],
        "cylinder": sp.solve(sp.pi * 81 * x / 3 - sp.pi * 25 * 9, x)[0],
        "flowerpot": sp.integrate(sp.pi * (4 + sp.Rational(5, 12) * x) ** 2, (x, 0, 12)),
        "sphere": 4 * sp.pi * radius**2,
        "greatest common": sp.gcd(84, 126),
        "base-five": sp.Integer(int("3142", 5)),
        "units digit": sp.Integer((3**27 + 8**15) % 10),
        "divisible by 30": sp.Integer(sum((k * k + k) % 30 == 0 for k in range(1, 601))),
        "18 - 4": sp.Integer(18 - 4 * (7 - 5)) + sp.Rational(9, 3),
        "lentils": sp.Rational(9, 2) / 6 * 10,
        "mean of five": sp.Integer(5 * 18) - 4 * sp.Rational(33, 2),
        "kettle": (1 - sp.Rational(80, 100) * sp.Rational(115, 100)) * 100,
        "radians": sp.Rational(7, 12) * 180,
        "mathbf{A}": sp.Matrix([[2, -1], [3, 4]]) ** 2,
        "triangle in space": sp.sqrt(d.dot(d)) / 2,
        "sin 3x": sp.Integer(sum(a * b < 0 for a, b in itertools.pairwise(wave))),
    }


def test_math() -> None:
    rows = load("math")
    answers = _math_answers()
    assert len(answers) == len(rows)
    for key, value in answers.items():
        row = by_key(rows, "problem", key)
        gold = parse(f"${row['answer']}$")
        assert gold and not isinstance(gold[0], str), key
        if isinstance(value, sp.MatrixBase | sp.Set):
            assert str(gold[0]) == str(value), key
        else:
            assert sp.simplify(sp.nsimplify(gold[0]) - value) == 0, key
        assert verify(gold, parse(row["solution"]), allow_set_relation_comp=True), key
        assert not verify(gold, parse(r"$\boxed{987}$"), allow_set_relation_comp=True), key
        assert row["solution"].count(r"\boxed{") == 1
        assert rf"\boxed{{{row['answer']}}}" in row["solution"]
        for text in (row["problem"], row["solution"]):
            assert text.count("$") % 2 == 0
            assert text.count(r"\[") == text.count(r"\]")
            assert text.count("{") == text.count("}")


def test_math_strata() -> None:
    rows = load("math")
    assert {row["level"] for row in rows} == {1, 2, 3, 4, 5}
    assert sum(row["level"] <= 2 for row in rows) >= len(rows) / 3
    counts = Counter(row["subject"] for row in rows)
    assert len(counts) == 7 and min(counts.values()) >= 4
    for row in rows:
        folder = row["subject"].lower().replace("&", "and").replace(" ", "_")
        assert re.fullmatch(rf"bundled/{folder}/\d+\.json", row["unique_id"])


# For each IFEval key: a response that satisfies every instruction, one that breaks every one.
IFEVAL: dict[int, tuple[str, str]] = {
    900001: (
        "You need a pot with drainage holes and loose soil and a sunny spot.",
        "You need a pot, some soil and sunlight.",
    ),
    900002: (
        "SECTION 1\nBegin without a telescope.\nSECTION 2\nFind the Plough.\n"
        "SECTION 3\nBorrow a telescope later.",
        "Section 1\nLook up.\nSection 2\nTry a telescope.",
    ),
    900003: (
        "it tastes like honey and sunshine with a little pine. the flesh is soft and juicy.",
        "It tastes like honey with a little pine.",
    ),
    900004: (
        "<<Small but Enough>>\n* Roll your clothes.\n* Wear the heavy shoes.\n"
        "* Take small bottles.\n* Leave some space.",
        "<Small>\n* Roll your clothes.\n* Wear the heavy shoes.\n* Take small bottles.",
    ),
    900005: ("My answer is yes.", "Yes, every square is a rectangle."),
    900006: (
        "DEAR NEIGHBORS, THIS SUNDAY THE VILLAGE MARKET WILL OPEN AN HOUR LATER. SEE YOU THERE!",
        "Dear neighbors, " + "the market opens one hour later on Sunday, " * 9,
    ),
    900007: (
        '"Ice is less dense than liquid water. Therefore it floats."',
        'Ice is "less dense" than liquid water.',
    ),
    900008: (
        "Dough is flour and water.\n\nYeast eats the sugar.\n\nThe gas lifts the dough.",
        "Dough is flour and water.\n\nThen yeast eats the sugar.\n\nThe gas lifts the dough.",
    ),
    900009: (
        "A simple memory game is fun for everybody. Happy playing!",
        "Happy playing! Try a simple memory game.",
    ),
    900010: (
        "Dear [name],\nWe are sorry. Your room was late on [date]. That was our mistake. "
        "We have changed our plan. Please accept [gift]. We hope to see you again.\n"
        "P.P.S. The gift is waiting for you.",
        "Dear [name], we are sorry. Please come again.\nP.S. Take a gift.",
    ),
    900011: (
        "Suggest a name for a library that has moved into an old train station.\n\nPlatform Pages",
        "Platform Pages",
    ),
    900012: (
        "El agua es necesaria para el cuerpo. Beber con frecuencia ayuda a mantener la salud.",
        "Water is necessary for the body. It helps us to stay healthy.",
    ),
    900013: (
        "Blue is the calm of cold water on your hands.",
        "Blue is like the sky and the ocean.",
    ),
    900014: ("The moon and its guests\n******\nAnimals of the river", "The moon and its guests"),
    900015: ("Zip, zoom, zigzag: see our dazzling zebras!", "See our striped horses!"),
    900016: (
        '```json\n{"color": "green", "wheels": 2, "extras": ["bell", "basket"]}\n```',
        "color: green\nwheels: 2\nextras: lamp",
    ),
    900017: (
        "Dear Femi,\nThank you for your help!\nP.S. The fern has a new leaf.",
        "Dear Femi,\nThank you for your help! The fern has a new leaf.",
    ),
    900018: (
        "ALWAYS wear goggles. NEVER eat in the lab. Tell a teacher about spills AT once.",
        "ALWAYS wear goggles. Never eat in the lab.",
    ),
    900019: (
        "A kite lived on a hill.\n***\nOne day the wind cut its string.\n***\nIt saw the sea.",
        "A kite lived on a hill.\n\nOne day its string broke and it saw the sea.",
    ),
    900020: (
        "A compass shows where north is. With a map it helps you find your way.",
        "A compass has a needle. The needle is a magnet. It turns. It points north.",
    ),
    900021: (
        "One player *closes both eyes* and *counts to twenty*. Then the *search begins*.",
        "One player *closes both eyes* and counts. Then the search begins.",
    ),
    900022: (
        '"you ran with heart today. the next race is already waiting for us."',
        "You ran well, and that is what counts.",
    ),
    900023: ("The boats come home and the gulls cry above the pier. " * 8, "Boats, gulls, fog."),
    900024: (
        "Dear [name], come to our picnic in [place] on [date] at [time]. Bring a blanket!",
        "Dear [name], come to our picnic. " + "We will eat, sing and play all day long. " * 10,
    ),
    900025: (
        "<<Puddles>>\nThe rain is tapping on my hat,\nthe puddles laugh, and that is that.",
        "Rain on the roof and rain on the road,\nrainy is the song of the toad.",
    ),
    900026: (
        "THE GREEN COLOR OF LEAVES COMES FROM CHLOROPHYLL. THE MOLECULE TAKES UP RED LIGHT "
        "AND SENDS GREEN LIGHT BACK TO YOUR EYES.",
        "Because blue light is absorbed by big blobs, but green light bounces back.",
    ),
    900027: (
        "* Wash it *by hand*.\n* Let it *dry upright*.\n* Oil it once a month.\n\n"
        "That is all it takes.",
        "Wash it *by hand* and let it dry. That is all it takes. Good luck!",
    ),
    900028: (
        "<<The Thirteenth Stroke>>\nAt noon every clock stopped but one.\n******\n"
        "The night watchman was found inside the tallest clock.",
        "At noon every clock stopped but one.",
    ),
    900029: (
        "What gift could a class make for a crossing guard who retires?\n"
        "A big quilt with a painted square from every pupil.",
        "A quilt, of course, with a square from every pupil.",
    ),
    900030: (
        "सीढ़ी उधार देने के लिए आपका बहुत धन्यवाद। आपकी मदद से मेरा काम जल्दी पूरा हो गया।",
        "Thank you very much for the ladder. Your help saved me a lot of time.",
    ),
}


@pytest.fixture
def verifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deterministic language detection, and NLTK's punkt without its download."""
    monkeypatch.setattr(langdetect.DetectorFactory, "seed", 0)
    model, params = punkt.load_model("english"), PunktParameters()
    for name in ("abbrev_types", "collocations", "sent_starters", "ortho_context"):
        getattr(params, name).update(getattr(model, name))
    tokenizer = PunktSentenceTokenizer(params)
    monkeypatch.setattr(nltk.tokenize, "_get_punkt_tokenizer", lambda *_: tokenizer)
    monkeypatch.setattr(instructions_util, "_get_sentence_tokenizer", lambda: tokenizer)


def test_ifeval(verifiers: None) -> None:
    rows = load("ifeval")
    assert {row["key"] for row in rows} == set(IFEVAL)
    for row in rows:
        good, bad = IFEVAL[row["key"]]
        assert 1 <= len(row["instruction_id_list"]) == len(row["kwargs"]) <= 3
        for name, kwargs in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            instruction = INSTRUCTION_DICT[name](name)
            instruction.build_description(**kwargs)
            assert set(kwargs) == set(instruction.get_instruction_args_keys())
            assert instruction.check_following(good), (row["key"], name)
            assert not instruction.check_following(bad), (row["key"], name)
            for value in kwargs.values():  # what is verified is what the prompt asks for
                if isinstance(value, list):
                    assert all(word in row["prompt"] for word in value)
        if "combination:repeat_prompt" in row["instruction_id_list"]:
            assert row["prompt"].startswith(row["kwargs"][0]["prompt_to_repeat"] + "\n")


def test_ifeval_covers_every_instruction_kind() -> None:
    rows = load("ifeval")
    assert {name for row in rows for name in row["instruction_id_list"]} == set(INSTRUCTION_DICT)
    assert len({len(row["kwargs"]) for row in rows}) == 3


WITH_REFERENCE = {"math", "reasoning", "coding"}


def test_mt_bench_layout() -> None:
    rows = load("mt_bench")
    names = "writing roleplay reasoning math coding extraction stem humanities"
    assert Counter(row["category"] for row in rows) == dict.fromkeys(names.split(), 3)
    for row in rows:
        assert len(row["prompt"]) == 2
        assert len(row["reference"]) == (2 if row["category"] in WITH_REFERENCE else 0)
        assert all(len(turn.split()) < 100 for turn in row["prompt"])
        assert all(isinstance(text, str) and text for text in row["prompt"] + row["reference"])
        assert 900000 < row["prompt_id"] < 901000


def test_mt_bench_math_and_reasoning() -> None:
    rows = load("mt_bench")

    def starts(key: str) -> tuple[str, ...]:
        row = next(row for row in rows if key in row["prompt"][0])
        return tuple(text.split("\n")[0] for text in row["reference"])

    width = next(w for w in range(1, 70) if w * (w + 3) == 70)
    path = (width + 2) * (width + 5) - 70
    assert starts("rectangular garden") == (
        f"{2 * (2 * width + 3)} meters",
        f"{path} square meters",
    )
    terms = [5 + 6 * k for k in range(400)]
    place = next(k for k, term in enumerate(terms, 1) if term > 1000)
    assert starts("5, 11, 17, 23") == (
        f"The 40th term is {terms[39]} and the sum is {sum(terms[:40])}.",
        f"The first term greater than 1000 is {terms[place - 1]}, and it is the {place}th term.",
    )
    pairs = list(itertools.combinations("GGGGWWWWWW", 2))
    both = Fraction(pairs.count(("G", "G")), len(pairs))
    added = next(g for g in range(50) if Fraction(4 + g, 10 + g) == Fraction(3, 5))
    assert starts("4 green and 6 white") == (str(both), f"{added} green marbles")
    minutes = [(m % 5 < 3, m % 4 < 2) for m in range(60)]
    assert not minutes[44][0]
    first, second = starts("garden lamp")
    assert f"off at 8:44:30, and it is on for {sum(a for a, _ in minutes)} minutes" in first
    assert second == f"{sum(a and b for a, b in minutes)} minutes."

    def queues(chen_behind: bool) -> set[str]:
        orders = map("".join, itertools.permutations("ABCD"))
        return {
            o
            for o in orders
            if "AB" in o and o[0] != "D" and (o.index("C") > o.index("D")) == chen_behind
        }

    row = next(row for row in rows if "Bilal" in row["prompt"][0])
    listed = [
        {"".join(re.findall(r"\b([ABCD])", m)) for m in re.findall(r"\w+(?:, \w+){3}", text)}
        for text in row["reference"]
    ]
    assert listed == [queues(True), queues(False)]


def test_mt_bench_coding() -> None:
    rows = [row for row in load("mt_bench") if row["category"] == "coding"]
    cases: dict[str, list[list[tuple[Any, Any]]]] = {
        "longest_plateau": [
            [([], 0), ([7], 1), ([1, 1, 2, 2, 2, 1], 3), ([4, 4, 4], 3), ([None, None, 1], 2)],
            [([], (0, 0)), ([7], (0, 1)), ([1, 1, 2, 2, 2, 1], (2, 3)), ([1, 1, 2, 2], (0, 2))],
        ],
        "sum_of_durations": [
            [(["1:45", "0:20"], "2:05"), ([], "0:00"), (["23:59", "0:02"], "24:01")],
            [(["-0:30", "0:10"], "-0:20"), (["1:45", "-0:45"], "1:00"), (["-1:30"], "-1:30")],
        ],
    }
    for name, turns in cases.items():
        row = next(row for row in rows if name in row["prompt"][0])
        for text, checks in zip(row["reference"], turns, strict=True):
            scope: dict[str, Any] = {}
            exec(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], scope)
            for argument, expected in checks:
                assert scope[name](argument) == expected
    row = next(row for row in rows if "SQL" in row["prompt"][0])
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE loans(reader, book, day_out, day_back)")
    out = {"Zoe": 2, "Ali": 2, "Ben": 3, "Eva": 1}
    loans = [(name, f"{name}{k}", "1", None) for name, count in out.items() for k in range(count)]
    base.executemany("INSERT INTO loans VALUES (?, ?, ?, ?)", [*loans, ("Ida", "x", "1", "2")])
    queries = [re.findall(r"```sql\n(.*?)```", text, re.DOTALL)[0] for text in row["reference"]]
    result = base.execute(queries[0]).fetchall()
    assert dict(result) == out and [count for _, count in result] == [3, 2, 2, 1]
    assert base.execute(queries[1]).fetchall() == [("Ben", 3), ("Ali", 2), ("Zoe", 2)]
    base.close()
