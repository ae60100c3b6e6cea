"""Results and pages for tests of the report."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from evaluation.records import (
    Aggregate,
    CategoryScore,
    Cell,
    Counts,
    Hardware,
    Interval,
    Performance,
    Provenance,
    Result,
    SampleResult,
    Score,
    Session,
    SourceKind,
    Turn,
)
from evaluation.reports import TierReport, render_report
from tests.synthetic_results import judge

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
        self.scripts: list[str] = []
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
        if tag == "script":
            self.scripts.append("")
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
        if "script" in self.open:
            self.scripts[-1] += data
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
    report = TierReport(aggregate(results, models, datasets))
    path = render_report(report, iter(results), folder)
    return Page(path.read_text(encoding="utf-8"))


def pages(folder: Path) -> list[tuple[Path, Page]]:
    return [(p, Page(p.read_text(encoding="utf-8"))) for p in sorted(folder.rglob("*.html"))]
