"""What a scorer is given, for tests: responses and their texts under some settings."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.benchmarks.base import Evidence, PromptSettings
from evaluation.records import Protocol, Response


def evidence(
    responses: Sequence[Response], answers: Sequence[str], protocol: Protocol = "chat"
) -> Evidence:
    """Evidence of one attempt without judge or sandbox."""
    return Evidence(responses, answers, PromptSettings(protocol=protocol))
