"""The cross-check's own code: which rows, which texts, what counts as agreement, what is said."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from pydantic import ValidationError

from crosscheck import compare, exchange, explanations, report, texts_calls, texts_programs
from crosscheck.__main__ import conclude
from crosscheck.cells import ANSWERED, LOGLIKELIHOOD, PROMPTS, SCORED, Cell, rows_of, spread
from crosscheck.comparison import Comparison, Disagreement
from crosscheck.exchange import Asked, Exchange, Generated, Likelihoods, Text, Verdict, Versions
from evaluation.benchmarks.bfcl_checker import calls_match
from evaluation.benchmarks.bfcl_decoder import decode
from evaluation.benchmarks.bfcl_rows import BfclRow
from evaluation.benchmarks.humaneval import HumanevalRow
from evaluation.errors import EvaluationError

ROOT = Path(__file__).resolve().parents[1]
CELL = Cell("arc_challenge", 0, "arc_challenge")


# ---- rows ----


@given(st.integers(1, 5000), st.integers(1, 300))
def test_chosen_rows_are_different_places_in_order(total: int, wanted: int) -> None:
    places = spread(total, wanted)
    assert len(places) == min(total, wanted)
    assert places == sorted(set(places))
    assert 0 <= places[0] <= places[-1] < total


def test_rows_that_take_longer_are_fewer() -> None:
    sizes = [
        len(rows_of(Cell(dataset, shots, dataset), 400, 40))
        for dataset, shots in (("arc_challenge", 0), ("arc_challenge", 5), ("gsm8k", 5))
    ]
    assert sizes == [40, 20, 10]


def test_every_answered_cell_is_also_compared_by_its_requests() -> None:
    assert set(ANSWERED) <= set(PROMPTS)
    assert set(LOGLIKELIHOOD) <= set(ANSWERED)
    assert len({cell.name for cell in PROMPTS}) == len(PROMPTS)


# ---- exchange ----


@given(st.text(), st.text())
def test_texts_survive_the_exchange(
    tmp_path_factory: pytest.TempPathFactory, a: str, b: str
) -> None:
    path = tmp_path_factory.mktemp("exchange") / "texts.jsonl"
    texts = [Text(index=i, id="x", kind="k", text=t) for i, t in enumerate((a, b))]
    exchange.write(path, texts)
    assert exchange.read(path, Text) == texts


def test_a_line_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text('{"extracted": null, "scores": {}, "more": 1}\n', encoding="utf-8")
    with pytest.raises(ValidationError, match="more"):
        exchange.read(path, Verdict)


# ---- comparison ----


def test_requests_agree_only_byte_for_byte() -> None:
    mine = [Asked(index=i, contexts=[f"question {i}"], stop=["\n"], max_tokens=5) for i in range(3)]
    theirs = [
        mine[0],
        mine[1].model_copy(update={"contexts": ["question 1 "]}),
        mine[2].model_copy(update={"max_tokens": 6}),
    ]
    found = compare.requests(CELL, mine, theirs)
    assert (found.compared, found.equal) == (3, 1)
    assert [one.id for one in found.differing] == ["row 1", "row 2"]


def test_a_row_that_only_one_side_asks_about_is_a_difference() -> None:
    asked = [Asked(index=i, contexts=["q"]) for i in range(2)]
    found = compare.requests(CELL, asked[:1], asked)
    assert (found.compared, found.equal) == (2, 1)
    assert found.differing[0].ours == "(no request)"


def likelihoods(*values: float, acc: float = 1.0, acc_norm: float = 1.0) -> list[Likelihoods]:
    return [Likelihoods(index=0, values=list(values), scores={"acc": acc, "acc_norm": acc_norm})]


ASKED = [Asked(index=0, contexts=["q"], continuations=[" long answer", " short"])]


def test_values_may_differ_where_choices_and_scores_do_not() -> None:
    found = compare.choices(CELL, likelihoods(-1.0, -3.0), likelihoods(-1.2, -3.0), ASKED)
    assert (found.same_choice, found.same_scores) == (1, 1)
    assert found.largest == pytest.approx(0.2)
    assert not found.differing
    assert not found.ties


def test_another_choice_is_a_difference_unless_both_are_tied() -> None:
    theirs = likelihoods(-1.0, -1.5)
    assert compare.choices(CELL, likelihoods(-1.5, -1.0), theirs, ASKED).differing
    tied = compare.choices(
        CELL,
        likelihoods(-1.00002, -1.00001, acc=0.0),
        likelihoods(-1.00001, -1.00002, acc=1.0),
        ASKED,
    )
    assert not tied.differing
    assert (tied.same_choice, tied.same_scores) == (0, 0)
    assert [(tie.metric, round(tie.margin, 7)) for tie in tied.ties] == [("acc", 1e-5)]


def test_another_choice_by_length_counts_too() -> None:
    # By sums both prefer the second; by sums per character (11 and 5), only the reference.
    found = compare.choices(CELL, likelihoods(-5.0, -4.0), likelihoods(-5.0, -2.0), ASKED)
    assert [one.aspect for one in found.differing] == ["choice"]


def test_other_scores_for_the_same_choice_are_a_difference() -> None:
    found = compare.choices(CELL, likelihoods(-1.0, -3.0, acc=0.0), likelihoods(-1.0, -3.0), ASKED)
    assert [one.aspect for one in found.differing] == ["score"]


def test_sides_that_answered_other_rows_cannot_be_compared() -> None:
    mine, theirs = [Generated(index=0, text="a")], [Generated(index=1, text="a")]
    with pytest.raises(EvaluationError, match="other rows"):
        compare.answers(CELL, mine, theirs)


def test_extraction_and_scores_are_compared_apart() -> None:
    texts = [Text(index=0, id=f"s{i}", kind="k", text="") for i in range(3)]
    ours = [Verdict(extracted="5", scores={"a": 1.0, "b": 0.0}) for _ in texts]
    reference = [
        ours[0],
        Verdict(extracted="6", scores=ours[0].scores),
        Verdict(extracted="5", scores={"a": 1.0, "b": 1.0}),
    ]
    found = compare.verdicts("gsm8k", texts, ours, reference)
    assert (found.same_extraction, found.same_scores, found.right) == (2, 2, 3)
    assert [(one.id, one.aspect) for one in found.differing] == [
        ("s1", "extraction"),
        ("s2", "score"),
    ]
    assert (found.differing[1].ours, found.differing[1].reference) == ("{'b': 0.0}", "{'b': 1.0}")


def test_a_missing_verdict_is_an_error_and_not_agreement() -> None:
    texts = [Text(index=0, id="s", kind="k", text="")]
    with pytest.raises(EvaluationError, match="1 texts"):
        compare.verdicts("gsm8k", texts, [], [])


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_shown_part_of_a_difference_differs(a: str, b: str) -> None:
    ours, reference = compare.first_difference(a, b)
    assert (ours == reference) == (a == b)
    assert a.endswith(ours)
    assert b.endswith(reference)


# ---- explanations and report ----


def difference(**changes: str) -> Disagreement:
    given = {"dataset": "bfcl", "aspect": "score", "id": "multiple_3", "kind": "semicolon"}
    shown = {"ours": "{'correct': 1.0}", "reference": "{'correct': 0.0}"}
    return Disagreement.model_validate(given | shown | changes)


def test_an_explanation_covers_what_it_names_and_nothing_else() -> None:
    assert explanations.explain(difference()) is not None
    assert explanations.explain(difference(kind="gold")) is None
    assert explanations.explain(difference(dataset="gsm8k")) is None
    # The explanation is that ours finds more, so it is none where the reference finds more.
    assert explanations.explain(difference(ours="", reference="{'correct': 1.0}")) is None
    extracted = difference(kind="unpacked dictionary", aspect="extraction")
    assert explanations.explain(extracted) is not None
    assert explanations.explain(extracted.model_copy(update={"aspect": "score"})) is None


def test_no_explanation_covers_a_whole_dataset_or_the_gold_answers() -> None:
    for one in explanations.EXPLANATIONS:
        assert one.dataset in SCORED
        assert one.ids or one.kinds
        assert one.ids or "gold" not in one.kinds


def comparison(*differing: Disagreement) -> Comparison:
    texts = [Text(index=0, id="s", kind="k", text="")]
    verdicts = [Verdict(extracted="5", scores={"a": 1.0})]
    part = compare.verdicts("bfcl", texts, verdicts, verdicts)
    return Comparison(
        requests=[compare.requests(CELL, ASKED, ASKED)],
        choices=[compare.choices(CELL, likelihoods(-1.0, -3.0), likelihoods(-1.0, -3.0), ASKED)],
        answers=[],
        verdicts=[part.model_copy(update={"differing": list(differing)})],
    )


FACTS = report.Facts(
    date="2026-01-01",
    model="a model",
    rows=40,
    ours=Versions(packages={"torch": "1"}),
    reference=Versions(packages={"lm_eval": "2"}),
)


def test_the_report_explains_what_it_can_and_names_the_rest() -> None:
    page = report.render(comparison(difference(), difference(kind="gold")), FACTS)
    assert "there are 2 differences; 1 are explained below, **1 are not**" in page
    assert "| bfcl | Python fence, text before, text after, semicolon | 1 |" in page
    assert "- bfcl, score, gold: 1" in page
    assert """multiple_3: ours "{'correct': 1.0}", reference "{'correct': 0.0}\"""" in page


@pytest.mark.parametrize(("kind", "code"), [("semicolon", 0), ("gold", 1)])
def test_only_an_unexplained_disagreement_ends_in_failure(
    tmp_path: Path, kind: str, code: int
) -> None:
    page = tmp_path / "fidelity.md"
    assert conclude(comparison(difference(kind=kind)), FACTS, page) == code
    assert ("without an explanation" in page.read_text(encoding="utf-8")) == bool(code)


def test_a_report_of_full_agreement_has_no_disagreements() -> None:
    page = report.render(comparison(), FACTS)
    assert "## Disagreements" not in page
    assert "| arc_challenge, 0-shot | 1 | all 1 |" in page
    assert page == report.render(comparison(), FACTS)


def test_the_report_is_a_table_in_every_line_of_a_table() -> None:
    page = report.render(comparison(difference()), FACTS)
    for block in re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


# ---- texts ----

CALL = BfclRow.model_validate(
    {
        "id": "simple_python_0",
        "category": "simple_python",
        "question": [[{"role": "user", "content": "Dim the lamp in the hall."}]],
        "function": [
            {
                "name": "lamp.dim",
                "description": "Dim a lamp.",
                "parameters": {
                    "type": "dict",
                    "properties": {
                        "room": {"type": "string"},
                        "percent": {"type": "integer"},
                        "hours": {"type": "array", "items": {"type": "integer"}},
                        "style": {"type": "dict"},
                        "slow": {"type": "boolean"},
                    },
                    "required": ["room", "percent"],
                },
            }
        ],
        "ground_truth": [
            {
                "lamp.dim": {
                    "room": ["hall", "the hall"],
                    "percent": [40],
                    "hours": ["", [1, 2]],
                    "style": [{"colour": ["red", "blue"]}],
                    "slow": ["", True],
                }
            }
        ],
    }
)


def right(text: str) -> bool:
    return calls_match(decode(text).calls, CALL.ground_truth, CALL.function)


def test_accepted_calls_are_right_and_changes_of_meaning_are_wrong() -> None:
    texts = texts_calls.calls(CALL, changed=True)
    for kind in ("gold", "accepted value 2", "accepted value 3", "arguments reversed", "spaces"):
        assert right(texts[kind]), (kind, texts[kind])
    for kind in ("other string", "other integer", "other function", "call repeated", "empty"):
        assert not right(texts[kind]), (kind, texts[kind])


def test_there_are_many_kinds_of_changed_calls_and_they_differ_from_gold() -> None:
    texts = texts_calls.calls(CALL, changed=True)
    assert len(texts_calls.CHANGES) >= 10
    changed = [kind for kind in texts_calls.CHANGES if kind in texts]
    assert len(changed) > len(texts_calls.CHANGES) / 2
    assert [kind for kind in changed if texts[kind] == texts["gold"]] == []


def test_a_change_that_does_not_apply_makes_no_text() -> None:
    assert "float as integer" not in texts_calls.calls(CALL, changed=True)


def test_unchanged_rows_have_only_accepted_calls() -> None:
    assert set(texts_calls.calls(CALL, changed=False)) == {
        "gold",
        "accepted value 2",
        "accepted value 3",
    }


FUNCTION = HumanevalRow(
    task_id="HumanEval/0",
    entry_point="more",
    prompt='def more(n: int) -> int:\n    """ Ten more. """\n',
    canonical_solution="    return n + 10\n",
    test="def check(candidate):\n    assert candidate(1) == 11\n",
)


def test_only_programs_from_the_dataset_are_marked_to_be_run() -> None:
    few = texts_programs.humaneval(0, "HumanEval/0", FUNCTION, changed=False)
    assert [text.kind for text in few if text.run] == ["gold"]
    many = texts_programs.humaneval(0, "HumanEval/0", FUNCTION, changed=True)
    assert {"gold", "raises", "other number"} <= {text.kind for text in many if text.run}
    assert not any(text.run for text in many if text.kind in ("cut off", "then main", "empty"))


def test_texts_are_not_run_unless_they_say_so() -> None:
    assert Text(index=0, id="x", kind="k", text="print(1)").run is False


@given(st.integers(0, 10**6))
def test_the_last_number_of_a_program_is_changed(number: int) -> None:
    changed = texts_programs.other_number(f"x1 = 2\nreturn x1 + {number} - a2.5")
    assert changed == f"x1 = 2\nreturn x1 + {number + 1} - a2.5"


def test_a_program_without_a_number_stays_as_it_is() -> None:
    assert texts_programs.other_number("return x1") == "return x1"


# ---- the two environments ----


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_the_reference_side_imports_nothing_of_this_project() -> None:
    for path in (ROOT / "crosscheck").glob("reference_*.py"):
        ours = {name for name in imported(path) if name.startswith(("evaluation", "crosscheck."))}
        shared = {"crosscheck.cells", "crosscheck.exchange"}
        assert {
            name for name in ours if not name.startswith((*shared, "crosscheck.reference_"))
        } == set(), path.name
    for name in ("cells.py", "exchange.py"):
        assert not any(n.startswith("evaluation") for n in imported(ROOT / "crosscheck" / name))


def test_the_reference_environment_is_pinned_and_agrees_with_ours() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        for line in lines:
            assert re.fullmatch(r"[A-Za-z0-9][\w.-]*==\d+(\.\d+)*(\.post\d+|[a-z]+\d+)?", line), (
                line
            )
        found: dict[str, str] = {
            canonicalize_name(n): v for n, _, v in (line.partition("==") for line in lines)
        }
        assert len(found) == len(lines)
        return found

    reference, constraints = pins("crosscheck.txt"), pins("constraints.txt")
    shared = reference.keys() & constraints.keys()
    assert {"torch", "transformers", "math-verify", "nltk"} <= shared
    assert {name: reference[name] for name in shared} == {n: constraints[n] for n in shared}


def test_files_of_the_two_sides_do_not_collide(tmp_path: Path) -> None:
    places = Exchange(tmp_path)
    files = [
        place(side, "gsm8k")
        for place in (places.asked, places.answered, places.verdicts)
        for side in ("ours", "reference")
    ]
    assert len({*files, places.texts("gsm8k")}) == len(files) + 1
