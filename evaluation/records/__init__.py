"""The typed records that cross module and file boundaries.

Every file the workflow writes is made of these models, so that a file from another version or a
truncated one is named instead of half-read. Sizes are in bytes, times in seconds, lengths in
tokens unless the name says otherwise.
"""

from __future__ import annotations

from evaluation.records._inputs import (
    SCHEMA_VERSION,
    DatasetManifest,
    FinishReason,
    ModelFile,
    ModelManifest,
    Protocol,
    Record,
    Sample,
    SourceKind,
)
from evaluation.records._responses import (
    Continuation,
    ContinuationScore,
    DeviceUse,
    GenerateRequest,
    Hardware,
    LoglikelihoodRequest,
    Message,
    Phase,
    PhaseName,
    Request,
    Response,
    ResponsesHeader,
    Session,
    Tool,
    Usage,
)
from evaluation.records._results import (
    Aggregate,
    CategoryScore,
    Cell,
    Counts,
    Interval,
    JudgeFacts,
    Performance,
    Provenance,
    Result,
    SampleResult,
    SampleScore,
    Score,
    Turn,
)

__all__ = [
    "SCHEMA_VERSION",
    "Aggregate",
    "CategoryScore",
    "Cell",
    "Continuation",
    "ContinuationScore",
    "Counts",
    "DatasetManifest",
    "DeviceUse",
    "FinishReason",
    "GenerateRequest",
    "Hardware",
    "Interval",
    "JudgeFacts",
    "LoglikelihoodRequest",
    "Message",
    "ModelFile",
    "ModelManifest",
    "Performance",
    "Phase",
    "PhaseName",
    "Protocol",
    "Provenance",
    "Record",
    "Request",
    "Response",
    "ResponsesHeader",
    "Result",
    "Sample",
    "SampleResult",
    "SampleScore",
    "Score",
    "Session",
    "SourceKind",
    "Tool",
    "Turn",
    "Usage",
]
