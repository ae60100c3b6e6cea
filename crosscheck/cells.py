"""What is compared: datasets with their worked examples, and which rows.

This module runs in both environments.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """A dataset asked with so many worked examples; `task` is the reference's name for it."""

    dataset: str
    few_shot: int
    task: str

    @property
    def name(self) -> str:
        """The name of the cell in files and tables."""
        return f"{self.dataset}-{self.few_shot}"


def _cells(dataset: str, *few_shot: int, task: str = "") -> list[Cell]:
    return [Cell(dataset, count, task or dataset) for count in few_shot]


# Log-likelihoods: without examples and with few, where a model answers; the customary number of
# examples, where only prompts are compared.
LOGLIKELIHOOD = [
    *_cells("arc_challenge", 0, 5),
    *_cells("hellaswag", 0, 3),
    *_cells("winogrande", 0, 5),
    *_cells("mmlu", 0, 5),
]
CUSTOMARY = [*_cells("arc_challenge", 25), *_cells("hellaswag", 10)]
GENERATION = [
    *_cells("gsm8k", 5),
    *_cells("math", 4, task="minerva_math500"),
    *_cells("humaneval", 0),
    *_cells("mbpp", 3),
    *_cells("ifeval", 0),
]
PROMPTS = [*LOGLIKELIHOOD, *CUSTOMARY, *GENERATION]
ANSWERED = [*LOGLIKELIHOOD, *GENERATION]

# The datasets whose answers are texts that both sides score.
SCORED = {cell.dataset: cell for cell in [*GENERATION, *_cells("bfcl", 0)]}

# Asked through the model's chat template on both sides.
CHAT = "ifeval"

# Most new tokens where the model's own answers are compared: on a CPU, differences show early.
ANSWER_TOKENS = 128


def spread(total: int, wanted: int) -> list[int]:
    """The places of `wanted` rows, evenly spaced over `total`, in order."""
    wanted = min(wanted, total)
    return [place * total // wanted for place in range(wanted)]


def rows_of(cell: Cell, total: int, rows: int) -> list[int]:
    """The rows of a cell that a model answers: fewer where an answer takes longer."""
    if cell in LOGLIKELIHOOD:
        return spread(total, rows if cell.few_shot == 0 else rows // 2)
    return spread(total, max(1, rows // 4))
