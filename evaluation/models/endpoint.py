"""A model behind a server: nothing to fetch, but to find out whether it is there and what it is."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from evaluation.config import EndpointModel
from evaluation.config_errors import suggest
from evaluation.engines.openai_client import Connection
from evaluation.engines.openai_reply import NOT_REPORTED, read_echo, storable
from evaluation.errors import EvaluationError
from evaluation.records import ModelManifest

log = logging.getLogger(__name__)
# What goes on like this after one more token is no matter of taste.
PROBES = ("1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8", "red blue red blue red blue red blue red")
# In nats; kernels and number formats differ by far less, a wrong token's by more.
TOLERANCE = 0.5


def describe_endpoint(name: str, settings: EndpointModel) -> ModelManifest:
    """The manifest of a model behind a server.

    Raises EvaluationError when the server cannot be reached, refuses the key, does not list the
    model, or does not give the log-probabilities that the configuration says it gives.
    """
    server = Connection(settings, f"models.{name}", retries=2)
    listed = _listed(server)
    if settings.completions == "logprobs":
        _check_logprobs(server)
    meta = listed.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    text = f"{settings.base_url}\n{settings.model}"
    return ModelManifest(
        model=name,
        source="endpoint",
        id=f"{settings.model} at {settings.base_url}",
        revision=storable(str(listed.get("root") or NOT_REPORTED)),
        licence=NOT_REPORTED,
        directory="",
        files=[],
        fingerprint=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        architecture=NOT_REPORTED,
        parameters=_number(meta.get("n_params")),
        context_length=_number(listed.get("max_model_len") or meta.get("n_ctx_train")),
        chat_template=True,
    )


def _listed(server: Connection) -> dict[str, Any]:
    """The model's entry in the server's list; empty where the server has no list."""
    import openai

    wanted = server.endpoint.model
    try:
        found = {model.id: model.model_dump() for model in server.client.models.list()}
    except openai.NotFoundError:
        log.warning("%s: the server has no list of models", server.where)
        return {}
    except Exception as error:
        raise server.fatal(error) or server.outage(server.plain(error)) from None
    if wanted in found:
        return found[wanted]
    known = ", ".join(sorted(str(one) for one in found)[:20]) or "none"
    raise EvaluationError(
        f"The server does not list the model {wanted}{suggest(wanted, found)}; it lists: {known}",
        where=server.where,
        remedy=f"correct {server.section}.model, or start the server with that model",
    )


def _check_logprobs(server: Connection) -> None:
    """Raise unless prompts get the log-probabilities that their last tokens had as answers.

    Some servers leave them out, and some give each token its neighbour's.
    """
    problems, agreed = [], False
    for prompt in PROBES:
        asked = {"max_tokens": 1, "temperature": 0.0, "logprobs": 1}
        try:
            given: Any = server.complete(prompt=prompt, **asked)
            answer, expected = given.choices[0].text, given.choices[0].logprobs.token_logprobs[-1]
            echo = read_echo(server.complete(prompt=prompt + answer, echo=True, **asked))
            found = echo.last(1)
        except Exception as error:
            fatal = server.fatal(error)
            if fatal is not None:
                raise fatal from None
            problems.append(server.plain(error))
            continue
        if echo.prompt_tokens != given.usage.prompt_tokens + 1:
            problems.append(f"{answer!r} after {prompt!r} is no token of its own")
        elif abs(found - expected) <= TOLERANCE:
            agreed = True
        else:
            agreed = False
            problems.append(
                f"{answer!r} after {prompt!r} had {expected:.2f} as an answer, "
                f"{found:.2f} in a prompt"
            )
            break
    if agreed:
        return
    raise EvaluationError(
        "The server does not give the log-probabilities of prompts, or not rightly: "
        + "; ".join(dict.fromkeys(problems)),
        where=server.where,
        remedy=f"set {server.section}.completions: text, and leave out multiple choice; or use a "
        "server that gives them (docs/engines.md)",
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
