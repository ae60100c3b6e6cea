"""The reference's tasks, built from its own definitions, with the rows of a mirror.

Runs in the reference environment. Four things are replaced: where rows are loaded from (by the
harness's own hook `custom_dataset`), the choice of worked examples (by its own `first_n`), the
download of language data (by the same data from a package), and `evaluate.load`, which would fetch
a program from a hub.
"""

from __future__ import annotations

import functools
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import datasets
import evaluate
from pyarrow import parquet

from crosscheck import reference_language
from crosscheck.cells import Cell
from crosscheck.reference_execution import CodeEval

# Both before the harness is imported, whose tasks load them at once.
LANGUAGE = tempfile.TemporaryDirectory(prefix="crosscheck-language-")
reference_language.provide(Path(LANGUAGE.name))
evaluate.load = lambda *_, **__: CodeEval()

from lm_eval import utils  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402
from lm_eval.tasks._factory import TaskFactory  # noqa: E402

# Templates are compiled anew for every text; remembered, they give the same texts sooner.
utils.env.from_string = functools.cache(utils.env.from_string)
logging.getLogger("lm_eval").setLevel(logging.ERROR)
datasets.disable_progress_bars()

# Rows kept of a split that gives worked examples only; mmlu's has 285, five a subject.
EXAMPLES = 285
# Tasks whose definition draws examples at random; the others take the first already.
DRAWS_EXAMPLES = {"arc_challenge", "hellaswag", "winogrande", "gsm8k"}
# Folders and files of the mirror, in the Hub's layout.
FILES = {
    "arc_challenge": ("allenai/ai2_arc/ARC-Challenge", "{split}-*.parquet"),
    "hellaswag": ("Rowan/hellaswag/data", "{split}-*.parquet"),
    "winogrande": ("allenai/winogrande/winogrande_xl", "{split}-*.parquet"),
    "mmlu": ("cais/mmlu/all", "{split}-*.parquet"),
    "gsm8k": ("openai/gsm8k/main", "{split}-*.parquet"),
    "math": ("HuggingFaceH4/MATH-500", "{split}.jsonl"),
    "humaneval": ("openai/openai_humaneval/openai_humaneval", "{split}-*.parquet"),
    "mbpp": ("google-research-datasets/mbpp/full", "{split}-*.parquet"),
    "ifeval": ("google/IFEval", "ifeval_input_data.jsonl"),
}
# The split that is evaluated, then that of the worked examples where a task has one.
SPLITS = {
    "arc_challenge": ("test", "train"),
    "hellaswag": ("validation", "train"),
    "winogrande": ("validation", "train"),
    "mmlu": ("test", "dev"),
    "gsm8k": ("test", "train"),
    "math": ("test",),
    "humaneval": ("test",),
    "mbpp": ("test",),
    "ifeval": ("train",),
}


@functools.cache
def read_split(mirror: Path, dataset: str, split: str) -> datasets.Dataset:
    """The rows of a split; of a split of worked examples, the first."""
    folder, pattern = FILES[dataset]
    (path,) = (mirror / folder).glob(pattern.format(split=split))
    if path.suffix == ".parquet":
        rows = datasets.Dataset(parquet.read_table(path))
    else:
        lines = path.read_text(encoding="utf-8").split("\n")
        rows = datasets.Dataset.from_list([json.loads(line) for line in lines if line])
    return rows.select(range(min(EXAMPLES, len(rows)))) if split in SPLITS[dataset][1:] else rows


@functools.cache
def manager() -> TaskManager:
    """The harness's index of its tasks."""
    return TaskManager()


def tasks(cell: Cell, mirror: Path) -> list[tuple[Any, list[int]]]:
    """The harness's tasks of a cell, each with the places of its rows in the mirror's split."""
    splits = {split: read_split(mirror, cell.dataset, split) for split in SPLITS[cell.dataset]}
    evaluated = SPLITS[cell.dataset][0]
    if cell.dataset != "mmlu":
        return [(build(cell.task, cell.few_shot, splits), list(range(len(splits[evaluated]))))]
    # The harness has a task for each subject, which the Hub serves as a configuration each.
    subjects = {split: rows["subject"] for split, rows in splits.items()}
    found = []
    for subject in dict.fromkeys(subjects[evaluated]):
        places = {
            split: [place for place, name in enumerate(names) if name == subject]
            for split, names in subjects.items()
        }
        parts = {split: splits[split].select(where) for split, where in places.items()}
        found.append((build(f"mmlu_{subject}", cell.few_shot, parts), places[evaluated]))
    return found


def build(name: str, few_shot: int, splits: dict[str, datasets.Dataset]) -> Any:
    """A task as the harness defines it, over these rows, with the first examples."""
    index = manager().task_index
    overrides: dict[str, Any] = {"custom_dataset": lambda **_: splits, "num_fewshot": few_shot}
    if name in DRAWS_EXAMPLES:
        overrides["fewshot_config"] = {"sampler": "first_n"}
    return TaskFactory().build(index[name], overrides=overrides, registry=index)
