"""What is compared with lm-eval: tasks, examples, and the ratio that is promised.

This module runs in both environments.
"""

from __future__ import annotations

from dataclasses import dataclass

from crosscheck.cells import GENERATION, Cell


@dataclass(frozen=True)
class Case:
    """Tasks that are run together.

    `whole` compares the whole command, from its start to its end, instead of the requests phase
    (tokenising and the model, with everything else outside the clock). `wanted` is the ratio of
    seconds, theirs to ours, that is promised. lm-eval runs with each of
    `batch_sizes`, and its fastest counts; where a run takes minutes, there is one: all rows of a
    task at once.
    """

    name: str
    title: str
    cells: tuple[Cell, ...]
    wanted: float
    batch_sizes: tuple[int, ...]
    whole: bool = False


CASES = (
    Case(
        "arc_25",
        "arc_challenge, 25-shot",
        (Cell("arc_challenge", 25, "arc_challenge"),),
        wanted=30,
        batch_sizes=(1, 8),
    ),
    Case(
        "hellaswag_10",
        "hellaswag, 10-shot",
        (Cell("hellaswag", 10, "hellaswag"),),
        wanted=12,
        batch_sizes=(1, 8),
    ),
    Case(
        "choices_0",
        "arc_challenge, hellaswag, winogrande, 0-shot",
        tuple(Cell(name, 0, name) for name in ("arc_challenge", "hellaswag", "winogrande")),
        wanted=3,
        batch_sizes=(1, 8),
    ),
    Case(
        "texts",
        "gsm8k 5-shot, math500 4-shot, mbpp 3-shot, humaneval, ifeval",
        tuple(GENERATION),
        wanted=4,
        batch_sizes=(20,),
        whole=True,
    ),
)
