"""Our own JSON Schemas of what other services read, for checking exports.

Written from the facts of their formats: which fields are required, of what type, and that nothing
else may stand there. Every Eval Ever: schema 0.2.2; the Hub: `.eval_results` and `model-index`.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "minLength": 1}
DETAILS = {"type": "object", "additionalProperties": {"type": "string"}}
EPOCH = {"type": "string", "pattern": r"^\d+(\.\d+)?$"}
MOMENT = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d"}
COMMIT = {"type": "string", "pattern": "^[0-9a-f]{40}$"}


def closed(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | optional,
        "additionalProperties": False,
    }


PROGRAM = closed({"name": TEXT, "version": TEXT}, additional_details=DETAILS)
FROM_HUB = closed(
    {"dataset_name": TEXT, "source_type": {"const": "hf_dataset"}},
    hf_repo={"type": "string", "pattern": "^[^/ ]+/[^/ ]+$"},
    hf_split=TEXT,
    samples_number={"type": "integer"},
    sample_ids={"type": "array", "items": {"type": "string"}},
    additional_details=DETAILS,
)
FROM_ELSEWHERE = closed(
    {"dataset_name": TEXT, "source_type": {"const": "other"}}, additional_details=DETAILS
)
METRIC = closed(
    {"lower_is_better": {"type": "boolean"}},
    metric_id=TEXT,
    metric_name=TEXT,
    score_type={"const": "continuous"},
    min_score={"type": "number"},
    max_score={"type": "number"},
    additional_details=DETAILS,
) | {"dependentRequired": {"score_type": ["min_score", "max_score"]}}
INTERVAL = closed(
    {"lower": {"type": "number"}, "upper": {"type": "number"}},
    confidence_level={"type": "number", "minimum": 0, "maximum": 1},
    method=TEXT,
)
SCORE = closed(
    {"score": {"type": "number"}},
    details=DETAILS,
    uncertainty=closed({}, confidence_interval=INTERVAL, num_samples={"type": "integer"}),
)
EVERY_EVAL_EVER = closed(
    {
        "schema_version": {"const": "0.2.2"},
        "evaluation_id": {"type": "string", "pattern": r"^[^/]+/.+/\d+$"},
        "retrieved_timestamp": EPOCH,
        "source_metadata": closed(
            {
                "source_type": {"enum": ["documentation", "evaluation_run"]},
                "source_organization_name": TEXT,
                "evaluator_relationship": {
                    "enum": ["first_party", "third_party", "collaborative", "other"]
                },
            },
            source_name=TEXT,
            additional_details=DETAILS,
        ),
        "eval_library": PROGRAM,
        "model_info": closed(
            {"name": TEXT, "id": TEXT},
            developer=TEXT,
            inference_platform=TEXT,
            inference_engine=PROGRAM,
            additional_details=DETAILS,
        ),
        "evaluation_results": {
            "type": "array",
            "items": closed(
                {
                    "evaluation_name": TEXT,
                    "source_data": {"oneOf": [FROM_HUB, FROM_ELSEWHERE]},
                    "metric_config": METRIC,
                    "score_details": SCORE,
                },
                evaluation_result_id=TEXT,
                evaluation_timestamp=MOMENT,
                generation_config=closed({}, additional_details=DETAILS),
            ),
        },
    },
    evaluation_timestamp=MOMENT,
)

EVAL_RESULTS = {
    "type": "array",
    "items": closed(
        {
            "dataset": closed(
                {"id": {"type": "string", "pattern": "^[^/ ]+/[^/ ]+$"}, "task_id": TEXT},
                revision=COMMIT,
            ),
            "value": {"type": "number"},
        },
        date=MOMENT,
        notes=TEXT,
    ),
}

MODEL_INDEX = closed(
    {
        "model-index": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": closed(
                {
                    "name": TEXT,
                    "results": {
                        "type": "array",
                        "items": closed(
                            {
                                "task": closed({"type": TEXT}, name=TEXT),
                                "dataset": closed(
                                    {"name": TEXT, "type": TEXT},
                                    config=TEXT,
                                    split=TEXT,
                                    revision=COMMIT,
                                    args={"type": "object"},
                                ),
                                "metrics": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": closed(
                                        {"type": TEXT, "value": {"type": "number"}}, name=TEXT
                                    ),
                                },
                            }
                        ),
                    },
                }
            ),
        }
    }
)
