"""The reference's answers of a model: log-likelihoods with their scores, and generated texts.

Runs in the reference environment:
python -m crosscheck.reference_answered MIRROR FOLDER MODEL_DIRECTORY ROWS
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from lm_eval.models.huggingface import HFLM

from crosscheck.cells import ANSWER_TOKENS, ANSWERED, CHAT, LOGLIKELIHOOD, Cell, rows_of
from crosscheck.exchange import Exchange, Generated, Likelihoods, write
from crosscheck.reference_tasks import tasks


def answered(cell: Cell, mirror: Path, model: Any, rows: int) -> list[Likelihoods | Generated]:
    """The model's answers to the chosen rows of a cell, in the order of the rows."""
    parts = tasks(cell, mirror)
    chosen = set(rows_of(cell, sum(len(places) for _, places in parts), rows))
    found: list[Likelihoods | Generated] = []
    for task, places in parts:
        wanted = [row for row, place in enumerate(places) if place in chosen]
        if not wanted:
            continue
        # The harness numbers the rows it was told to take from zero.
        task.build_all_requests(
            samples=wanted,
            apply_chat_template=cell.dataset == CHAT,
            chat_template=model.apply_chat_template,
        )
        answer = likelihoods if cell in LOGLIKELIHOOD else generated
        found += answer(task, model, [places[row] for row in wanted])
    return sorted(found, key=lambda one: one.index)


def likelihoods(task: Any, model: Any, places: list[int]) -> list[Likelihoods]:
    """Log-likelihoods of all choices, and the harness's scores of them."""
    results: defaultdict[int, list[Any]] = defaultdict(list)
    documents = {}
    for instance, result in zip(
        task.instances, model.loglikelihood(task.instances, disable_tqdm=True), strict=True
    ):
        results[instance.doc_id].append(result)
        documents[instance.doc_id] = instance.doc
    return [
        Likelihoods(
            index=places[row],
            values=[value for value, _ in given],
            scores=task.process_results(documents[row], given),
        )
        for row, given in results.items()
    ]


def generated(task: Any, model: Any, places: list[int]) -> list[Generated]:
    """Greedy answers, cut short."""
    for instance in task.instances:
        instance.args[1]["max_gen_toks"] = ANSWER_TOKENS
    texts = model.generate_until(task.instances, disable_tqdm=True)
    return [
        Generated(index=places[instance.doc_id], text=text)
        for instance, text in zip(task.instances, texts, strict=True)
    ]


def main() -> None:
    """Write the answers to every cell."""
    mirror, exchange, rows = Path(sys.argv[1]), Exchange(Path(sys.argv[2])), int(sys.argv[4])
    model = HFLM(pretrained=sys.argv[3], dtype="float32", batch_size=1, device="cpu")
    for cell in ANSWERED:
        write(exchange.answered("reference", cell.name), answered(cell, mirror, model, rows))


if __name__ == "__main__":
    main()
