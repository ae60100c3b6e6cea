"""BFCL: reader, prompt, decoder, checker and scores."""

from __future__ import annotations

import json
import random
import re
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.bfcl import BENCHMARK, macro_average
from evaluation.benchmarks.bfcl_checker import calls_match, standardise
from evaluation.benchmarks.bfcl_decoder import Call, decode
from evaluation.benchmarks.bfcl_files import AST_CATEGORIES, CATEGORIES, read_rows
from evaluation.errors import EvaluationError
from evaluation.records import GenerateRequest, Response, Sample, SampleScore, Score

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "resources" / "samples" / "bfcl" / "samples.jsonl"
HUB = ROOT.parent / "shared/data/hub/gorilla-llm/Berkeley-Function-Calling-Leaderboard"
SETTINGS = PromptSettings(protocol="chat", max_new_tokens=300, seed=5)

LAMP: dict[str, Any] = {
    "name": "lamp.dim",
    "description": "Dim a lamp.",
    "parameters": {
        "type": "dict",
        "properties": {
            "room": {"type": "string", "description": "Where the lamp is."},
            "percent": {"type": "integer", "description": "Brightness."},
            "seconds": {"type": "float", "description": "How slowly."},
        },
        "required": ["room", "percent"],
    },
}
TRUTH: list[dict[str, Any]] = [
    {"lamp.dim": {"room": ["hall", "the hall"], "percent": [40], "seconds": [2.0, ""]}}
]


def make_row(category: str = "simple_python", **changes: object) -> dict[str, object]:
    truth = TRUTH if category in AST_CATEGORIES else []
    row: dict[str, object] = {
        "id": f"{category}_0",
        "category": category,
        "question": [[{"role": "user", "content": "Dim the lamp in the hall to 40 percent."}]],
        "function": [LAMP],
        "ground_truth": truth,
    }
    return row | changes


def respond(sample: Sample, text: str) -> Response:
    return Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        text=text,
        finish_reason="stop",
    )


def score(sample: Sample, text: str) -> SampleScore:
    return BENCHMARK.score(sample, [respond(sample, text)], [text])


def messages(row: dict[str, object]) -> list[tuple[str, str]]:
    (request,) = BENCHMARK.requests(BENCHMARK.sample(row, 0), [], SETTINGS)
    assert isinstance(request, GenerateRequest)
    assert (request.max_new_tokens, request.seed, request.temperature) == (300, 5, 0.0)
    return [(m.role, m.content) for m in request.messages]


def gold_answer(row: dict[str, Any]) -> str:
    """The gold calls as a model would write them; parameters marked "" only are left out."""
    calls = []
    for expected in row["ground_truth"]:
        ((name, accepted),) = expected.items()
        arguments = {p: next((v for v in vs if v != ""), None) for p, vs in accepted.items()}
        properties = next(f for f in row["function"] if f["name"] == name)["parameters"]
        written = [
            f"{p}={literal(v, properties['properties'][p])}"
            for p, v in arguments.items()
            if v is not None and p in properties["properties"]
        ]
        calls.append(f"{name}({', '.join(written)})")
    return f"[{', '.join(calls)}]"


def literal(value: Any, schema: dict[str, Any]) -> str:
    """Dictionaries hold a list of accepted values under each key, also inside lists."""
    return repr(pick(value, schema))


def pick(value: Any, schema: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {k: next(v for v in vs if v != "") for k, vs in value.items() if vs != [""]}
    if isinstance(value, list) and schema.get("items", {}).get("type") == "dict":
        return [pick(v, {}) for v in value]
    return value


# ---- prompt ----


def test_prompt_documents_the_functions_before_the_question() -> None:
    system, user = messages(make_row())
    assert system[0] == "system"
    assert '[first_function(name="text", count=2), second.function(flag=True)]' in system[1]
    assert json.loads(system[1].split("Functions:\n")[1]) == [LAMP]
    assert user == ("user", "Dim the lamp in the hall to 40 percent.")


def test_prompt_joins_the_rows_own_system_message() -> None:
    question = [
        {"role": "system", "content": "Today is Monday."},
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": "dim it"},
        {"role": "assistant", "content": "Which lamp?"},
        {"role": "user", "content": "the hall"},
    ]
    found = messages(make_row(question=[question]))
    assert [role for role, _ in found] == ["system", "user", "assistant", "user"]
    assert found[0][1].endswith("\n\nToday is Monday.")
    assert found[1][1] == "Hi\n\ndim it"


def test_category_and_id() -> None:
    sample = BENCHMARK.sample(make_row("live_relevance"), 3)
    assert (sample.id, sample.category) == ("live_relevance_0", "live_relevance")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": "java"}, "category 'java'"),
        ({"question": []}, "0 turns"),
        ({"question": [[{"role": "user", "content": " "}]]}, "does not end in a message"),
        ({"question": [[{"role": "tool", "content": "x"}]]}, "question.0.0.role"),
        ({"function": []}, "(lamp.dim) is not one of the functions"),
        ({"function": [{"name": "f"}]}, "no parameters"),
        ({"function": [{"name": "f", "parameters": {"properties": {"a": {}}}}]}, "no type"),
        ({"ground_truth": []}, "no accepted call"),
        ({"ground_truth": [{"other": {}}]}, "other"),
        ({"category": "irrelevance", "ground_truth": TRUTH}, "none are expected"),
        ({"id": None}, "id:"),
    ],
)
def test_impossible_rows_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError, match="row 7") as caught:
        BENCHMARK.sample(make_row(**changes), 7)
    assert message in str(caught.value)


# ---- decoder ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[f(a=1)]", [Call("f", {"a": 1})]),
        ("f(a=1), g.h(b='x')", [Call("f", {"a": 1}), Call("g.h", {"b": "x"})]),
        ("```python\n[f(a=1)]\n```", [Call("f", {"a": 1})]),
        ("```\n[f(a=1)]\n```\nThis dims it.", [Call("f", {"a": 1})]),
        ("```tool_code\nf(a=1)\n```", [Call("f", {"a": 1})]),
        ("Wrong: ```[f(a=1)]``` right: ```[f(a=2)]```", [Call("f", {"a": 2})]),
        ("The calls are:\n[f(a=1),\n g(b=[2,\n[3]])]\nDone.", None),
        ("The calls are:\n[f(a=1),\n g(b=[2,\n[3]])]", [Call("f", {"a": 1}), Call("g", {"b": 0})]),
        ("[f(a=1)]\nNo, rather:\n[f(a=2)]", [Call("f", {"a": 2})]),
        ("[f(a=1)]\nThis dims the lamp.", [Call("f", {"a": 1})]),
        ("[f(a=-1.5, b=+2, c=60*5, d=1/4)]", [Call("f", {"a": -1.5, "b": 2, "c": 300, "d": 0.25})]),
        ("[f(a=true, b=None, c=...)]", [Call("f", {"a": "true", "b": None, "c": "..."})]),
        ("[f(a=(1, 2), b={'k': [True]})]", [Call("f", {"a": (1, 2), "b": {"k": [True]}})]),
        (
            "[f(a=g(b=1), c=g(), d=x[0])]",
            [Call("f", {"a": {"g": {"b": 1}}, "c": "g()", "d": "x[0]"})],
        ),
        ("[f(1, a=2)]", [Call("f", {"a": 2})]),
        ("[f(a=1)", [Call("f", {"a": 1})]),
        ("[f(name='Zoë 東京')]", [Call("f", {"name": "Zoë 東京"})]),
        ("[f(a=1), g(b=", []),
        ("[]", []),
        ("", []),
        ("[f]", []),
        ("No function fits, [sorry].", []),
        ("[f(a='x'*1000000000000)]", []),
        ("[f(a=1/0)]", []),
        ("[f(a=[x for x in y])]", []),
        ("[f(a=f'{1}')]", []),
        ("[f(a={[]: 1})]", []),
        ("[f(a={**b})]", []),
        ("[__import__('os').system('true')()]", []),
        ("[f(a=\x00)]", []),
    ],
)
def test_decoder(text: str, expected: list[Call] | None) -> None:
    calls = decode(text).calls
    if expected is None or (len(expected) == 2 and expected[1].arguments == {"b": 0}):
        expected = [Call("f", {"a": 1}), Call("g", {"b": [2, [3]]})]
    assert calls == expected


def test_decoder_executes_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w').write('x')"
    for text in (f"[f(a={code})]", f"[f(a={code} + 1)]", f"[f(a=lambda: {code})]", f"[{code}]"):
        decode(text)
    assert not trace.exists()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[f(a=" * 200_000,
        "-" * 1_000_000 + "1",
        "```" * 350_000,
        "\n[" * 500_000 + "]",
        "[f(a=" + "1+" * 500_000 + "1)]",
        "[f(a=0x" + "f" * 30_000 + ")]",
        "[" + "f(a=1), " * 125_000 + "]",
        "f" + ".f" * 500_000 + "()",
        "[f(a=" + "9" * 4_000 + ")]",
    ],
)
def test_degenerate_answers_are_scored_fast(text: str) -> None:
    start = time.perf_counter()
    for category in ("simple_python", "irrelevance"):
        score(BENCHMARK.sample(make_row(category), 0), text)
    assert time.perf_counter() - start < 2


# ---- checker ----


def schema(kind: str, items: str | None = None) -> dict[str, Any]:
    return {"type": kind} | ({"items": {"type": items}} if items else {})


@pytest.mark.parametrize(
    ("value", "declared", "accepted", "right"),
    [
        ("New-York, N.Y.", schema("string"), ["new york ny"], True),
        ("it's", schema("string"), ['IT"S'], True),
        ("Rome", schema("string"), ["Paris", ""], False),
        ("", schema("string"), ["Paris", ""], True),
        (5, schema("string"), ["5"], False),
        (5, schema("float"), [5.0], True),
        (5, schema("float"), [5], True),
        (10**400, schema("float"), [5.0], False),
        (5.0, schema("integer"), [5], False),
        (True, schema("integer"), [1], False),
        (True, schema("boolean"), [True], True),
        ("true", schema("boolean"), [True], False),
        ("n", schema("integer"), ["n"], True),
        ("N", schema("integer"), ["n"], False),
        ("x", schema("any"), ["X"], True),
        (3, schema("any"), [3], True),
        (["A b", 1], schema("array", "string"), [["ab", 1]], False),
        (["A b"], schema("array", "string"), [["ab"]], True),
        (["a", "b"], schema("array", "string"), [["b", "a"]], False),
        ([1], schema("array", "float"), [[1.0]], False),
        ([1], schema("array", "float"), [[1]], True),
        ((1, 2), schema("array", "integer"), [[1, 2]], False),
        ((1, 2), schema("tuple", "integer"), [[1, 2]], True),
        ([1, 2], schema("tuple", "integer"), [[1, 2]], True),
        ([], schema("array", "string"), [["a"], ""], True),
        ({"a": "X y"}, schema("dict"), [{"a": ["xy"], "b": [1, ""]}], True),
        ({"a": "xy", "c": 1}, schema("dict"), [{"a": ["xy"]}], False),
        ({}, schema("dict"), [{"a": ["xy"]}], False),
        ({"a": 1}, schema("dict"), ["", {"a": [1]}], True),
        ({}, schema("dict"), [""], False),
        ([{"a": 1}, {"a": 2}], schema("array", "dict"), [[{"a": [1]}, {"a": [2]}]], True),
        ([{"a": 2}, {"a": 1}], schema("array", "dict"), [[{"a": [1]}, {"a": [2]}]], False),
        ([{"a": 1}], schema("array", "dict"), [[{"a": [1]}, {"a": [2]}]], False),
        (["a"], schema("array", "dict"), ["", [{"a": [1]}]], False),
        (7, schema("number"), [7], True),
    ],
)
def test_checker_on_one_value(
    value: object, declared: dict[str, Any], accepted: list[Any], right: bool
) -> None:
    function = {"name": "f", "parameters": {"properties": {"p": declared}, "required": ["p"]}}
    assert calls_match([Call("f", {"p": value})], [{"f": {"p": accepted}}], [function]) is right


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("[lamp.dim(room='Hall', percent=40)]", 1),
        ("[lamp.dim(room='the hall', percent=40, seconds=2)]", 1),
        ("[lamp.dim(room='hall', percent=40, seconds=3)]", 0),
        ("[lamp.dim(room='hall')]", 0),
        ("[lamp.dim(room='hall', percent=40, colour='red')]", 0),
        ("[lamp.dim(room='hall', percent=40, **{'a': 1})]", 0),
        ("[lamp.dim('hall', 40)]", 0),
        ("[lamp_dim(room='hall', percent=40)]", 0),
        ("[lamp.dim(room='hall', percent=40), lamp.dim(room='hall', percent=40)]", 0),
        ("I would dim it.", 0),
    ],
)
def test_simple_call(answer: str, right: int) -> None:
    assert score(BENCHMARK.sample(make_row(), 0), answer).scores == {"ast_accuracy": right}


def test_parallel_calls_match_in_any_order_and_one_to_one() -> None:
    truth: list[dict[str, Any]] = [
        {"lamp.dim": {"room": ["hall"], "percent": [40], "seconds": [2.0, ""]}},
        {"lamp.dim": {"room": ["attic"], "percent": [10], "seconds": [2.0, ""]}},
    ]
    sample = BENCHMARK.sample(make_row("parallel", ground_truth=truth), 0)
    hall, attic = "lamp.dim(room='hall', percent=40)", "lamp.dim(room='attic', percent=10)"
    assert score(sample, f"[{attic}, {hall}]").scores == {"ast_accuracy": 1}
    assert score(sample, f"[{hall}, {hall}]").scores == {"ast_accuracy": 0}
    assert score(sample, f"[{hall}]").scores == {"ast_accuracy": 0}


def test_standardise() -> None:
    assert standardise("A.b,c/d-e_f*g^h i'j") == 'abcdefghi"j'
    assert standardise("a\tb;c") == "a\tb;c"
    assert standardise(1.5) == 1.5


# ---- scores ----


def test_irrelevance_and_relevance_look_at_calls_only() -> None:
    irrelevance = BENCHMARK.sample(make_row("live_irrelevance"), 0)
    relevance = BENCHMARK.sample(make_row("live_relevance"), 0)
    for text, called in (("No function fits.", 0), ("[]", 0), ("", 0), ("[any_name(x=1)]", 1)):
        assert score(irrelevance, text).scores == {"irrelevance_accuracy": 1 - called}
        assert score(relevance, text).scores == {"relevance_accuracy": called}


def test_reports_show_the_decoded_part() -> None:
    found = score(BENCHMARK.sample(make_row(), 0), "Here:\n```\n[lamp.dim(room=1)]\n```")
    assert found.extracted == "[lamp.dim(room=1)]"
    assert json.loads(found.gold) == TRUTH


def aggregate(values: list[tuple[str, float]]) -> dict[str, Score]:
    scored = []
    for category, value in values:
        sample = BENCHMARK.sample(make_row(category), 0)
        (metric,) = score(sample, "").scores
        scored.append((sample, SampleScore(scores={metric: value})))
    return {s.metric: s for s in BENCHMARK.aggregate(scored)}


def test_ast_accuracy_is_the_macro_average() -> None:
    found = aggregate(
        [("multiple", 1.0)] * 9 + [("parallel", 0.0)] * 3 + [("irrelevance", 1.0)] * 4
    )
    ast_score = found["ast_accuracy"]
    assert (ast_score.value, ast_score.n, ast_score.primary) == (0.5, 12, True)
    assert ast_score.interval and ast_score.interval.method.startswith("bootstrap")
    assert ast_score.interval.low <= 0.5 <= ast_score.interval.high
    assert (found["irrelevance_accuracy"].value, found["irrelevance_accuracy"].n) == (1.0, 4)
    assert (found["relevance_accuracy"].value, found["relevance_accuracy"].n) == (None, 0)


def test_interval_has_a_width_when_all_samples_are_alike() -> None:
    ast_score = aggregate([("multiple", 1.0)] * 5 + [("parallel", 1.0)] * 5)["ast_accuracy"]
    assert ast_score.interval and ast_score.interval.method == "Wilson"
    assert ast_score.value == 1.0 and ast_score.interval.low < 0.8


def test_macro_average() -> None:
    assert macro_average([("a", 1.0), ("a", 0.0), ("b", 1.0)]) == 0.75


@given(st.text(max_size=300))
def test_any_text_is_scored(text: str) -> None:
    for category in CATEGORIES:
        found = score(BENCHMARK.sample(make_row(category), 0), text).scores
        assert len(found) == 1 and set(found.values()) <= {0.0, 1.0}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3),
    max_leaves=6,
)


@given(VALUES, st.lists(VALUES, max_size=3), st.sampled_from(["any", "array", "dict", "tuple"]))
def test_any_value_is_checked(value: object, accepted: list[object], kind: str) -> None:
    for items in (None, "dict", "string", "array"):
        declared = {"type": kind} | ({"items": {"type": items}} if items else {})
        function = {"name": "f", "parameters": {"properties": {"p": declared}}}
        calls_match([Call("f", {"p": value})], [{"f": {"p": accepted}}], [function])


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5})?", fullmatch=True), VALUES)))
def test_written_calls_are_read_back(values: list[tuple[str, Any]]) -> None:
    written = [(n, v) for n, v in values if not {"nan", "inf"} & set(re.findall(r"\w+", repr(v)))]
    written = [(f"f_{n}", v) for n, v in written]
    text = "[" + ", ".join(f"{n.replace('.', '.f_')}(p={v!r})" for n, v in written) + "]"
    assert decode(text).calls == [Call(n.replace(".", ".f_"), {"p": v}) for n, v in written]


# ---- rows ----


def bundled() -> list[dict[str, Any]]:
    if not BUNDLED.exists():
        pytest.skip(f"{BUNDLED} is not there yet")
    return [json.loads(line) for line in BUNDLED.read_text(encoding="utf-8").splitlines()]


def test_bundled_samples_score_full_marks_with_gold_and_none_without() -> None:
    for index, row in enumerate(bundled()):
        sample = BENCHMARK.sample(row, index)
        (request,) = BENCHMARK.requests(sample, [], SETTINGS)
        assert isinstance(request, GenerateRequest) and request.messages[-1].role == "user"
        empty = score(sample, "").scores
        if "irrelevance" in row["category"]:
            assert empty == {"irrelevance_accuracy": 1.0}  # no call is the right answer
            assert score(sample, "[a_function(x=1)]").scores == {"irrelevance_accuracy": 0.0}
        else:
            name = row["function"][0]["name"]
            gold = gold_answer(row) if row["ground_truth"] else f"[{name}()]"
            assert set(score(sample, gold).scores.values()) == {1.0}, gold
            assert set(empty.values()) == {0.0}


def hub_rows() -> list[dict[str, Any]]:
    if not HUB.is_dir():
        pytest.skip("the real rows are not on this machine")
    rows: list[dict[str, Any]] = read_rows(HUB)
    return rows


def test_hub_rows() -> None:
    samples = [BENCHMARK.sample(row, i) for i, row in enumerate(hub_rows())]
    assert len({s.id for s in samples}) == len(samples)
    assert {s.category for s in samples} == set(CATEGORIES)
    for sample in samples:
        assert BENCHMARK.requests(sample, [], SETTINGS)
        if sample.category in AST_CATEGORIES:
            assert score(sample, "").scores == {"ast_accuracy": 0.0}


def test_hub_rows_accept_most_gold_answers() -> None:
    """Not all: a few accepted answers contradict the docs, and none of those passes BFCL."""
    rows = [r for r in hub_rows() if r["ground_truth"]]
    right = [
        score(BENCHMARK.sample(row, i), gold_answer(row)).scores["ast_accuracy"]
        for i, row in enumerate(rows)
    ]
    assert sum(right) / len(right) > 0.98


# ---- files ----


def write_files(directory: Path, version: str = "v4") -> None:
    (directory / "possible_answer").mkdir(parents=True)
    for category in CATEGORIES:
        v3 = version == "v3" and category == "simple_python"
        name = f"BFCL_{version}_{'simple' if v3 else category}.json"
        row = make_row(category)
        question = {k: row[k] for k in ("id", "question", "function")}
        (directory / name).write_text(json.dumps(question) + "\n\n", encoding="utf-8")
        if category in AST_CATEGORIES:
            answer = {"id": row["id"], "ground_truth": row["ground_truth"]}
            (directory / "possible_answer" / name).write_text(json.dumps(answer))


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_files_are_joined(tmp_path: Path, version: str) -> None:
    write_files(tmp_path / "data", version)
    assert read_rows(tmp_path / "data") == [make_row(category) for category in CATEGORIES]


def test_separators_inside_strings_do_not_split_lines(tmp_path: Path) -> None:
    write_files(tmp_path / "data")
    row = make_row("irrelevance")
    question = {"id": "i", "question": "a\u2028b", "function": row["function"]}
    file = tmp_path / "data" / "BFCL_v4_irrelevance.json"
    file.write_text(json.dumps(question, ensure_ascii=False), encoding="utf-8")
    assert "a\u2028b" in [r["question"] for r in read_rows(tmp_path / "data")]


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    write_files(directory)
    answers = directory / "possible_answer" / "BFCL_v4_live_simple.json"
    questions = directory / "BFCL_v4_live_irrelevance.json"

    for broken, message in (
        ('{"id": "live_simple_0"', "line 1"),
        ("\n[1]\n", "line 2"),
        ('{"ground_truth": []}', "has no id"),
        ('{"id": "other", "ground_truth": []}', "live_simple_0"),
    ):
        answers.write_text(broken)
        with pytest.raises(EvaluationError) as caught:
            read_rows(directory)
        assert message in str(caught.value) and answers.name in str(caught.value)

    answers.unlink()
    with pytest.raises(EvaluationError, match="cannot be read") as caught:
        read_rows(directory)
    assert str(answers) in str(caught.value)

    questions.unlink()
    write_files(tmp_path / "again")
    (tmp_path / "again" / questions.name).unlink()
    with pytest.raises(EvaluationError, match="'live_irrelevance' is missing"):
        read_rows(tmp_path / "again")


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    write_files(tmp_path / "data")
    (tmp_path / "data" / "BFCL_v4_multiple.json").write_bytes(b'{"id": "\xff\xfe"}')
    with pytest.raises(EvaluationError, match="not valid JSON") as caught:
        read_rows(tmp_path / "data")
    assert "BFCL_v4_multiple.json, line 1" in str(caught.value)


# ---- cross-check with the reference ----


def reference_checker() -> Any:
    """bfcl_eval's checker (never its decoder, which evaluates model output)."""
    pytest.importorskip("bfcl_eval")
    stub = ModuleType("bfcl_eval.constants.model_config")
    stub.__dict__["MODEL_CONFIG_MAPPING"] = {"m": SimpleNamespace(underscore_to_dot=False)}
    sys.modules.setdefault(stub.__name__, stub)
    for name in ("java", "js"):  # these need tree-sitter and are not used for Python
        converter = ModuleType(
            f"bfcl_eval.eval_checker.ast_eval.type_convertor.{name}_type_converter"
        )
        converter.__dict__[f"{name}_type_converter"] = None
        sys.modules.setdefault(converter.__name__, converter)
    from bfcl_eval.constants.enums import Language  # type: ignore[import-not-found, unused-ignore]
    from bfcl_eval.eval_checker.ast_eval.ast_checker import (  # type: ignore[import-not-found, unused-ignore]
        ast_checker,
    )

    def check(category: str, calls: list[Call], row: dict[str, Any]) -> bool:
        output = [{call.name: call.arguments} for call in calls]
        try:
            result = ast_checker(
                row["function"], output, row["ground_truth"], Language.PYTHON, category, "m"
            )
        except (AttributeError, TypeError, KeyError, OverflowError):
            return False  # it stumbles over some wrong types; that is no pass
        return bool(result["valid"])

    return check


def mutate(calls: list[Call], generator: random.Random) -> list[Call]:
    """Change one thing about some calls."""
    calls = [Call(c.name, dict(c.arguments)) for c in calls]
    kind = generator.randrange(6)
    chosen = generator.randrange(len(calls))
    arguments = calls[chosen].arguments
    if kind == 0:
        generator.shuffle(calls)
    elif kind == 1:
        calls[chosen] = Call(calls[chosen].name + "x", arguments)
    elif kind == 2:
        calls.append(generator.choice(calls))
    elif kind == 3 and arguments:
        arguments.pop(generator.choice(list(arguments)))
    elif arguments:
        name = generator.choice(list(arguments))
        arguments[name] = other_value(arguments[name], generator)
    return calls


def other_value(value: Any, generator: random.Random) -> Any:
    choices: list[Any] = [None, True, 0, 1.5, "x", "", [], [value], (value,), {}, {"a": value}]
    choices += [str(value), str(value).upper(), f"{value}."]
    if isinstance(value, int | float) and not isinstance(value, bool):
        choices += [int(value), float(value), value + 1]
    if isinstance(value, list):
        choices += [tuple(value), value[::-1], value[1:], [str(v) for v in value]]
        choices += [[other_value(v, generator) for v in value]]
    if isinstance(value, dict):
        choices += [{k: other_value(v, generator) for k, v in value.items()}, [value, value]]
        choices += [dict(list(value.items())[1:]), value | {"extra": 1}]
    return generator.choice(choices)


def test_checker_agrees_with_bfcl_eval() -> None:
    reference = reference_checker()
    generator = random.Random(0)
    rows = [r for r in bundled() + (hub_rows() if HUB.is_dir() else []) if r["ground_truth"]]
    for row in rows:
        gold = decode(gold_answer(row)).calls
        for calls in (gold, *(mutate(gold, generator) for _ in range(20))):
            ours = calls_match(calls, row["ground_truth"], row["function"])
            assert ours is reference(row["category"], calls, row), (row["id"], calls)
