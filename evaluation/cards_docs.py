"""What is generated from the benchmarks' cards: `python -m evaluation.cards_docs`.

Writes docs/benchmarks.md: one section a dataset with all facts of its card and its class's notes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.benchmarks import Benchmark, Card, benchmark
from evaluation.config import DATASETS
from evaluation.files import write_text
from evaluation.records import Protocol

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/benchmarks.md"

INTRODUCTION = """\
<!-- Generated from evaluation/benchmarks/ by `python -m evaluation.cards_docs`: edit it there. -->

# Benchmarks

A **protocol** is how a dataset is asked and how answers are read; a score always carries its
protocol's name, and two protocols never share a column.

- `harness`: the task of that name in lm-evaluation-harness 0.4.13: the same prompt text, stops,
  extraction and metric. Worked examples are the first ones of their split, the same for all
  samples (MMLU: of the subject).
- `chat`: for instruct models: the chat template, no worked examples, room to reason, and the last
  stated answer counts. Thinking is removed before scoring. Models without a template get the same
  text with speaker labels.
- `tools`: as chat, with the functions given through the chat template.

Where the rows of a dataset are unusable (wrong columns, an impossible label), they are counted as
*unscorable* and stay out of the score. The samples that come with this project are our own writing
in the same form; results on them say so and are not results on the benchmark.

Chance is what guessing scores.
"""


def page() -> str:
    """The page as Markdown."""
    tasks = [benchmark(name) for name in DATASETS]
    return "\n".join(
        [INTRODUCTION, *_overview(tasks), "", *(line for task in tasks for line in _section(task))]
    )


def _overview(tasks: Sequence[Benchmark[Any]]) -> Iterator[str]:
    yield "| dataset | measures | protocols, the default first | primary metric | chance |"
    yield "|---|---|---|---|---|"
    for card in (task.card for task in tasks):
        cells = (
            f"[{card.title}](#{card.name})",
            card.measures,
            ", ".join(f"`{protocol}`" for protocol in card.protocols),
            _primary(card),
            "" if card.chance is None else f"{card.chance:.0%}",
        )
        yield f"| {' | '.join(cells)} |"


def _primary(card: Card) -> str:
    if not card.harness_metrics:
        return f"`{card.primary}`"
    return f"`{card.primary}`; harness: `{card.harness_metrics[0]}`"


def _section(task: Benchmark[Any]) -> Iterator[str]:
    card = task.card
    yield f'<a id="{card.name}"></a>\n'
    yield f"## {card.title} (`{card.name}`)\n"
    yield f"{_summary(task)}\n"
    yield f"{inspect.getdoc(type(task))}\n"
    yield f"- Measures: {card.measures}"
    yield f"- Paper: <{card.paper}>"
    link = f"[{card.hub_id}](https://huggingface.co/datasets/{card.hub_id})"
    yield f"- Data: {link}, {_revision(card)}"
    yield f"- Samples: {_split(card)}"
    yield f"- Worked examples: {_examples(card)}"
    yield f"- Licence of the data: {card.licence}"
    yield f"- Protocols: {'; '.join(_protocol(card, p) for p in card.protocols)}"
    yield f"- Metrics: {_metrics(card, card.metrics, card.primary)}"
    if card.harness_metrics:
        found = _metrics(card, card.harness_metrics, card.harness_metrics[0])
        yield f"- Metrics in the harness protocol: {found}"
    if card.chance is not None:
        yield f"- Chance: {card.chance:.0%}"
    if card.runs_code:
        yield "- Scoring runs the answers as programs, in a sandbox; without one: not scored"
    if card.repeatable:
        yield "- Several attempts at each sample can be made (`repeats`)"
    if card.judged:
        yield "- A judge model rates the answers; without one: not scored"
    yield ""


def _summary(task: Benchmark[Any]) -> str:
    """The first line of the benchmark's module."""
    module = inspect.getmodule(type(task))
    return (inspect.getdoc(module) or "").partition("\n")[0]


def _revision(card: Card) -> str:
    pinned = card.revision != "main"
    return f"commit `{card.revision}`" if pinned else "no fixed commit (the newest)"


def _split(card: Card) -> str:
    if card.files.parts:
        return card.files.parts
    config = f" of config `{card.files.config}`" if card.files.config else ""
    return f"split `{card.files.split}`{config}"


def _examples(card: Card) -> str:
    """Where worked examples come from, and how many are usual."""
    if card.packaged_few_shot is not None:
        source = (
            f"read from the package `{card.packaged_few_shot.requirement}` when the dataset is "
            "prepared"
        )
    elif card.files.few_shot_split is not None:
        source = f"split `{card.files.few_shot_split}`"
    else:
        return "none"
    return f"{source}; {card.customary_few_shot} are customary"


def _protocol(card: Card, protocol: Protocol) -> str:
    notes = ["default"] if protocol == card.protocols[0] and len(card.protocols) > 1 else []
    room = card.max_new_tokens.get(protocol)
    notes.append(f"at most {room} new tokens" if room else "log-probabilities, no text")
    return f"`{protocol}` ({', '.join(notes)})"


def _metrics(card: Card, metrics: Sequence[str], primary: str) -> str:
    def named(metric: str) -> str:
        notes = ["primary"] if metric == primary else []
        notes += ["lower is better"] if metric in card.lower_is_better else []
        return f"`{metric}`" + (f" ({', '.join(notes)})" if notes else "")

    return ", ".join(named(metric) for metric in metrics)


def main(root: Path = ROOT) -> None:
    """Write the page."""
    write_text(root / PAGE, page())


if __name__ == "__main__":
    main()
