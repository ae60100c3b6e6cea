"""A client of one server with the OpenAI API, and the words for what goes wrong there.

The key comes from the environment and is in no record, log or message.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from evaluation.config import EndpointSettings
from evaluation.engines.openai_reply import storable
from evaluation.errors import EvaluationError, first_line

# With back-offs of up to 8 seconds, or as long as the server asks for (at most two minutes).
RETRIES = 6


class Connection:
    """The client of one server; `section` is where the configuration describes it."""

    def __init__(
        self,
        endpoint: EndpointSettings,
        section: str,
        *,
        timeout: float | None = None,
        retries: int = RETRIES,
    ) -> None:
        from openai import OpenAI

        # The clients' own lines, one a request, would bury what the log is for.
        for chatty in ("openai", "httpx", "httpx2"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self.endpoint = endpoint
        self.section = section
        self.key = api_key(endpoint, section)
        # Without a key of its own the client would take OPENAI_API_KEY and send it anywhere.
        self.client = OpenAI(
            api_key=self.key or "none",
            base_url=endpoint.base_url,
            timeout=timeout or endpoint.timeout_seconds,
            max_retries=retries,
        )

    def fatal(self, error: Exception) -> EvaluationError | None:
        """The error that ends the job if no request of it can succeed, or None."""
        import openai

        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return self._refused(error.status_code)
        if isinstance(error, openai.NotFoundError):
            return EvaluationError(
                f"The server knows no such address or model: {self.plain(error)}",
                where=self.where,
                remedy=f"correct {self.section}.base_url (it usually ends in /v1) or "
                f"{self.section}.model",
            )
        return None

    @staticmethod
    def passing(error: Exception) -> bool:
        """Whether a failure may be the server's and pass."""
        import openai

        return isinstance(
            error,
            openai.APIConnectionError
            | openai.ConflictError
            | openai.InternalServerError
            | openai.RateLimitError,
        )

    def plain(self, error: BaseException) -> str:
        """An error as one line with its cause, without the key, which servers like to quote."""
        text = self._line(error)
        return f"{text} ({self._line(error.__cause__)})" if error.__cause__ else text

    def _line(self, error: BaseException) -> str:
        return storable(first_line(error, 2000).replace(self.key or "\0", "***")[:300])

    @property
    def where(self) -> str:
        """Which server and model, for messages."""
        return f"{self.section}: model {self.endpoint.model} at {self.endpoint.base_url}"

    def _refused(self, status: int) -> EvaluationError:
        variable = self.endpoint.api_key_env
        return EvaluationError(
            f"The server refuses the key (HTTP {status})."
            if variable
            else f"The server wants a key (HTTP {status}).",
            where=self.where,
            remedy=f"put a valid key into the environment variable {variable}"
            if variable
            else "put the key into an environment variable and name that in "
            f"{self.section}.api_key_env",
        )

    def outage(self, error: str | None) -> EvaluationError:
        """The error of a server that does not answer."""
        return EvaluationError(
            f"The server does not answer: {error}",
            where=self.where,
            remedy="run the same command again once it does; finished responses are kept",
        )

    def chat(self, **request: Any) -> Any:
        """A chat completion."""
        return self.client.chat.completions.create(model=self.endpoint.model, **request)

    def complete(self, **request: Any) -> Any:
        """What follows a plain prompt."""
        return self.client.completions.create(model=self.endpoint.model, **request)


def api_key(endpoint: EndpointSettings, section: str) -> str | None:
    """The endpoint's key, or None where it needs none; raises EvaluationError if it is missing."""
    variable = endpoint.api_key_env
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise EvaluationError(
            f"The environment variable {variable} holds no key.",
            where=f"{section}.api_key_env",
            remedy=f"export {variable}=... with the server's key, then run the same command again",
        )
    return key
