"""The data that the samples page loads, cell by cell, as script files.

A page that was opened as a file may read other files only as scripts. Each one is a single call
with one string, the JSON of what it holds: the page parses it, so that no text of a model or a
dataset is ever code. The string is ASCII and has no `<`; what would be hidden or reorder text is
replaced.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from evaluation.files import write_text
from evaluation.records import Record, Result, Turn
from evaluation.reports import format as fmt
from evaluation.reports import links, roles
from evaluation.reports.inputs import SampleDigest, Verdict
from evaluation.reports.samples import Choice, SampleView, TurnView

# Characters of one file; a sample that is longer by itself has a file of its own.
LIMIT = 512 * 1024
INDEX = "index.js"


def _shown(value: Any) -> Any:
    return fmt.visible(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_shown)]


class Row(Record):
    """A sample in the list of a cell.

    `key` is what links call it where that is not its `id`; `chunk` the number of the file with all
    of it. `latency` is its seconds in words.
    """

    id: Text
    key: str | None = None
    category: Text = ""
    verdict: Verdict
    word: str
    marks: tuple[str, ...] = ()
    error: bool = False
    answer: Text | None = None
    gold: Text = ""
    reason: Text = ""
    completion_tokens: int
    latency: str
    chunk: int


class ShownChoice(Record):
    """A choice of a multiple-choice turn; log-probabilities are in nats."""

    text: Text
    logprob: str
    per_token: str
    tokens: int
    best: bool = False
    gold: bool = False


class ShownTurn(Record):
    """A request and its response. `prompt` is in parts of a role and its text; `facts` in words."""

    name: str = ""
    prompt: tuple[tuple[str, Text], ...]
    thinking: Text = ""
    response: Text = ""
    choices: tuple[ShownChoice, ...] = ()
    gold_known: bool = False
    error: Text = ""
    facts: tuple[str, ...]


class ShownSample(Record):
    """All of a sample that is not in its row."""

    reason: Text = ""
    scores: tuple[tuple[Text, str], ...] = ()
    extracted: Text | None = None
    gold: Text = ""
    turns: tuple[ShownTurn, ...] = ()
    judgments: tuple[ShownTurn, ...] = ()


def write(
    result: Result, found: Sequence[SampleView], short: Sequence[SampleDigest], folder: Path
) -> int:
    """Write the samples of a result below links.cell_data(...) in the report's folder.

    `found` are their views, `short` what tables show of them.
    `index.js` has the rows, `000.js` and so on the samples; returns how many of the latter.
    """
    base = folder / links.cell_data(result.model, result.dataset)
    chunks: list[int] = []  # of each sample
    number = -1
    whole = (encoded(shown(view, repeats=result.repeats)) for view in found)
    for number, pieces in enumerate(packed(whole, LIMIT)):
        write_text(base / chunk_file(number), call(pieces))
        chunks += [number] * len(pieces)
    rows = rows_of(found, short, chunks)
    write_text(base / INDEX, call(map(encoded, rows)))
    return number + 1


def chunk_file(number: int) -> str:
    """The name of a file with samples."""
    return f"{number:03d}.js"


def call(pieces: Iterable[str]) -> str:
    """A script that hands a list of encoded records to the page."""
    return f'takeSamples("[{",".join(pieces)}]");\n'


def encoded(record: BaseModel) -> str:
    """A record's JSON as the inside of a JavaScript string; defaults are left out."""
    text = json.dumps(record.model_dump_json(exclude_defaults=True))
    return text[1:-1].replace("<", "\\u003c")


def packed(pieces: Iterable[str], limit: int) -> Iterator[list[str]]:
    """Pieces in their order, as many together as have at most `limit` characters."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        if held and size + len(piece) > limit:
            yield held
            held, size = [], 0
        held.append(piece)
        size += len(piece) + 1
    if held:
        yield held


def link_name(name: str) -> str:
    """A name as it comes back out of a link: see links.sample."""
    return name.encode(errors="replace").decode()


def rows_of(
    found: Sequence[SampleView], short: Sequence[SampleDigest], chunks: Sequence[int]
) -> list[Row]:
    """The list of a cell. Of samples with the same id, all but the first get a number in links."""
    seen: Counter[str] = Counter()
    rows = []
    for view, digest, chunk in zip(found, short, chunks, strict=True):
        name = link_name(view.sample.id)
        seen[name] += 1
        key = name if seen[name] == 1 else f"{name} #{seen[name]}"
        rows.append(_row(view, digest, key, chunk))
    return rows


def _row(view: SampleView, short: SampleDigest, key: str, chunk: int) -> Row:
    turns = [*view.sample.turns, *view.sample.judgments]
    return Row(
        id=short.id,
        key=key if key != fmt.visible(short.id) else None,
        category=short.category,
        verdict=short.verdict,
        word=short.word,
        marks=view.marks,
        error=any(turn.error for turn in turns),
        answer=short.answer,
        gold=short.gold,
        reason=short.reason,
        completion_tokens=short.completion_tokens,
        latency=fmt.duration(short.latency_seconds),
        chunk=chunk,
    )


def shown(view: SampleView, *, repeats: int) -> ShownSample:
    """A sample as the page shows it."""
    sample = view.sample
    several = len(view.turns) > 1
    return ShownSample(
        reason=view.reason,
        scores=view.scores,
        extracted=sample.extracted,
        gold=sample.gold,
        turns=tuple(
            _turn(one, _name(one.turn, place, repeats, several=several))
            for place, one in enumerate(view.turns)
        ),
        judgments=tuple(
            _turn(TurnView(turn, (), False), f"about turn {turn.repeat + 1}")
            for turn in sample.judgments
        ),
    )


def _name(turn: Turn, place: int, repeats: int, *, several: bool) -> str:
    if repeats > 1:
        return f"of attempt {turn.repeat + 1}"
    return f"of turn {place + 1}" if several else ""


def _turn(view: TurnView, name: str) -> ShownTurn:
    turn = view.turn
    split = roles.parts(turn.prompt, cut=turn.truncated_prompt_tokens > 0)
    facts = [
        f"finish: {turn.finish_reason}",
        fmt.plural(turn.prompt_tokens, "prompt token"),
        fmt.plural(turn.completion_tokens, "generated token"),
    ]
    if turn.thinking_tokens:
        facts.append(fmt.plural(turn.thinking_tokens, "thinking token"))
    if turn.truncated_prompt_tokens:
        facts.append(f"{fmt.plural(turn.truncated_prompt_tokens, 'token')} cut from the prompt")
    facts.append(f"waited {fmt.duration(turn.latency_seconds)}")
    return ShownTurn(
        name=name,
        prompt=tuple((part.role, part.text) for part in split),
        thinking=turn.thinking,
        response=turn.response,
        choices=tuple(map(_choice, view.choices)),
        gold_known=view.gold_known,
        error=turn.error or "",
        facts=tuple(facts),
    )


def _choice(choice: Choice) -> ShownChoice:
    return ShownChoice(
        text=choice.text,
        logprob=choice.logprob,
        per_token=choice.per_token,
        tokens=choice.tokens,
        best=choice.best,
        gold=choice.gold,
    )
