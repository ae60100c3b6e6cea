"""The reference's verdicts on texts: its stops, filters and scores, for the harness's tasks.

Runs in the reference environment inside a sandbox, because its scorers run programs and evaluate
expressions: python -m crosscheck.reference_verdicts MIRROR FOLDER DATASET...
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.utils import normalize_gen_kwargs, postprocess_generated_text
from lm_eval.tasks.minerva_math import utils as minerva

from crosscheck.cells import GENERATION, Cell
from crosscheck.exchange import Exchange, Text, Verdict, read, write
from crosscheck.reference_execution import CodeEval, execute
from crosscheck.reference_tasks import tasks

PROGRAMS = ("humaneval", "mbpp")


def verdicts(cell: Cell, mirror: Path, texts: list[Text]) -> list[Verdict]:
    """The verdicts on texts, in their order."""
    ((task, _),) = tasks(cell, mirror)
    documents = list(task.eval_docs)
    stops = normalize_gen_kwargs(task.config.generation_kwargs)["until"]
    instances = [
        Instance(
            request_type="generate_until",
            doc=documents[text.index],
            arguments=("", deepcopy(task.config.generation_kwargs)),
            idx=0,
            metadata=(cell.task, text.index, 1),
            resps=[postprocess_generated_text(text.text, stops, None)],
        )
        for text in texts
    ]
    task._instances = instances
    task.apply_filters()
    verdict = VERDICTS[cell.dataset]
    return [
        verdict(task, instance, text.run) for instance, text in zip(instances, texts, strict=True)
    ]


def gsm8k(task: Any, instance: Instance, run: bool) -> Verdict:
    """Both extractions; what is taken out is compared as the metric compares it."""
    found = instance.filtered_resps
    scores = {
        name: float(task.process_results(instance.doc, [found[name]])["exact_match"])
        for name in ("strict-match", "flexible-extract")
    }
    (metric,) = task.config.metric_list
    taken = [
        without(found[name], metric["regexes_to_ignore"])
        for name in ("strict-match", "flexible-extract")
        if found[name] != "[invalid]"
    ]
    return Verdict(
        extracted=taken[0] if taken else None,
        scores={
            "exact_match_strict": scores["strict-match"],
            "exact_match_flexible": scores["flexible-extract"],
        },
    )


def without(text: str, patterns: list[str]) -> str:
    """A text without what the metric ignores."""
    for pattern in patterns:
        text = re.sub(pattern, "", text)
    return text


def math(task: Any, instance: Instance, run: bool) -> Verdict:
    """The stated answer, its comparison as a string or formula, and math-verify's."""
    (text,) = instance.resps
    found = minerva.get_unnormalized_answer(text)
    results = task.process_results(instance.doc, [text])
    return Verdict(
        extracted=None if found == "[invalidanswer]" else found,
        scores={name: float(value) for name, value in results.items()},
    )


def program(task: Any, instance: Instance, run: bool) -> Verdict:
    """The program, and whether it passes if it may be run."""
    (found,) = instance.filtered_resps.values()
    results = task.process_results(instance.doc, [found]) if run else {}
    return Verdict(
        extracted=found if isinstance(found, str) else found[0],
        scores={"pass@1": float(sum(results.values()))} if run else {},
    )


def ifeval(task: Any, instance: Instance, run: bool) -> Verdict:
    """The verdicts on the prompt and on each of its instructions."""
    results = task.process_results(instance.doc, instance.resps)
    scores = {
        f"prompt_level_{kind}": float(results[f"prompt_level_{kind}_acc"])
        for kind in ("strict", "loose")
    }
    for kind in ("strict", "loose"):
        for place, followed in enumerate(results[f"inst_level_{kind}_acc"]):
            name = instance.doc["instruction_id_list"][place]
            scores[f"{place} {name} {kind}"] = float(followed)
    return Verdict(extracted=None, scores=scores)


VERDICTS: dict[str, Callable[[Any, Instance, bool], Verdict]] = {
    "gsm8k": gsm8k,
    "math": math,
    "humaneval": program,
    "mbpp": program,
    "ifeval": ifeval,
}


def main() -> None:
    """Write the verdicts of the datasets that are named."""
    mirror, exchange = Path(sys.argv[1]), Exchange(Path(sys.argv[2]))
    CodeEval.execute = staticmethod(execute)
    for cell in GENERATION:
        if cell.dataset in sys.argv[3:]:
            texts = read(exchange.texts(cell.dataset), Text)
            write(exchange.verdicts("reference", cell.dataset), verdicts(cell, mirror, texts))


if __name__ == "__main__":
    main()
