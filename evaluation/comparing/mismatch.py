"""What speaks against comparing two results of one dataset, and what a reader must know of both.

Three kinds: what is never compared, what is compared only if `comparison.allow_mismatch` says so
(then over the samples they share), and what is fair to compare but must be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from evaluation.records import JudgeFacts, Result, Session

Kind = Literal["models", "presets"]


def refusals(a: Result, b: Result, names: tuple[str, str], kind: Kind) -> list[str]:
    """Why two results are never compared, in words; empty if nothing speaks against it."""
    found = []
    sources = (a.provenance.dataset_source, b.provenance.dataset_source)
    if sources[0] != sources[1] and "bundled" in sources:
        found.append(
            f"rows from different sources ({sources[0]} and {sources[1]}): samples of the same "
            "id are other questions"
        )
    # Presets of one model are rated by the same judge, whoever that is.
    if kind == "models":
        found += [
            f"{name} was rated by itself, and belongs into no ranking"
            for name, result in zip(names, (a, b), strict=True)
            if result.judge is not None and result.judge.self_judged
        ]
    return found


def mismatches(a: Result, b: Result, names: tuple[str, str]) -> list[str]:
    """In what two results differ so that their scores are not of the same thing, in words."""
    found = [
        f"{what} differ: {_show(left)} and {_show(right)}"
        for what, left, right in (
            ("dataset fingerprints", _short(a), _short(b)),
            ("protocols", a.protocol, b.protocol),
            ("numbers of worked examples", a.few_shot, b.few_shot),
            ("attempts at a sample", a.repeats, b.repeats),
            ("seeds", a.provenance.seed, b.provenance.seed),
            ("judges", _judge(a.judge), _judge(b.judge)),
        )
        if left != right
    ]
    ids = [{sample.id for sample in result.samples} for result in (a, b)]
    if ids[0] != ids[1]:
        found.append(
            f"other samples: {len(ids[0] & ids[1])} are in both, {len(ids[0] - ids[1])} only in "
            f"{names[0]}'s, {len(ids[1] - ids[0])} only in {names[1]}'s"
        )
    return found


def notes(a: Result, b: Result, names: tuple[str, str]) -> list[str]:
    """What a reader must know of a fair comparison: how the two were run, in words."""
    found = []
    if "bundled" in (a.provenance.dataset_source, b.provenance.dataset_source):
        found.append("bundled samples, not the benchmark")
    if a.judge is not None and b.judge is not None and a.judge.self_judged and b.judge.self_judged:
        found.append("rated by the model itself")
    runs: list[tuple[str, Callable[[Session], str]]] = [
        ("engines", lambda session: session.engine),
        ("number formats", lambda session: session.dtype),
        ("devices", lambda session: session.hardware.device),
    ]
    pairs = [("presets", {a.provenance.preset}, {b.provenance.preset})]
    pairs += [(what, _all(a, key), _all(b, key)) for what, key in runs]
    found += [
        f"{what} differ: {_join(left)} and {_join(right)}"
        for what, left, right in pairs
        if left != right
    ]
    found += [
        f"{what} cut off: {left} under {names[0]}, {right} under {names[1]}"
        for what, left, right in (
            ("answers", a.counts.truncated_answers, b.counts.truncated_answers),
            ("prompts", a.counts.truncated_prompts, b.counts.truncated_prompts),
        )
        if left or right
    ]
    return found


def _short(result: Result) -> str:
    return result.provenance.dataset_fingerprint[:12]


def _judge(judge: JudgeFacts | None) -> str:
    return f"{judge.id}, revision {judge.revision}" if judge is not None else ""


def _show(value: object) -> str:
    return str(value) or "none"


def _all(result: Result, key: Callable[[Session], str]) -> set[str]:
    return {key(session) for session in result.provenance.sessions}


def _join(names: Iterable[str]) -> str:
    return " and ".join(sorted(names)) or "unknown"
