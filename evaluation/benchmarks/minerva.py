r"""The harness protocol of MATH: task minerva_math500 of lm-evaluation-harness 0.4.13.

Four worked examples, an answer in the sentence "Final Answer: The final answer is $N$. I hope it
is correct.", and the normalisation of Lewkowycz et al. 2022 (arXiv 2206.14858, appendix D) in the
harness's version 3.1. The worked examples are problems of MATH's training part; they are read from
the harness's own package when a dataset is prepared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluation.benchmarks.base import PackagedRows
from evaluation.benchmarks.worker import Worker
from evaluation.records import SampleScore

EXAMPLES = PackagedRows(
    requirement="lm_eval==0.4.13",
    sha256="5daaa1973bf874005f64f28d3834b875f6886f0d6475878e6a6c821994a5286a",
    member="lm_eval/tasks/minerva_math/utils.py",
    function="list_fewshot_samples",
)
STOP = ("Problem:",)
# Comparing takes far more than linear time; 256 tokens are some 1,000 characters.
LONGEST_ANSWER = 1000
LONGEST_TEXT = 10_000

COMPARER = Worker("evaluation.benchmarks.minerva_checker:make_compare", limit=10)

ANNOUNCED = "Final Answer: The final answer is"
# In the harness's expression the full stops stand for any character but a line break.
HOPE = re.compile(r". I hope it is correct.")

# Units and the like, which are left out: as whole words, and once more wherever they stand after
# spaces have gone (then outside the names of LaTeX commands). The order counts.
UNITS = (
    "square ways integers dollars mph inches ft hours km units \\ldots sue points feet minutes "
    "digits cents degrees cm gm pounds meters meals edges students childrentickets multiples "
    "\\text{s} \\text{.} \\text{\ns} \\text{}^2 \\text{}^3 \\text{\n} \\text{} \\mathrm{th} "
    '^\\circ ^{\\circ} \\; ,\\! {,} " \\dots'
)
LEFT_OUT = UNITS.split(" ")
UNIT = re.compile(rf"(?<!\\)\b(?:{'|'.join(filter(str.isalpha, LEFT_OUT))})\b")
COMMAND = re.compile(r"(\\[a-zA-Z]+)")
REPLACED = (
    ("an ", ""),
    ("a ", ""),
    (".$", "$"),
    ("\\$", ""),
    ("\\ ", ""),
    (" ", ""),
    ("mbox", "text"),
    (",\\text{and}", ","),
    ("\\text{and}", ","),
    ("\\text{m}", "\\text{}"),
)
REWRITTEN = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Only what is in mathematics, and the content of marks around an answer.
        (r".*?\$(.*?)\$.*", r"$\1$"),
        (r"\\text\{(.*?)\}", r"\1"),
        (r"\\textbf\{(.*?)\}", r"\1"),
        (r"\\overline\{(.*?)\}", r"\1"),
        (r"\\boxed\{(.*)\}", r"\1"),
        # \frac12 and \sqrt3 with braces.
        (r"frac([^{])(.)", r"frac{\1}{\2}"),
        (r"sqrt(\[[^\]]*\])(\w)", r"sqrt\1{\2}"),
        (r"sqrt(?!\[)([^{])", r"sqrt{\1}"),
        (r"\$", ""),
    )
)
THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+")


def prompt(problem: str, examples: Sequence[tuple[str, str]]) -> str:
    """The text before an answer; `examples` are problems with their solutions."""
    shots = "".join(f"{_question(shot)} {solution}\n\n" for shot, solution in examples)
    return shots + _question(problem)


def _question(problem: str) -> str:
    return f"Problem:\n{problem}\n\nSolution:"


def score(solution: str, text: str) -> SampleScore:
    """The harness's verdict on an answer to a problem with this solution."""
    gold = gold_answer(solution)
    readable, why = COMPARER.holds("math_verify", solution, None)
    if gold is None or not readable:
        problem = f"math_verify cannot read the solution{why and ': '}{why}"
        reason = "the solution has no \\boxed answer" if gold is None else problem
        return SampleScore(reason=reason, unscorable=True)
    extracted, equal, same = final_answer(text), False, False
    reasons = []
    if extracted is None:
        reasons.append("no final answer in the asked form")
    elif len(extracted) > LONGEST_ANSWER:
        reasons.append(f"the final answer is longer than {LONGEST_ANSWER} characters")
        extracted = extracted[:LONGEST_ANSWER]
    else:
        equal, why = COMPARER.holds("exact_match", normalise(gold), normalise(extracted))
        reasons += [f"exact_match: {why}; counted as not equal"] if why else []
    if len(text) > LONGEST_TEXT:
        reasons.append(f"math_verify: the text is longer than {LONGEST_TEXT} characters")
    else:
        same, why = COMPARER.holds("math_verify", solution, text)
        reasons += [f"math_verify: {why}; counted as not equal"] if why else []
    return SampleScore(
        scores={"exact_match": float(equal), "math_verify": float(same)},
        extracted=extracted,
        gold=gold,
        reason="; ".join(reasons),
    )


def final_answer(text: str) -> str | None:
    """What the first sentence of the asked form states, or None; linear in the text's length."""
    # The harness puts the sentence's end behind every answer, for one that stopped just before it.
    for line in f"{text}I hope it is correct.".split("\n"):
        start = line.find(ANNOUNCED)
        if start >= 0:
            hope = HOPE.search(line, start + len(ANNOUNCED))
            if hope:
                return line[start + len(ANNOUNCED) : hope.start()].strip()
    return None


def gold_answer(solution: str) -> str | None:
    r"""What the harness takes for the answer of a solution: its last `\boxed`."""
    _, found, unbraced = solution.rpartition("\\boxed ")
    if found:
        return unbraced.partition("$")[0]
    _, found, content = solution.rpartition("\\boxed")
    depth = 0
    for place, character in enumerate(content):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth <= 0:
            return content[1:place] if found and place else None
    return None


def normalise(answer: str) -> str:
    r"""One spelling of an answer, e.g. `x = 1,000 \text{ cm}` becomes `1000`."""
    text = UNIT.sub("", answer.rpartition("=")[2])
    for old, new in REPLACED:
        text = text.replace(old, new)
    for word in LEFT_OUT:
        if word.isalpha():
            parts = COMMAND.split(text)
            parts[::2] = [part.replace(word, "") for part in parts[::2]]
            text = "".join(parts)
        else:
            text = text.replace(word, "")
    for pattern, replacement in REWRITTEN:
        text = pattern.sub(replacement, text)
    return text.replace(",", "") if THOUSANDS.fullmatch(text) else text
