"""Why the two sides disagree where they do. A disagreement without an entry here is a defect.

An entry covers one dataset and the named samples, kinds of text, aspects and outcomes; what it
leaves out it covers all of.
"""

from __future__ import annotations

from typing import Literal

from crosscheck.comparison import Aspect, Disagreement
from crosscheck.exchange import Record

Cause = Literal["defect of the reference", "deliberate difference", "time limit"]


class Explanation(Record):
    """Which disagreements it covers, whose doing they are, and why.

    `ours` and `reference` are the outcomes it expects of a side: what was extracted, or the scores.
    """

    dataset: str
    ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    aspects: tuple[Aspect, ...] = ()
    ours: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()
    cause: Cause
    reason: str

    def covers(self, found: Disagreement) -> bool:
        """Whether this is the explanation of a disagreement."""
        return (
            found.dataset == self.dataset
            and (not self.ids or found.id in self.ids)
            and (not self.kinds or found.kind in self.kinds)
            and (not self.aspects or found.aspect in self.aspects)
            and (not self.ours or found.ours in self.ours)
            and (not self.reference or found.reference in self.reference)
        )


# A text in which no call is found, and that is wrong for this reason.
NO_CALL = ("", "{'correct': 0.0}")

EXPLANATIONS = (
    Explanation(
        dataset="mbpp",
        ids=("mbpp/367",),
        aspects=("score",),
        reference=("{'pass@1': 0.0}",),
        cause="defect of the reference",
        reason="The task's tests need the class that its `test_setup_code` defines. The harness "
        "leaves that code out, so that even the dataset's own solution fails.",
    ),
    Explanation(
        dataset="mbpp",
        ids=("mbpp/123",),
        aspects=("score",),
        cause="time limit",
        reason="The dataset's own solution computes for seconds on each side: whether it ends "
        "within the limit depends on the machine and its load.",
    ),
    Explanation(
        dataset="ifeval",
        ids=("ifeval/1129",),
        aspects=("score",),
        cause="defect of the reference",
        reason="The instruction asks for the letter `!`. The harness's verifier replaces what is "
        "not a letter of the alphabet by a random letter, a new one at every call; ours counts "
        "exclamation marks.",
    ),
    Explanation(
        dataset="bfcl",
        kinds=("integer with plus", "boolean negated"),
        cause="defect of the reference",
        reason="BFCL's decoder negates the operand of every unary operator: `+5` becomes `-5`, "
        "`not False` becomes `0`. Ours reads the number as written and takes `not` for no value.",
    ),
    Explanation(
        dataset="bfcl",
        kinds=("integer as power", "joined strings"),
        ours=NO_CALL,
        cause="deliberate difference",
        reason="BFCL's decoder evaluates any operator between operands with Python's `eval`. Ours "
        "evaluates nothing but the four basic operations on numbers: a power or a repeated string "
        "can fill the memory.",
    ),
    Explanation(
        dataset="bfcl",
        kinds=("unpacked dictionary", "dictionary as call"),
        aspects=("extraction",),
        cause="deliberate difference",
        reason="An unpacked dictionary has no name: BFCL's decoder files it under `None`, ours "
        "under `**`. No documented argument has either name, and the scores are the same.",
    ),
    Explanation(
        dataset="bfcl",
        kinds=("Python fence", "text before", "text after", "semicolon"),
        reference=NO_CALL,
        cause="deliberate difference",
        reason="Ours finds a list of calls also in a code fence with a language and beside other "
        "text; BFCL's decoder wants the list alone. Models that are prompted often write one.",
    ),
)


def explain(found: Disagreement) -> Explanation | None:
    """The explanation of a disagreement, None if there is none."""
    return next((one for one in EXPLANATIONS if one.covers(found)), None)
