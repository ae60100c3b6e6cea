"""The report: hostile text is inert, every special case appears in words, links resolve."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

from evaluation.errors import EvaluationError
from evaluation.records import (
    Aggregate,
    CategoryScore,
    Cell,
    ContinuationScore,
    Counts,
    Hardware,
    Interval,
    JudgeFacts,
    Performance,
    Provenance,
    Result,
    SampleResult,
    Score,
    Session,
    SourceKind,
    Turn,
)
from evaluation.reports import format as fmt
from evaluation.reports import render_report
from evaluation.reports.render import environment, render_samples, style_hash
from evaluation.reports.samples import VERDICTS, gold_choice

HOSTILE = (
    "\nfirst <script>alert(1)</script></pre></details><img src=x onerror=alert(2)>"
    " {{ 7*7 }} {% for %} \"onfocus='x' &lt; \x00 \x1b[0m \u202eevil\u202c \u200b \ud800 end"
)
VOID = {"meta", "input", "img", "br", "hr", "link"}
HARDWARE = Hardware(
    platform="Linux-6.1", processor="x86", cores=16, memory=64 << 30, device="cpu", device_memory=0
)


def session(model: str, key: str) -> Session:
    return Session(
        id=key,
        model=model,
        revision="b968826d9c46dd6066d109eabc6255188de91218",
        preset="balanced",
        engine="transformers",
        engine_revision=3,
        dtype="bfloat16",
        exact=False,
        started="2025-01-01T10:00:00Z",
        load_seconds=10.0,
        packages={"torch": "2.9.0"},
        hardware=HARDWARE,
        notes=["flash attention is not installed"],
    )


def turn(response: str = "The answer is 18", **changes: Any) -> Turn:
    base: dict[str, Any] = {
        "prompt": "How many?",
        "response": response,
        "finish_reason": "stop",
        "prompt_tokens": 12,
        "completion_tokens": 6,
        "thinking_tokens": 0,
        "truncated_prompt_tokens": 0,
        "latency_seconds": 1.5,
    }
    return Turn(**(base | changes))


def sample(number: int, value: float | None = 1.0, **changes: Any) -> SampleResult:
    base: dict[str, Any] = {
        "id": f"item/{number}",
        "category": "algebra",
        "turns": [turn()],
        "extracted": "18",
        "gold": "18",
        "scores": {} if value is None else {"acc": value},
        "status": "scored",
    }
    return SampleResult(**(base | changes))


def result(
    model: str = "m_one",
    dataset: str = "gsm8k",
    *,
    source: SourceKind = "hub",
    scores: list[Score] | None = None,
    samples: list[SampleResult] | None = None,
    counts: dict[str, int] | None = None,
    **changes: Any,
) -> Result:
    found = samples or [sample(0), sample(1, 0.0)]
    names = ("failed", "not_scored", "truncated_answers", "truncated_prompts", "thinking")
    numbers = {
        "requested": len(found),
        "samples": len(found),
        "scored": len(found),
        **dict.fromkeys(names, 0),
        **(counts or {}),
    }
    primary = Score(
        metric="acc",
        value=0.7,
        n=60,
        primary=True,
        chance=0.25,
        interval=Interval(low=0.583, high=0.795, method="Wilson"),
    )
    base: dict[str, Any] = {
        "model": model,
        "dataset": dataset,
        "title": dataset.upper(),
        "tier": "quick",
        "protocol": "chat",
        "few_shot": 0,
        "scores": scores or [primary],
        "categories": [CategoryScore(category="algebra", value=0.5, n=2)],
        "counts": Counts(**numbers),
        "flags": [],
        "samples": found,
        "performance": Performance(
            load_seconds=10.0,
            loads=1,
            engine_seconds=2.0,
            prompt_tokens=1200,
            completion_tokens=300,
            tokens_per_second=150.0,
            peak_memory=3 << 30,
        ),
        "provenance": Provenance(
            model_id=f"org/{model}",
            model_revision="b968826d9c46dd6066d109eabc6255188de91218",
            model_licence="Apache-2.0",
            model_fingerprint="ab" * 32,
            dataset_source=source,
            dataset_location="openai/gsm8k",
            dataset_revision="740312add88f781978c0658806c59bc2815b9866",
            dataset_fingerprint="cd" * 32,
            preset="balanced",
            seed=1234,
            sessions=[session(model, f"{model}-1")],
            packages={"jinja2": "3.1.6"},
            git_commit="0123456789abcdef0123456789abcdef01234567",
            git_dirty=True,
            hardware=HARDWARE,
            scored="2025-01-01T12:00:00Z",
        ),
    }
    # Lone surrogates pass no validation, but a report must survive whatever a record holds.
    return Result.model_construct(**(base | changes))


def hostile() -> Result:
    """A result with hostile text in every place that a model or a dataset fills."""
    bad = Turn.model_construct(
        **turn().model_dump() | {"prompt": HOSTILE, "response": HOSTILE, "thinking": HOSTILE},
    )
    bad = bad.model_copy(update={"error": HOSTILE})
    text = {"id": HOSTILE, "category": HOSTILE, "extracted": HOSTILE, "gold": HOSTILE}
    whole = sample(0).model_copy(update={**text, "turns": [bad]})
    failed = whole.model_copy(update={"status": "failed", "reason": HOSTILE, "scores": {}})
    unscorable = failed.model_copy(update={"status": "unscorable", "turns": []})
    judged = whole.model_copy(update={"judgments": [bad]})
    made = result(
        samples=[whole, failed, unscorable, judged],
        title=HOSTILE,
        flags=[HOSTILE],
        judge=judge(id=HOSTILE, revision=HOSTILE, name=HOSTILE),
    )
    score = made.scores[0].model_copy(update={"metric": HOSTILE})
    provenance = made.provenance.model_copy(
        update={"model_id": HOSTILE, "dataset_location": HOSTILE, "dataset_source": "bundled"}
    )
    category = made.categories[0].model_copy(update={"category": HOSTILE})
    return made.model_copy(
        update={"scores": [score], "provenance": provenance, "categories": [category]}
    )


def aggregate(results: list[Result], models: list[str], datasets: list[str]) -> Aggregate:
    fields = set(Cell.model_fields)
    cells = [
        Cell.model_construct(**{k: v for k, v in r.__dict__.items() if k in fields})
        for r in results
    ]
    return Aggregate.model_construct(
        tier="quick", models=models, datasets=datasets, cells=cells, schema_version=1
    )


class Page(HTMLParser):
    """Elements, attributes, ids, links and text of a page; fails on unbalanced elements."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.style = ""
        self.blocks: list[str] = []
        self.flags: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, k, v or "") for k, v in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "pre":
            self.blocks.append("")
        if tag == "li":
            self.flags.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], (tag, self.open, self.getpos())
        self.open.pop()
        if tag not in ("bdi", "span", "code", "pre", "style"):
            self.text += " "

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
            return
        if "pre" in self.open:
            self.blocks[-1] += data
        if "li" in self.open:
            self.flags[-1] += data
        self.text += data

    def values(self, name: str) -> list[str]:
        return [v for _, k, v in self.attributes if k == name]

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def write(folder: Path, results: list[Result], models: list[str], datasets: list[str]) -> Page:
    path = render_report(aggregate(results, models, datasets), iter(results), folder)
    return Page(path.read_text(encoding="utf-8"))


def pages(folder: Path) -> list[tuple[Path, Page]]:
    return [(p, Page(p.read_text(encoding="utf-8"))) for p in sorted(folder.rglob("*.html"))]


# ---- safety --------------------------------------------------------------------------------


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    bad = hostile()
    write(tmp_path, [bad], ["m_one"], ["gsm8k"])
    found = pages(tmp_path)
    assert len(found) == 2
    for path, page in found:
        assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(page.tags)
        names = {k for _, k, _ in page.attributes}
        assert not {n for n in names if n.startswith("on") or n in ("style", "src", "srcdoc")}
        assert "{{ 7*7 }}" in page.text
        assert "<script>alert(1)</script>" in page.text
        raw = path.read_text(encoding="utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", raw)
        assert "␀" in page.text
        assert "⟨U+202E⟩evil⟨U+202C⟩" in page.text
        assert "␛[0m" in page.text
        assert "⟨U+D800⟩" in page.text


def test_blocks_keep_every_character(tmp_path: Path) -> None:
    page = Page(render_samples(hostile()))
    whole = "\n" + fmt.visible(HOSTILE)  # the first line feed is the one that browsers drop
    assert page.blocks.count(whole) >= 8
    assert all(block.startswith("\n") for block in page.blocks)


def test_policy_allows_the_style_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, [result()], ["m_one"], ["gsm8k"])
    for _, page in pages(tmp_path):
        digest = b64encode(sha256(page.style.encode()).digest()).decode()
        policy = next(v for v in page.values("content") if "default-src" in v)
        assert f"style-src 'sha256-{digest}'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert style_hash() == f"sha256-{digest}"
        assert page.tags.count("style") == 1
        assert "url(" not in page.style
        assert "@import" not in page.style
        assert not any(
            v.startswith(("http:", "https:", "//", "data:")) for v in page.values("href")
        )


def test_pages_are_accessible(tmp_path: Path) -> None:
    write(tmp_path, [result()], ["m_one"], ["gsm8k"])
    for _, page in pages(tmp_path):
        assert ("html", "lang", "en") in page.attributes
        assert page.tags.count("table") == page.tags.count("caption")
        assert page.tags.count("th") == sum(
            t == "th" and k == "scope" for t, k, _ in page.attributes
        )
        ids = page.values("id")
        assert len(ids) == len(set(ids))
        assert set(page.values("aria-labelledby")) <= set(ids)


def test_undefined_variables_are_errors() -> None:
    with pytest.raises(UndefinedError):
        environment().get_template("index.html").render()
    assert environment() is environment()


def test_templates_mark_nothing_as_safe() -> None:
    for path in (Path(fmt.__file__).parent / "templates").iterdir():
        assert not re.search(r"\|\s*safe|autoescape", path.read_text(encoding="utf-8")), path


# ---- content -------------------------------------------------------------------------------


def test_links_resolve(tmp_path: Path) -> None:
    results = [result(m, d) for m in ("m_one", "m-2.5") for d in ("gsm8k", "mmlu")]
    write(tmp_path, results, ["m_one", "m-2.5"], ["gsm8k", "mmlu"])
    found = pages(tmp_path)
    assert len(found) == 5
    targets = set()
    for path, page in found:
        for href in page.values("href"):
            file, _, anchor = href.partition("#")
            target = (path.parent / file).resolve() if file else path.resolve()
            assert target.is_file(), href
            targets.add(target)
            assert not anchor or anchor in page.values("id")
    assert {p.resolve() for p, _ in found} <= targets


def test_a_score_is_shown_with_its_interval_and_n(tmp_path: Path) -> None:
    page = write(tmp_path, [result()], ["m_one"], ["gsm8k"])
    for text in ("70.0%", "58.3\u201379.5% n 60", "chance 25.0%", "chat, 0-shot", "95% Wilson"):
        assert text in page.words
    assert ("td", "class", "h7") in page.attributes
    for text in ("quick tier", "1 model", "1 of 1 cell", "org/m_one", "b968826d9c46", "Apache-2.0"):
        assert text in page.words
    assert "0123456789ab (with uncommitted changes)" in page.words
    assert "no average" in page.words


def test_special_cases_appear_in_words(tmp_path: Path) -> None:
    none = Score(
        metric="rating", value=None, n=0, primary=True, reason="not scored: no judge is configured"
    )
    low = Score(
        metric="acc",
        value=0.3,
        n=8,
        primary=True,
        chance=0.25,
        interval=Interval(low=0.1, high=0.6, method="Wilson"),
    )
    results = [
        result(
            "m_one",
            "mt_bench",
            scores=[none],
            counts={"scored": 0, "not_scored": 2},
            flags=["not scored: no judge is configured"],
        ),
        result(
            "m_one",
            "gsm8k",
            source="bundled",
            scores=[low],
            counts={"requested": 20, "failed": 1, "truncated_answers": 3, "truncated_prompts": 1},
            title="bundled samples in the form of GSM8K",
            flags=[
                "bundled samples, not the benchmark",
                "2 of 20 samples: the dataset has no more",
                "self-judged",
                "3 truncated answers",
                "1 truncated prompts",
            ],
        ),
        result("m_one", "mmlu", source="mirror", flags=["local mirror"]),
        result("m_two", "mmlu", source="mirror", scores=[none], counts={"failed": 2, "scored": 0}),
    ]
    page = write(tmp_path, results, ["m_one", "m_two"], ["mt_bench", "gsm8k", "mmlu"])
    for text in (
        "not scored: samples of m_one on MT_BENCH no judge is configured n 0 of 2",
        "bundled samples (our own writing in the form of GSM8K), not the benchmark",
        "1 dataset is not the benchmark.",
        "local mirror of the Hub dataset",
        "2 cells are missing",
        "missing not in this aggregate",
        "2 of 20 samples: the dataset has no more 3 truncated answers 1 truncated prompt 1 failed",
        "interval includes chance self-judged",
        "failed: samples of m_two on MMLU",
        "4 of 6 cells",
    ):
        assert text in page.words, text
    flags = page.flags
    assert flags.count("3 truncated answers") == 1
    assert not {"local mirror", "not scored: no judge is configured"} & set(flags)
    assert "not scored: not scored" not in page.words
    assert not [f for f in flags if "benchmark" in f]
    bundled = Page((tmp_path / "samples/m_one/gsm8k.html").read_text(encoding="utf-8"))
    assert "in the form of GSM8K), not the benchmark" in bundled.words


def test_samples_show_their_verdicts() -> None:
    three = [ContinuationScore(logprob=p, tokens=2) for p in (-4.0, -1.0, -3.0)]
    samples = [
        sample(0),
        sample(1, 0.0, extracted=None),
        sample(2, 0.5, turns=[turn(finish_reason="length", truncated_prompt_tokens=7)]),
        sample(3, None, status="not scored", reason="no judge"),
        sample(4, None, status="failed", reason="out of memory", turns=[turn("", error="boom")]),
        sample(8, None, status="unscorable", reason="row 8: wrong columns", turns=[]),
        sample(9, None, status="unscorable", turns=[]),
        sample(6, scores={"hallucination_rate": 1.0, "irrelevance_accuracy": 0.0}),
        sample(7, scores={"hallucination_rate": 1.0}),
        sample(5, 1.0, turns=[turn("", continuations=three, finish_reason="scored")]),
    ]
    page = Page(render_samples(result(samples=samples)))
    for text in (
        "✓ right item/0 algebra answer 18 gold 18",
        "✗ wrong item/1 algebra answer nothing extracted gold 18",
        "◐ partial 50.0% item/2 algebra answer truncated prompt truncated by 7 tokens",
        "○ not scored item/3 algebra no judge",
        "! failed item/4 algebra out of memory",
        "∅ unscorable item/8 algebra row 8: wrong columns",
        "∅ unscorable item/9 algebra no reason was recorded",
        "2 highest gold -1.000 -0.500 2",
        "finish: length",
        "Error boom",
        "✗ wrong item/6",
        "• scored item/7",
        "all 10",
        "right 2",
        "unscorable 2",
        "truncated 1",
    ):
        assert text in page.words, text


def test_every_kind_of_sample_can_be_picked() -> None:
    """A choice without its line of style would show all samples."""
    page = Page(render_samples(result()))
    for kind in (*VERDICTS, "truncated"):
        rule = f"main:has(#show-{kind}:checked) .sample:not(.{kind})"
        assert rule in page.style, kind


def test_samples_that_cannot_be_scored_are_counted_on_both_pages(tmp_path: Path) -> None:
    bad = sample(2, None, status="unscorable", reason="row 2: wrong columns", turns=[])
    found = result(
        samples=[sample(0), sample(1, 0.0), bad],
        counts={"scored": 2, "unscorable": 1},
        flags=["1 unscorable"],
    )
    page = write(tmp_path, [found], ["m_one"], ["gsm8k"])
    header = "Model Asked for Samples Scored Not scored Unscorable Failed"
    assert header in page.words
    assert "m_one 3 3 2 0 1 0 0 0 0" in page.words
    assert page.flags.count("1 unscorable") == 1
    detail = Page((tmp_path / "samples/m_one/gsm8k.html").read_text(encoding="utf-8"))
    assert "3 of 3 asked for; 2 scored, 0 not scored, 1 unscorable, 0 failed" in detail.words


def test_several_attempts_are_named_and_numbered() -> None:
    three = [turn(f"attempt {n}", repeat=n) for n in range(3)]
    page = Page(render_samples(result(samples=[sample(0, turns=three)], repeats=3)))
    assert "chat, 0-shot, 3 attempts each" in page.words
    for number in (1, 2, 3):
        assert f"Prompt of attempt {number} as sent" in page.words
    single = Page(render_samples(result()))
    assert "attempt" not in single.words


@pytest.mark.parametrize(("sandbox", "shown"), [("landlock", "landlock"), ("", fmt.NONE)])
def test_the_sandbox_is_among_the_facts(sandbox: str, shown: str) -> None:
    made = result()
    provenance = made.provenance.model_copy(update={"sandbox": sandbox})
    page = Page(render_samples(made.model_copy(update={"provenance": provenance})))
    assert f"Sandbox {shown}" in page.words


def judge(**changes: Any) -> JudgeFacts:
    base: dict[str, Any] = {
        "name": "big",
        "id": "org/big",
        "revision": "fedcba9876543210fedcba9876543210fedcba98",
        "self_judged": False,
        "asked": 40,
        "parsed": 39,
        "retried": 3,
        "failed": 0,
        "truncated_prompts": 0,
        "prompt_tokens": 5000,
        "completion_tokens": 700,
        "sessions": [],
    }
    return JudgeFacts.model_construct(**(base | changes))


def test_a_judge_is_named_with_its_revision_and_what_could_be_read(tmp_path: Path) -> None:
    judged = sample(0, judgments=[turn("It is good. [[7]]", prompt="Rate this.")])
    found = result(samples=[judged], judge=judge(self_judged=True), flags=["self-judged"])
    page = write(tmp_path, [found], ["m_one"], ["gsm8k"])
    assert "judged by org/big @ fedcba987654" in page.words
    assert "ratings read: 39 of 40" in page.words
    assert "self-judged" in page.flags
    detail = Page((tmp_path / "samples/m_one/gsm8k.html").read_text(encoding="utf-8"))
    for text in (
        "Judge org/big @ fedcba9876543210fedcba9876543210fedcba98",
        "Judged itself yes: no part of any ranking",
        "Ratings read 39 of 40; 3 asked for a second time",
        "Tokens of the judge 5,000 of prompts, 700 generated",
        "It is good. [[7]]",
        "Rate this.",
    ):
        assert text in detail.words, text


def test_no_choice_is_highest_when_a_log_probability_is_not_a_number() -> None:
    broken = [ContinuationScore(logprob=p, tokens=1) for p in (float("nan"), -1.0)]
    samples = [sample(0, None, status="not scored", turns=[turn("", continuations=broken)])]
    page = Page(render_samples(result(samples=samples)))
    assert "1 nan nan 1" in page.words
    assert "highest" not in page.words


@pytest.mark.parametrize(
    ("best", "n", "scores", "extracted", "gold", "expected"),
    [
        (1, 4, {"acc": 1.0}, "the Sun", "the Sun", 1),
        (0, 2, {"acc": 0.0}, "a", "b", 1),
        (0, 4, {"acc": 0.0}, "A", "C", 2),
        (0, 4, {"acc": 0.0}, "B", "C", None),
        (0, 4, {"acc": 0.0}, "the Moon", "the Sun", None),
        (0, 4, {}, "A", "Z", None),
    ],
)
def test_gold_is_marked_only_where_it_is_known(
    best: int, n: int, scores: dict[str, float], extracted: str, gold: str, expected: int | None
) -> None:
    assert gold_choice(best, n, scores, extracted, gold) == expected


def test_a_load_that_served_two_datasets_counts_once(tmp_path: Path) -> None:
    page = write(tmp_path, [result(), result(dataset="mmlu")], ["m_one"], ["gsm8k", "mmlu"])
    assert "m_one 1 10.0 s 4.0 s 2,400 600 150 \u2013 3.0 GiB" in page.words


def test_facts_that_differ_between_models_stand_in_the_cells(tmp_path: Path) -> None:
    results = [result(), result("m_two", few_shot=5, protocol="harness")]
    page = write(tmp_path, results, ["m_one", "m_two"], ["gsm8k"])
    assert "GSM8K acc chance 25.0% 70.0%" in page.words
    assert "n 60 chat, 0-shot" in page.words
    assert "n 60 harness, 5-shot" in page.words


def test_an_empty_aggregate_renders(tmp_path: Path) -> None:
    page = write(tmp_path, [], ["m_one"], ["gsm8k"])
    assert "1 cell is missing" in page.words
    assert "nothing recorded" in page.words


# ---- contract ------------------------------------------------------------------------------


def test_results_are_taken_one_at_a_time(tmp_path: Path) -> None:
    results = [result("m_one"), result("m_two")]

    def stream() -> Iterator[Result]:
        yield results[0]
        assert (tmp_path / "samples/m_one/gsm8k.html").is_file()
        yield results[1]

    path = render_report(aggregate(results, ["m_one", "m_two"], ["gsm8k"]), stream(), tmp_path)
    assert path == tmp_path / "index.html"


def test_a_cell_without_its_result_has_no_link(tmp_path: Path) -> None:
    path = render_report(aggregate([result()], ["m_one"], ["gsm8k"]), [], tmp_path)
    page = Page(path.read_text(encoding="utf-8"))
    assert "70.0%" in page.words
    assert not any("samples/" in h for h in page.values("href"))


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\x00b", "a b"])
def test_names_that_are_no_file_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EvaluationError, match="file name"):
        render_report(aggregate([], [name], ["gsm8k"]), [], tmp_path)
    assert not list(tmp_path.iterdir())


def test_results_and_aggregate_must_belong_together(tmp_path: Path) -> None:
    one = result()
    whole = aggregate([one], ["m_one"], ["gsm8k"])
    with pytest.raises(EvaluationError, match="not a cell"):
        render_report(whole, [result("m_two")], tmp_path)
    with pytest.raises(EvaluationError, match="not a cell"):
        render_report(whole, [result(tier="full")], tmp_path)
    with pytest.raises(EvaluationError, match="twice"):
        render_report(whole, [one, one], tmp_path)
    with pytest.raises(EvaluationError, match="there twice"):
        render_report(aggregate([one, one], ["m_one"], ["gsm8k"]), [], tmp_path)
    with pytest.raises(EvaluationError, match="not listed"):
        render_report(aggregate([one], ["m_two"], ["gsm8k"]), [], tmp_path)


# ---- numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("acc_norm", 0.7, "70.0%"),
        ("exact_match_strict", 1.0, "100.0%"),
        ("pass@1", 0.0, "0.0%"),
        ("math_verify", 0.25, "25.0%"),
        ("f1", 0.5, "0.500"),
        ("rating", 7.25, "7.25"),
        ("acc", 1.5, "1.50"),
    ],
)
def test_numbers(metric: str, value: float, expected: str) -> None:
    assert fmt.number(metric, value) == expected


def test_intervals_off_the_percent_scale() -> None:
    found = Interval(low=6.5, high=8, method="bootstrap (1000 draws)")
    assert fmt.interval("rating", found) == "6.50 to 8.00"
    assert fmt.method(found) == "95% bootstrap (1000 draws)"
    assert fmt.interval("rating", None) == fmt.NONE


def test_only_scores_from_0_to_1_are_coloured() -> None:
    def colour(metric: str, value: float | None) -> str:
        return fmt.heat(Score(metric=metric, value=value, n=1))

    assert [colour("acc", v) for v in (0.0, 0.09, 0.5, 1.0)] == ["h0", "h0", "h5", "h9"]
    assert [colour("acc", None), colour("rating", 0.5), colour("f1", 1.2)] == ["", "", ""]


def test_sizes_durations_and_digests() -> None:
    assert [fmt.size(0), fmt.size(5 << 20), fmt.size(3 << 29)] == [fmt.NONE, "5.0 MiB", "1.5 GiB"]
    assert [fmt.duration(t) for t in (0.25, 119, 200, 7500)] == [
        "0.2 s",
        "119.0 s",
        "3 min 20 s",
        "2 h 5 min",
    ]
    assert fmt.short("sha256:" + "ab" * 32) == "sha256:abababababab"
    assert [fmt.short("bundled"), fmt.short("")] == ["bundled", fmt.NONE]
    assert fmt.one_line("a\n b" + "x" * 99, 10) == "a bxxxxxx…"
    assert fmt.one_line("word " * 5000, 10) == "word word…"


def test_joiners_and_line_feeds_are_not_replaced() -> None:
    assert fmt.visible("a\n\tb\u200d\u200c é 中") == "a\n\tb\u200d\u200c é 中"
    assert fmt.visible("\r\x7f\x85") == "␍␡⟨U+0085⟩"
