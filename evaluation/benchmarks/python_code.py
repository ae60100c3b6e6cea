"""Programs in answers: finding them, running them in the sandbox, pass@k (arXiv 2107.03374).

Nothing here runs, compiles or imports what it finds; that is the sandbox's part.
"""

from __future__ import annotations

import builtins
import re
import symtable
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from math import comb

from evaluation.benchmarks.base import AnyRequest, Evidence, PromptSettings
from evaluation.records import GenerateRequest, Sample, SampleScore, Score
from evaluation.sandbox.harness import Program, Verdict
from evaluation.statistics import mean_score

LANGUAGES = {"", "python", "python3", "py", "py3"}
# Indentation, fence, language, rest; a backtick in the rest makes the line inline code. The
# possessive quantifiers keep long lines linear.
FENCE = re.compile(r"([ \t]*+)(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]*+)([^`]*+)")

KS = (1, 5, 10, 100)
PRIMARY = "pass@1"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language as written, its code, and whether the fence was closed."""

    language: str
    code: str
    closed: bool


def fenced_blocks(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text; one that is cut off reaches to the end."""
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = FENCE.fullmatch(line.rstrip("\r"))
        if opening and fence and closes(fence, opening):
            blocks.append(Block(opening[3].lower(), "\n".join(lines), closed=True))
            opening = None
        elif fence and (fence[3] or not opening):
            # A fence with a language opens a block even where the last one was never closed.
            if opening:
                blocks.append(Block(opening[3].lower(), "\n".join(lines), closed=False))
            opening, lines = fence, []
        elif opening:
            # A block inside a list is indented as a whole.
            lines.append(line.removeprefix(opening[1]))
    if opening:
        blocks.append(Block(opening[3].lower(), "\n".join(lines), closed=False))
    return blocks


def closes(fence: re.Match[str], opening: re.Match[str]) -> bool:
    """Whether a fence is bare, and of the same kind and at least as long as the opening one."""
    return fence[2].startswith(opening[2]) and not fence[3] and not fence[4].strip()


def defines(code: str, names: Collection[str]) -> bool:
    """Whether one of the names is defined at the top level, by `def` or by assignment."""
    name = "|".join(map(re.escape, names))
    pattern = rf"^(?:(?:async[ \t]+)?def[ \t]+(?:{name})[ \t]*\(|(?:{name})[ \t]*=(?!=))"
    return re.search(pattern, code, re.MULTILINE) is not None


def last_definition(text: str, names: Collection[str]) -> str | None:
    """The last fenced Python block that defines one of the names; a closed one is preferred."""
    found = [
        block
        for block in fenced_blocks(text)
        if block.language in LANGUAGES and defines(block.code, names)
    ]
    return max(enumerate(found), key=lambda f: (f[1].closed, f[0]))[1].code if found else None


def before(text: str, stops: Sequence[str]) -> str:
    """The text before the first of the stops."""
    return min((text.partition(stop)[0] for stop in stops), key=len)


def free_names(source: str) -> set[str]:
    """Names that source takes from elsewhere: used, bound nowhere at its top level, no builtins.

    Raises SyntaxError or ValueError for what is not Python.
    """
    used = {
        symbol.get_name()
        for table in _tables(_table(source))
        for symbol in table.get_symbols()
        if symbol.is_referenced() and symbol.is_global()
    }
    return used - bound_names(source) - set(dir(builtins))


def bound_names(source: str) -> set[str]:
    """Names that source binds at its top level: assigned, imported or defined."""
    return {
        symbol.get_name()
        for symbol in _table(source).get_symbols()
        if symbol.is_assigned() or symbol.is_imported()
    }


def _table(source: str) -> symtable.SymbolTable:
    # Not `ast`, which in Python 3.11 fails at random when two threads parse at once.
    return symtable.symtable(source, "<source>", "exec")


def _tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _tables(child)


def attempts(request: GenerateRequest, settings: PromptSettings) -> list[AnyRequest]:
    """The request as often as the settings say, each time with a seed of its own."""
    return [
        request.model_copy(
            update={
                "repeat": repeat,
                "seed": settings.seed + repeat,
                "temperature": settings.temperature,
            }
        )
        for repeat in range(settings.repeats)
    ]


def pass_at_k(n: int, passed: int, k: int) -> float:
    """The unbiased estimate of how likely one of k attempts passes, from n attempts.

    One minus the share of the subsets of size k in which none passes. Raises ValueError unless
    0 <= passed <= n and 1 <= k <= n.
    """
    if not (0 <= passed <= n and 1 <= k <= n):
        raise ValueError(f"no pass@{k} of {passed} passed of {n}")
    return 1 - comb(n - passed, k) / comb(n, k)


def run(
    codes: Sequence[str | None], program: Callable[[str], Program], gold: str, evidence: Evidence
) -> SampleScore:
    """The score of a sample from the code of its attempts, empty or None where none was found."""
    extracted = next((code for code in codes if code), None)
    if evidence.sandbox is None:
        why = f" ({evidence.no_sandbox})" if evidence.no_sandbox else ""
        return SampleScore(extracted=extracted, gold=gold, reason=f"no sandbox{why}")
    verdicts = [evidence.sandbox.judge(program(code)) if code else None for code in codes]
    n, passed = len(verdicts), sum(v is not None and v.passed for v in verdicts)
    return SampleScore(
        scores={f"pass@{k}": pass_at_k(n, passed, k) for k in KS if k <= n},
        extracted=extracted,
        gold=gold,
        reason=_reason(verdicts, passed),
    )


def _reason(verdicts: Sequence[Verdict | None], passed: int) -> str:
    """Why the first attempt that did not pass failed, and how many did pass."""
    reasons = ["no program in the answer" if v is None else v.reason for v in verdicts]
    failures = [reason for reason in reasons if reason]
    if not failures or len(verdicts) == 1:
        return "".join(failures)
    return f"{passed} of {len(verdicts)} attempts passed; first failure: {failures[0]}"


def aggregate(scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
    """The mean of every pass@k that the number of attempts allows; pass@1 is the primary one."""
    values = {
        metric: [verdict.scores[metric] for _, verdict in scored if metric in verdict.scores]
        for metric in (f"pass@{k}" for k in KS)
    }
    if not values[PRIMARY]:
        reason = next((f"not scored: {verdict.reason}" for _, verdict in scored), "")
        return [Score(metric=PRIMARY, value=None, n=0, primary=True, reason=reason)]
    return [
        mean_score(metric, found, primary=metric == PRIMARY)
        for metric, found in values.items()
        if found
    ]
