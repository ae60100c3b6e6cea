"""What a reader must know before a number, in words."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.records import Counts, DatasetManifest, JudgeFacts, Score, Session


def flags(
    counts: Counts,
    scores: Sequence[Score],
    dataset: DatasetManifest,
    sessions: Sequence[Session],
    backoffs: int,
    judge: JudgeFacts | None,
    sandbox: str,
) -> list[str]:
    """What a reader must know before the number, in words."""
    found = [score.reason for score in scores if score.primary and score.reason]
    if dataset.source != "hub":
        found.append(
            "bundled samples, not the benchmark" if dataset.source == "bundled" else "local mirror"
        )
    if counts.samples < counts.requested:
        found.append(f"{counts.samples} of {counts.requested} samples: the dataset has no more")
    for number, what in (
        (counts.failed, "failed"),
        (counts.unscorable, "unscorable"),
        (counts.truncated_answers, "truncated answers"),
        (counts.truncated_prompts, "truncated prompts"),
    ):
        if number:
            found.append(f"{number} {what}")
    if len({(s.dtype, s.hardware.device, s.packages.get("torch")) for s in sessions}) > 1:
        found.append("responses of different devices, number formats or versions")
    if backoffs:
        found.append(f"{backoffs} answered in smaller batches after a failed one")
    if counts.not_scored and counts.scored:
        found.append(f"{counts.not_scored} not scored")
    if sandbox == "none":
        found.append("programs ran without a sandbox")
    if judge is not None:
        valid = any(score.primary and score.value is not None for score in scores)
        found += _judge_flags(judge, valid=valid)
    return found


def _judge_flags(judge: JudgeFacts, *, valid: bool) -> list[str]:
    """What a reader must know about the ratings; why they are not valid is said elsewhere."""
    found = ["self-judged"] if judge.self_judged else []
    if valid and judge.parsed < judge.asked:
        found.append(f"{judge.asked - judge.parsed} of {judge.asked} ratings could not be read")
    if judge.failed:
        found.append(f"{judge.failed} of the judge's requests failed")
    if judge.truncated_prompts:
        found.append(f"{judge.truncated_prompts} of the judge's prompts were truncated")
    return found


def title(name: str, dataset: DatasetManifest) -> str:
    """The benchmark's title, unless only its form is meant."""
    return f"bundled samples in the form of {name}" if dataset.source == "bundled" else name
