"""Texts of a synthetic tier: sentences of a small list of words, as long as real ones are."""

from __future__ import annotations

import random
from functools import cache

from tests.synthetic_plan import Dataset

TEXT = (
    "a the one some river market teacher garden bottle window engine letter winter summer "
    "child farmer number table paper stone light water train bridge forest baker ship copper "
    "silver counts carries moves opens measures follows divides repeats builds waits finds "
    "keeps turns slowly often twice again before after under between without every second "
    "third small large equal warm cold round and then because while so that which how many "
    "much left each day hour"
)
WORDS = TEXT.split()
WORDS_A_TOKEN = 0.72


def sentences(generator: random.Random, tokens: int) -> str:
    """Text of about as many tokens, in sentences of nine words and paragraphs of forty."""
    drawn = generator.choices(WORDS, k=max(1, round(tokens * WORDS_A_TOKEN)))
    lines = [" ".join(drawn[start : start + 9]).capitalize() for start in range(0, len(drawn), 9)]
    paragraphs = [". ".join(lines[start : start + 5]) for start in range(0, len(lines), 5)]
    return ".\n\n".join(paragraphs) + "."


@cache
def worked_examples(dataset: Dataset) -> str:
    """What stands before each question of a harness protocol: the same for all samples."""
    generator = random.Random(dataset.name)
    return "".join(
        f"Question: {sentences(generator, dataset.prompt - 15)}\nAnswer: {option(generator)}\n\n"
        for _ in range(dataset.few_shot)
    )


def option(generator: random.Random) -> str:
    """A choice of a few words."""
    return " ".join(generator.choices(WORDS, k=generator.randint(2, 6)))


def prompt(dataset: Dataset, question: str) -> str:
    """A question as the model sees it."""
    if dataset.protocol == "harness":
        return f"{worked_examples(dataset)}Question: {question}\nAnswer:"
    return _chat(("user", question))


def second_prompt(question: str, answer: str, follow_up: str) -> str:
    """The second turn of a conversation as the model sees it."""
    return _chat(("user", question), ("assistant", answer), ("user", follow_up))


def _chat(*messages: tuple[str, str]) -> str:
    told = "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in messages)
    return f"<|im_start|>system\nYou answer briefly.<|im_end|>\n{told}<|im_start|>assistant\n"


def program(generator: random.Random, tokens: int, number: int) -> str:
    """An answer with a Python function."""
    word = generator.choice(WORDS)
    body = "\n".join(
        f"    {one} = {number} + len(values)  # {generator.choice(WORDS)}"
        for one in generator.choices(WORDS, k=max(1, tokens // 16))
    )
    return f"Here is it:\n\n```python\ndef {word}(values):\n{body}\n    return values\n```"
