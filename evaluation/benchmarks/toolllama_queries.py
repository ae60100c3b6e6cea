"""Queries: which of the offered APIs a request needs, asked and scored as a set of names."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from evaluation.benchmarks.toolllama_rows import Api, QueryRow
from evaluation.records import Score
from evaluation.statistics import bootstrap, wilson

# Far more than any list of names needs; bounds the time on degenerate answers.
LONGEST = 32_768
# A JSON list of pairs of texts. Not a JSON decoder, which takes long on text that nests deeply.
TEXT = r'"(?:[^"\\]|\\.)*"'
PAIR = rf"\[\s*{TEXT}\s*,\s*{TEXT}\s*\]"
PAIRS = re.compile(rf"\[\s*{PAIR}(?:\s*,\s*{PAIR})*\s*\]")

QUESTION = """\
These APIs are at hand, each as the name of its tool and its own name:
{apis}

Request: {query}

Which of these APIs have to be called to fulfil the request? Answer with nothing but a JSON list \
of their names, each written as above, in this form:
[["first tool", "first API"], ["second tool", "second API"]]"""

Name = tuple[str, str]


def problem_of_query(row: QueryRow) -> str:
    """What is wrong with a row, "" if nothing."""
    if not row.query.strip():
        return "the query is empty"
    if not row.relevant_apis:
        return "no API is relevant"
    offered = {name(api.tool_name, api.api_name) for api in row.api_list}
    for tool_name, api_name in row.relevant_apis:
        if name(tool_name, api_name) not in offered:
            return f"the relevant API '{api_name}' of '{tool_name}' is not offered"
    return ""


def question(row: QueryRow) -> str:
    """The prompt; what is asked for stands last, where a cut of a long list does not reach."""
    apis = "\n".join(map(describe_api, row.api_list))
    return QUESTION.format(apis=apis, query=row.query.strip())


def describe_api(api: Api) -> str:
    """An offered API in one line: names, description, parameters."""
    line = f"- {json.dumps([api.tool_name, api.api_name], ensure_ascii=False)}"
    description = " ".join(api.api_description.split())
    parameters = ", ".join(p.name for p in (*api.required_parameters, *api.optional_parameters))
    if description:
        line += f": {description}"
    return f"{line} (parameters: {parameters})" if parameters else line


def name(tool_name: str, api_name: str) -> Name:
    """A name for comparison: the case of letters and the width of spaces do not matter."""
    return " ".join(tool_name.split()).casefold(), " ".join(api_name.split()).casefold()


def read_names(answer: str) -> tuple[frozenset[Name], str]:
    """The names in the list that an answer states last, and its source; none without a list."""
    found: tuple[frozenset[Name], str] = (frozenset(), "")
    for match in PAIRS.finditer(answer[-LONGEST:]):
        try:
            stated = json.loads(match.group())
        except ValueError:
            continue  # a text with a line break or an unknown escape in it
        found = frozenset(name(*one) for one in stated), match.group()
    return found


def score_names(names: frozenset[Name], row: QueryRow) -> dict[str, float]:
    """Precision, recall and F1 of a set of names (all 0 for an empty one), and how many there are
    with the share of those that were not offered."""
    wanted = {name(*one) for one in row.relevant_apis}
    offered = {name(api.tool_name, api.api_name) for api in row.api_list}
    right = len(names & wanted)
    scores = {
        "api_f1": 2 * right / (len(names) + len(wanted)),
        "api_precision": right / len(names) if names else 0.0,
        "api_recall": right / len(wanted),
        "api_names": float(len(names)),
    }
    if names:
        scores["api_hallucination_rate"] = len(names - offered) / len(names)
    return scores


def rate_over_names(metric: str, scores: Sequence[dict[str, float]]) -> Score:
    """A rate over all names that were given, not over queries; `n` is the number of names."""
    counted = [(one["api_names"], one[metric]) for one in scores if metric in one]
    if not counted:
        return Score(metric=metric, value=None, n=0, reason="no API was named")
    value = weighted_mean(counted)
    # Resampling equal values would give an interval of no width. Names of one query are no
    # independent trials, so the queries are.
    alike = value in (0.0, 1.0)
    return Score(
        metric=metric,
        value=value,
        n=round(sum(weight for weight, _ in counted)),
        interval=wilson(round(value * len(counted)), len(counted))
        if alike
        else bootstrap(counted, weighted_mean),
    )


def weighted_mean(pairs: Sequence[tuple[float, float]]) -> float:
    """The mean of (weight, value) pairs."""
    return sum(weight * value for weight, value in pairs) / sum(weight for weight, _ in pairs)
