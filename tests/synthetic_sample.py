"""One sample of a synthetic tier: its turns, what was read out of them, and its scores."""

from __future__ import annotations

import random
from functools import lru_cache

from evaluation.records import ContinuationScore, SampleResult, Turn
from tests import synthetic_text as texts
from tests.synthetic_plan import Dataset, Drawn, Model, category

ERROR = "RuntimeError: CUDA out of memory, also for this sample alone"
WHY_NOT = {
    "code": "no sandbox (none of bubblewrap and Landlock works here)",
    "choices": "one log-probability is missing",
    "judged": "the judge's rating of turn 1 and 2 could not be read",
    "steps": "the reference's action 'list_hotels' is not among the offered APIs",
}


@lru_cache(maxsize=4096)
def question(dataset: Dataset, place: int, seed: int, tokens: int) -> str:
    """The question of a sample: the same for all models."""
    return texts.sentences(random.Random(f"{seed}/{dataset.name}/{place}"), tokens)


def identifier(dataset: Dataset, place: int) -> str:
    """An id of the form that the dataset's ids have."""
    return {
        "humaneval": f"HumanEval/{place}",
        "arc_challenge": f"Mercury_{7000000 + 37 * place}",
        "math": f"test/{category(dataset, place).split('/')[0].lower()}/{place}.json",
        "bfcl": f"{category(dataset, place)}_{place}",
        "toolllama": f"{category(dataset, place).split('/')[0].rstrip('s')}/{place}",
    }.get(dataset.name, f"{dataset.name}/{place}")


def sample(
    model: Model, dataset: Dataset, place: int, drawn: Drawn, seed: int, *, judged: bool
) -> SampleResult:
    """The record of one sample. What is not `judged` has answers and no ratings."""
    if drawn.fate == "unscorable":
        return SampleResult(
            id=f"row {place}",
            category="",
            turns=[],
            extracted=None,
            gold="",
            scores={},
            status="unscorable",
            reason=f"row {place}: wrong columns: answer: Field required",
        )
    text = random.Random(f"{seed}/{dataset.name}/{model.name}/{place}")
    golds = random.Random(f"{seed}/gold/{dataset.name}/{place}")
    gold = _gold(dataset, golds)
    right = drawn.value == 1
    extracted = gold if right else None if drawn.truncated else _gold(dataset, text)
    turns = _turns(model, dataset, place, drawn, seed, text, extracted or "")
    base = {"id": identifier(dataset, place), "category": category(dataset, place)}
    if drawn.fate == "failed":
        return SampleResult(
            **base, turns=turns, extracted=None, gold="", scores={}, status="failed", reason=ERROR
        )
    unrated = dataset.kind == "judged" and not judged
    if drawn.fate == "not scored" or unrated:
        reason = WHY_NOT.get(dataset.kind, "the answer is longer than 200000 characters")
        return SampleResult(
            **base,
            turns=turns,
            extracted=None,
            gold=gold,
            scores={},
            status="not scored",
            reason="no judge is configured" if unrated else reason,
        )
    found = scores(dataset, place, drawn)
    return SampleResult(
        **base,
        turns=turns,
        judgments=_judgments(drawn, text) if dataset.kind == "judged" else [],
        extracted=", ".join(f"turn {t}: {found[f'rating_turn_{t}']:g}" for t in (1, 2))
        if dataset.kind == "judged"
        else extracted,
        gold="" if dataset.kind == "judged" else gold,
        scores=found,
        status="scored",
        reason="" if right else _reason(dataset, drawn, text),
    )


def scores(dataset: Dataset, place: int, drawn: Drawn) -> dict[str, float]:
    """The metrics of a scored sample, the primary one first where the sample has it."""
    value, second, group = drawn.value, drawn.second, category(dataset, place)
    if dataset.kind == "judged":
        one, two = (float(1 + round(9 * each)) for each in (value, second))
        mean = (one + two) / 2
        turns = {"rating_turn_1": one, "rating_turn_2": two}
        return {
            "rating": mean,
            **turns,
            "rating_lower": mean,
            "rating_upper": mean,
            "parse_rate": 1,
        }
    if group.startswith("queries/"):
        return {"api_f1": value, "api_precision": second, "api_recall": value}
    if dataset.kind == "steps":
        faults = {"hallucination_rate": float(value < 0.15)}
        return {
            "arg_f1": value,
            "plan_em": float(value > 0.3),
            "act_em": float(value > 0.5),
        } | faults
    if "irrelevance" in group or "relevance" in group:
        return {"irrelevance_accuracy" if "irr" in group else "relevance_accuracy": value}
    other = {
        "exact_match_strict": "exact_match_flexible",
        "acc_norm": "acc",
        "math_verify": "is_equiv",
        "prompt_level_strict": "prompt_level_loose",
    }.get(dataset.metric)
    return {dataset.metric: value} | ({other: max(value, second)} if other else {})


def _gold(dataset: Dataset, draw: random.Random) -> str:
    number = draw.randint(2, 900)
    if dataset.kind in ("number", "boxed"):
        return str(number) if dataset.kind == "number" else rf"\frac{{{number}}}{{7}}"
    if dataset.kind == "choices":
        return texts.option(draw)
    if dataset.kind == "code":
        return f"def check(candidate):\n    assert candidate([1, 2]) == {number}"
    if dataset.kind in ("calls", "steps"):
        return f'[find_rooms(city="{draw.choice(texts.WORDS)}", guests={number % 7})]'
    return f"length_constraints:number_words, keywords:{draw.choice(texts.WORDS)}"


def _reason(dataset: Dataset, drawn: Drawn, draw: random.Random) -> str:
    if drawn.truncated:
        return "the answer was cut off before it named a result"
    word = draw.choice(texts.WORDS)
    return {
        "code": f"AssertionError: assert candidate([1, 2]) == {draw.randint(2, 99)}",
        "calls": f"find_rooms: the argument 'city' is '{word}'",
        "rules": f"keywords:existence is not followed: '{word}' does not occur",
    }.get(dataset.kind, "")


def _turns(
    model: Model,
    dataset: Dataset,
    place: int,
    drawn: Drawn,
    seed: int,
    text: random.Random,
    extracted: str,
) -> list[Turn]:
    asked = question(dataset, place, seed, drawn.prompt_tokens)
    prompt = texts.prompt(dataset, asked)
    first = _turn(model, dataset, drawn, text, prompt, _answer(dataset, drawn, text, extracted))
    if dataset.kind != "judged" or drawn.fate == "failed":
        return [first]
    follow_up = texts.sentences(random.Random(f"{seed}/{dataset.name}/{place}/2"), 30)
    then = texts.second_prompt(asked, first.response, follow_up)
    return [first, _turn(model, dataset, drawn, text, then, texts.sentences(text, 120))]


def _turn(
    model: Model, dataset: Dataset, drawn: Drawn, text: random.Random, prompt: str, answer: str
) -> Turn:
    failed = drawn.fate == "failed"
    choices = dataset.kind == "choices" and not failed
    return Turn(
        prompt=prompt,
        response="" if failed or choices else answer,
        thinking=texts.sentences(text, drawn.thinking_tokens) if drawn.thinking_tokens else "",
        continuations=_choices(dataset, drawn, text, answer) if choices else [],
        finish_reason="error"
        if failed
        else "scored"
        if choices
        else "length"
        if drawn.truncated
        else "stop",
        prompt_tokens=drawn.prompt_tokens,
        completion_tokens=0 if failed else drawn.completion_tokens,
        thinking_tokens=0 if failed else drawn.thinking_tokens,
        truncated_prompt_tokens=drawn.cut_prompt,
        latency_seconds=round(0.4 + 8 * drawn.completion_tokens / model.decode_rate, 3),
        error=ERROR if failed else None,
    )


def _choices(
    dataset: Dataset, drawn: Drawn, text: random.Random, chosen: str
) -> list[ContinuationScore]:
    """Choices in a drawn order; the one that was chosen has the highest log-probability."""
    found = [ContinuationScore(text=f" {chosen}", logprob=-text.uniform(1, 3), tokens=4)]
    for _ in range(dataset.choices - 1):
        other = f" {texts.option(text)}"
        found.append(ContinuationScore(text=other, logprob=-text.uniform(4, 19), tokens=4))
    text.shuffle(found)
    return found[:-1] if drawn.fate == "not scored" else found


def _answer(dataset: Dataset, drawn: Drawn, text: random.Random, extracted: str) -> str:
    tokens = drawn.completion_tokens
    if dataset.kind == "choices":
        return extracted or texts.option(text)
    if dataset.kind == "code":
        return texts.program(text, tokens, text.randint(1, 9))
    if dataset.kind in ("calls", "steps"):
        return f"{texts.sentences(text, tokens // 2)}\n{extracted}"
    told = texts.sentences(text, tokens)
    if drawn.truncated:
        return told[:-1]
    return {
        "number": f"{told}\n\nThe answer is {extracted}.",
        "boxed": f"{told}\n\nSo it is $\\boxed{{{extracted}}}$.",
    }.get(dataset.kind, told)


def _judgments(drawn: Drawn, text: random.Random) -> list[Turn]:
    return [
        Turn(
            repeat=turn,
            prompt=f"Rate the answer of turn {turn + 1}.\n\n{texts.sentences(text, 60)}",
            response=f"{texts.sentences(text, 40)} Rating: [[{1 + round(9 * value)}]]",
            finish_reason="stop",
            prompt_tokens=400,
            completion_tokens=60,
            thinking_tokens=0,
            truncated_prompt_tokens=0,
            latency_seconds=1.2,
        )
        for turn, value in enumerate((drawn.value, drawn.second))
    ]
