"""The samples page and its data: text is never code, nothing is lost, special cases are said."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from evaluation.records import ContinuationScore, Result
from evaluation.reports import format as fmt
from evaluation.reports import links, sample_data
from evaluation.reports.digest import digests
from evaluation.reports.inputs import TierReport
from evaluation.reports.pages import samples as samples_page
from evaluation.reports.sample_data import ShownTurn, shown
from evaluation.reports.samples import VERDICTS, gold_choice, views
from evaluation.reports.site import TEMPLATES
from tests.reports.builders import HOSTILE, aggregate, hostile, result, sample, turn

SCRIPTS = ("sample_files", "sample_search", "sample_view", "sample_cell", "samples")
CALL = re.compile(r'takeSamples\(("(?:[ !#-\[\]-~]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*")\);\n')


def opened(path: Path) -> Any:
    """What a file hands to the page, which must be one call with one string and nothing else."""
    found = CALL.fullmatch(path.read_text(encoding="ascii"))
    assert found, path
    assert "<" not in found.group(1)
    return json.loads(json.loads(found.group(1)))


def write(made: Result, folder: Path) -> int:
    """Write a result's samples; returns the number of files with samples."""
    found = views(made)
    return sample_data.write(made, found, digests(found), folder)


def written(made: Result, folder: Path) -> tuple[list[Any], list[Any]]:
    """The rows and samples of a result, from its files."""
    n = write(made, folder)
    base = folder / links.cell_data(made.model, made.dataset)
    assert len(list(base.iterdir())) == n + 1
    chunks = [opened(base / sample_data.chunk_file(number)) for number in range(n)]
    rows = opened(base / "index.js")
    assert [row["chunk"] for row in rows] == [n for n, chunk in enumerate(chunks) for _ in chunk]
    return rows, [one for chunk in chunks for one in chunk]


def turns_of(made: Result) -> list[ShownTurn]:
    """The turns of a result's first sample as the page shows them."""
    return list(shown(views(made)[0], repeats=made.repeats).turns)


def strings(value: Any) -> list[str]:
    """All strings in parsed JSON."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in strings(one)]


# ---- data ----------------------------------------------------------------------------------


def test_hostile_text_comes_back_whole_and_visible(tmp_path: Path) -> None:
    rows, samples = written(hostile(), tmp_path)
    text = fmt.visible(HOSTILE)
    assert [(row["id"], row["category"]) for row in rows] == [(text, text)] * 4
    first = samples[0]
    (asked,) = first["turns"]
    assert (first["extracted"], first["gold"]) == (text, text)
    assert asked["prompt"] == [["prompt", text]]
    assert [asked[name] for name in ("response", "thinking", "error")] == [text] * 3
    assert samples[1]["reason"] == text
    assert samples[3]["judgments"][0]["response"] == text
    # What links call it is compared with a link and never shown.
    assert {row.pop("key")[:5] for row in rows} == {HOSTILE[:5]}
    assert not any(fmt.HIDDEN.search(one) for one in strings([rows, samples]))


def test_every_character_survives(tmp_path: Path) -> None:
    text = "</script><!--\\ \"'`${x}\n\t\r \u2028 é 中 \U0001f600 __proto__"
    _, (only,) = written(result(samples=[sample(0, extracted=text)]), tmp_path)
    assert only["extracted"] == fmt.visible(text)


def test_rows_have_verdicts_and_what_was_lost(tmp_path: Path) -> None:
    samples = [
        sample(0),
        sample(1, 0.0, extracted=None),
        sample(2, 0.5, turns=[turn(finish_reason="length", truncated_prompt_tokens=7)]),
        sample(3, None, status="not scored", reason="no judge"),
        sample(4, None, status="failed", reason="out of memory", turns=[turn("", error="boom")]),
        sample(5, None, status="unscorable", turns=[]),
        sample(6, scores={"hallucination_rate": 1.0, "irrelevance_accuracy": 0.0}),
        sample(7, scores={"hallucination_rate": 1.0}),
        sample(8, judgments=[turn("", error="no answer")]),
    ]
    rows, _ = written(result(samples=samples), tmp_path)
    assert [row["word"] for row in rows] == [
        *("right", "wrong", "partial 50.0%", "not scored", "failed", "unscorable", "wrong"),
        *("scored", "right"),
    ]
    assert {row["verdict"] for row in rows} == set(VERDICTS)
    assert "answer" not in rows[1]
    assert rows[2]["marks"] == ["answer truncated", "prompt truncated by 7 tokens"]
    assert [row["id"] for row in rows if row.get("error")] == ["item/4", "item/8"]
    assert rows[5]["reason"] == "no reason was recorded"
    assert (rows[0]["completion_tokens"], rows[0]["latency"]) == (6, "1.5 s")


def test_answers_in_the_list_are_cut_and_whole_in_the_sample(tmp_path: Path) -> None:
    long = "word " * 1000
    (row,), (whole,) = written(result(samples=[sample(0, extracted=long, gold=long)]), tmp_path)
    assert len(row["answer"]) == len(row["gold"]) == 160
    assert whole["extracted"] == whole["gold"] == long


def test_files_stay_below_their_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_data, "LIMIT", 4000)
    texts = ["é" * 100, "a" * 1500, "b" * 9000, "c" * 100, *["d" * 900] * 5]
    made = result(samples=[sample(n, turns=[turn(text)]) for n, text in enumerate(texts)])
    rows, samples = written(made, tmp_path)
    assert [one["turns"][0]["response"] for one in samples] == texts
    files = sorted((tmp_path / links.cell_data("m_one", "gsm8k")).glob("0*.js"))
    sizes = [file.stat().st_size for file in files]
    alone = rows[2]["chunk"]
    assert [row["chunk"] for row in rows].count(alone) == 1
    assert all(size <= 4000 + 25 for n, size in enumerate(sizes) if n != alone)
    assert len(files) < len(texts)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([], []), ([9], [[9]]), ([2, 2, 2], [[2, 2], [2]]), ([1, 9, 1], [[1], [9], [1]])],
)
def test_packing(sizes: list[int], expected: list[list[int]]) -> None:
    found = sample_data.packed(("x" * size for size in sizes), limit=5)
    assert [[len(piece) for piece in held] for held in found] == expected


def test_a_result_without_samples_has_an_empty_list(tmp_path: Path) -> None:
    made = result().model_copy(update={"samples": []})
    assert write(made, tmp_path) == 0
    assert opened(tmp_path / "samples/m_one/gsm8k/index.js") == []


def test_links_find_samples_of_any_name(tmp_path: Path) -> None:
    names = ["a/b c", "same", "same", "50% & more=less#1+1", "zero\u200bwidth", "\ud800half", ""]
    made = [sample(0).model_copy(update={"id": name}) for name in names]
    rows, _ = written(result(samples=made), tmp_path)
    keys = [row.get("key", row["id"]) for row in rows]
    assert len(set(keys)) == len(names)
    for place, name in enumerate(names):
        link = links.sample("m_one", "gsm8k", name).partition("#")[2]
        asked = parse_qs(link, keep_blank_values=True)["sample"]
        assert asked == [keys[1] if place == 2 else keys[place]], name
    assert [row["id"] for row in rows] == [fmt.visible(name) for name in names]
    # Only where it says something that the id does not.
    assert sum("key" in row for row in rows) == 3


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\x00b", "x" * 300, "\ud800"])
def test_files_of_odd_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "report"
    write(result(name, name), folder)
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    parts = [path.relative_to(folder).parts for path in found]
    assert {(len(one), one[0], one[3]) for one in parts} == {
        (4, "samples", "index.js"),
        (4, "samples", "000.js"),
    }
    assert all(links.NAME.fullmatch(part) for one in parts for part in one)


# ---- samples -------------------------------------------------------------------------------


def test_turns_and_attempts_are_named() -> None:
    three = [turn(f"attempt {n}", repeat=n) for n in range(3)]
    several = turns_of(result(samples=[sample(0, turns=three)], repeats=3))
    assert [one.name for one in several] == ["of attempt 1", "of attempt 2", "of attempt 3"]
    assert [one.name for one in turns_of(result(samples=[sample(0, turns=three[:2])]))] == [
        *("of turn 1", "of turn 2"),
    ]
    assert turns_of(result())[0].name == ""


def test_a_turn_says_how_it_went() -> None:
    made = turn(truncated_prompt_tokens=1, thinking_tokens=4, finish_reason="length")
    (one,) = turns_of(result(samples=[sample(0, turns=[made])]))
    assert one.facts == (
        *("finish: length", "12 prompt tokens", "6 generated tokens", "4 thinking tokens"),
        *("1 token cut from the prompt", "waited 1.5 s"),
    )


def test_a_prompt_has_its_roles() -> None:
    prompt = "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"
    (one,) = turns_of(result(samples=[sample(0, turns=[turn(prompt=prompt)])]))
    assert ("user", "How many?") in one.prompt
    assert "".join(text for _, text in one.prompt) == prompt


def test_choices_have_marks() -> None:
    scored = [ContinuationScore(text=str(p), logprob=p, tokens=2) for p in (-4.0, -1.0, -3.0)]
    made = turn("", continuations=scored, finish_reason="scored")
    (one,) = turns_of(result(samples=[sample(0, turns=[made])]))
    best = one.choices[1]
    assert (best.text, best.logprob, best.per_token, best.tokens) == ("-1.0", "-1.000", "-0.500", 2)
    assert [(c.best, c.gold) for c in one.choices] == [(False, False), (True, True), (False, False)]
    assert one.gold_known


def test_no_choice_is_highest_when_a_log_probability_is_not_a_number() -> None:
    broken = [ContinuationScore(logprob=p, tokens=1) for p in (float("nan"), -1.0)]
    made = sample(0, None, status="not scored", turns=[turn("", continuations=broken)])
    (one,) = turns_of(result(samples=[made]))
    assert [choice.logprob for choice in one.choices] == ["nan", "-1.000"]
    assert not any(choice.best or choice.gold for choice in one.choices)


@pytest.mark.parametrize(
    ("best", "texts", "scores", "extracted", "gold", "expected"),
    [
        (1, [""] * 4, {"acc": 1.0}, "the Sun", "the Sun", 1),
        (0, [""] * 2, {"acc": 0.0}, "a", "b", 1),
        (0, [" A", " B", " C", " D"], {"acc": 0.0}, "A", "C", 2),
        (0, [""] * 4, {"acc": 0.0}, "B", "C", None),
        (0, [" the Moon", " the Sun", " Mars"], {"acc": 0.0}, "the Moon", "the Sun", 1),
        (0, [" the Moon", " the Sun", " the Sun"], {"acc": 0.0}, "the Moon", "the Sun", None),
        (0, ["", "", ""], {"acc": 0.0}, "the Moon", "", None),
        (0, [" A", " B", " C", " D"], {}, "A", "Z", None),
    ],
)
def test_gold_is_marked_only_where_it_is_known(
    best: int,
    texts: list[str],
    scores: dict[str, float],
    extracted: str,
    gold: str,
    expected: int | None,
) -> None:
    assert gold_choice(best, texts, scores, extracted, gold) == expected


# ---- page ----------------------------------------------------------------------------------


class Parsed(HTMLParser):
    """Tags, policy, the hidden data and the text outside scripts of a page."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.policy = self.data = self.text = self.style = ""
        self.inside = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        assert not {name for name in found if name.startswith("on") or name == "style"}
        self.inside = "data" if found.get("id") == "tier-data" else tag
        if "default-src" in found.get("content", ""):
            self.policy = found["content"]

    def handle_data(self, data: str) -> None:
        if self.inside == "data":
            self.data += data
            self.inside = ""
        elif self.inside not in ("script", "style"):
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


def parsed(results: list[Result], files: dict[tuple[str, str], int], **how: Any) -> Parsed:
    models = how.get("models", list(dict.fromkeys(one.model for one in results)))
    datasets = how.get("datasets", list(dict.fromkeys(one.dataset for one in results)))
    return Parsed(samples_page.render(TierReport(aggregate(results, models, datasets)), files))


def test_the_page_knows_every_cell() -> None:
    results = [
        *(result(), result("m_two", source="mirror"), result(dataset="mmlu", source="bundled")),
    ]
    page = parsed(results, {("m_one", "gsm8k"): 3, ("m_one", "mmlu"): 0})
    tier = json.loads(page.data)
    assert [one["key"] for one in tier["models"]] == ["m_one", "m_two"]
    assert [one["name"] for one in tier["datasets"]] == ["GSM8K", "MMLU"]
    found = {(c["model"], c["dataset"]): c for c in tier["cells"]}
    assert {key: c["files"] for key, c in found.items()} == {(0, 0): 3, (1, 0): None, (0, 1): 0}
    cell = found[0, 0]
    assert cell["folder"] == "samples/m_one/gsm8k"
    assert cell["score"] == "70.0%"
    about = " ".join(cell["about"])
    for text in ("70.0% acc", "58.3\u201379.5% (95% Wilson)", "chat, 0-shot", "2 samples"):
        assert text in about
    assert "not the benchmark" in found[0, 1]["note"]
    assert cell["note"] == ""
    assert found[1, 0]["note"] == "The rows are a local mirror of the Hub dataset."


def test_a_cell_that_is_not_scored_says_why() -> None:
    made = result(counts={"scored": 0})
    none = made.scores[0].model_copy(
        update={"value": None, "n": 0, "reason": "not scored: no judge is configured"}
    )
    made = made.model_copy(update={"scores": [none]})
    (cell,) = json.loads(parsed([made], {}).data)["cells"]
    assert cell["score"] == "not scored"
    assert cell["about"][0] == "not scored: no judge is configured"


def test_an_empty_tier_renders() -> None:
    page = parsed([], {}, models=["m_one"], datasets=["gsm8k"])
    assert json.loads(page.data)["cells"] == []
    assert "m_one" in page.text


def test_the_policy_trusts_only_what_the_page_adds() -> None:
    policy = parsed([result()], {}).policy
    scripts = next(one for one in policy.split("; ") if one.startswith("script-src"))
    hashes = r"('sha256-[A-Za-z0-9+/]{43}=' ){6}"
    assert re.fullmatch(rf"script-src {hashes}'strict-dynamic'", scripts)
    assert "require-trusted-types-for 'script'; trusted-types samples;" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_hostile_names_are_only_text() -> None:
    page = parsed([hostile()], {}, models=["m_one", HOSTILE], datasets=["gsm8k", "</div>"])
    assert page.tags.count("script") == 6
    assert not {"img", "iframe", "object", "link", "base"} & set(page.tags)
    tier = json.loads(page.data)
    assert tier["models"][1]["name"] == fmt.visible(HOSTILE)
    assert tier["models"][1]["key"] == HOSTILE.replace("\ud800", "?")
    assert fmt.visible(HOSTILE).strip() in page.text


def test_without_scripts_the_page_says_what_is_missing() -> None:
    page = parsed([result()], {})
    assert "noscript" in page.tags
    assert "needs JavaScript" in page.text
    assert "results/quick/MODEL/DATASET.json" in page.text


def test_every_verdict_can_be_picked() -> None:
    source = samples_page.render(TierReport(aggregate([], [], [])), {})
    for kind in ("all", *VERDICTS, "truncated", "error"):
        assert f'name="kind" value="{kind}"' in source


def test_scripts_use_ids_that_are_there_and_no_way_to_run_text() -> None:
    page = parsed([result()], {})
    assert len(page.ids) == len(set(page.ids))
    for name in SCRIPTS:
        script = (TEMPLATES / "scripts" / f"{name}.js").read_text(encoding="utf-8")
        used = set(re.findall(r'(?:by|getElementById)\("([a-z-]+)"\)', script))
        assert used <= set(page.ids), name
        risky = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|fetch\("
        assert not re.search(risky, script), name
