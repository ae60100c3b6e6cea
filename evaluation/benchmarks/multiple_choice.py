"""What the four multiple-choice benchmarks share: log-likelihood requests and acc / acc_norm.

Conventions of lm-evaluation-harness 0.4.13: `acc` is the argmax of the summed log-probability,
`acc_norm` the argmax after dividing by the choice's length in characters (delimiter excluded);
ties go to the first choice. Contexts and choices are joined by one space; few-shot examples are
joined by an empty line.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan

from evaluation.records import (
    Continuation,
    LoglikelihoodRequest,
    Response,
    Sample,
    SampleScore,
)


def choices_request(sample: Sample, context: str, choices: Sequence[str]) -> LoglikelihoodRequest:
    """Ask for each choice after the same context."""
    return LoglikelihoodRequest(
        sample_id=sample.id,
        continuations=tuple(Continuation(context=context, text=f" {c}") for c in choices),
    )


def few_shot_prefix(examples: Sequence[tuple[str, str]]) -> str:
    """Worked examples (context, right choice) as text before the question."""
    return "".join(f"{context} {choice}\n\n" for context, choice in examples)


def score_choices(
    response: Response, choices: Sequence[str], gold: int, *, with_norm: bool = True
) -> SampleScore:
    """acc and, if wanted, acc_norm of one sample; `gold` is the right choice's index.

    A response without one log-probability per choice is not scored: an argmax over the rest would
    be a verdict on other choices than those that were asked.
    """
    logprobs = [c.logprob for c in response.continuations]
    if len(logprobs) != len(choices):
        reason = f"{len(logprobs)} log-probabilities for {len(choices)} choices"
        return SampleScore(gold=choices[gold], reason=reason)
    if any(isnan(p) for p in logprobs):
        return SampleScore(gold=choices[gold], reason="a log-probability is not a number")
    best = argmax(logprobs)
    scores = {"acc": float(best == gold)}
    if with_norm:
        # The harness divides by a length of zero, which gives minus infinity.
        best_norm = argmax(
            [p / len(c) if c else -inf for p, c in zip(logprobs, choices, strict=True)]
        )
        scores["acc_norm"] = float(best_norm == gold)
        return SampleScore(scores=scores, extracted=choices[best_norm], gold=choices[gold])
    return SampleScore(scores=scores, extracted=choices[best], gold=choices[gold])


def argmax(values: Sequence[float]) -> int:
    """Index of the largest value, the first on ties."""
    return max(range(len(values)), key=lambda i: (values[i], -i))
