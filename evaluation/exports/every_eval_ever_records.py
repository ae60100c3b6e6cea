"""The records of Every Eval Ever: the fields of its schema 0.2.2 that we have facts for.

Named as in eval.schema.json of evaleval/every_eval_ever; free facts are strings there.
"""

from __future__ import annotations

from typing import Literal

from evaluation.records import Record

SCHEMA = "0.2.2"
LIBRARY = "evaluation-pipeline"
Details = dict[str, str]


class SourceMetadata(Record):
    """Who evaluated and how the scores came about."""

    source_name: str = LIBRARY
    source_type: Literal["evaluation_run"] = "evaluation_run"
    source_organization_name: str = "not stated"
    evaluator_relationship: Literal["first_party", "third_party", "collaborative", "other"] = (
        "other"
    )
    additional_details: Details


class NameAndVersion(Record):
    """A program."""

    name: str
    version: str
    additional_details: Details | None = None


class ModelInfo(Record):
    """The model and what it ran on."""

    name: str
    id: str
    developer: str | None = None
    inference_platform: str | None = None
    inference_engine: NameAndVersion | None = None
    additional_details: Details


class SourceData(Record):
    """The rows: a dataset of the Hub, or `other` for bundled samples."""

    dataset_name: str
    source_type: Literal["hf_dataset", "other"]
    hf_repo: str | None = None
    hf_split: str | None = None
    sample_ids: list[str] | None = None
    additional_details: Details


class MetricConfig(Record):
    """What a score means."""

    metric_id: str
    metric_name: str
    lower_is_better: bool
    score_type: Literal["continuous"] = "continuous"
    min_score: float
    max_score: float
    additional_details: Details


class ConfidenceInterval(Record):
    """An interval and how it was computed."""

    lower: float
    upper: float
    confidence_level: float
    method: str


class Uncertainty(Record):
    """How sure a score is."""

    confidence_interval: ConfidenceInterval | None = None
    num_samples: int


class ScoreDetails(Record):
    """A score."""

    score: float
    uncertainty: Uncertainty
    details: Details


class GenerationConfig(Record):
    """How the questions were asked."""

    additional_details: Details


class EvaluationResult(Record):
    """One metric of one dataset."""

    evaluation_result_id: str
    evaluation_name: str
    source_data: SourceData
    evaluation_timestamp: str
    metric_config: MetricConfig
    score_details: ScoreDetails
    generation_config: GenerationConfig


class EveryEvalEver(Record):
    """The file of one model."""

    schema_version: str = SCHEMA
    evaluation_id: str
    evaluation_timestamp: str
    retrieved_timestamp: str
    source_metadata: SourceMetadata
    eval_library: NameAndVersion
    model_info: ModelInfo
    evaluation_results: list[EvaluationResult]
