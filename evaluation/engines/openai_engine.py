"""An engine behind a server with the OpenAI API: the cloud's, or vLLM's, SGLang's, llama.cpp's.

It has some requests under way at a time: chats, plain prompts, and log-probabilities of prompts
where the server gives them. The client backs off and asks again where the server is busy or cannot
be reached; what still fails after that costs its own request, and an outage ends the job, whose
finished responses are kept.

`REVISION` is part of every request's key. Raise it when a change here can change a response.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

from evaluation.benchmarks.base import AnyRequest
from evaluation.config import EndpointSettings
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.counters import Counters
from evaluation.engines.openai_client import RETRIES, Connection
from evaluation.engines.openai_reply import (
    NOT_REPORTED,
    Reply,
    read_chat,
    read_completion,
    read_echo,
)
from evaluation.engines.prompts import common_context
from evaluation.errors import EvaluationError
from evaluation.machine import hardware, packages
from evaluation.records import (
    Ceiling,
    ContinuationScore,
    GenerateRequest,
    LoglikelihoodRequest,
    Response,
    Session,
)

log = logging.getLogger(__name__)
REVISION = 1
PACKAGES = ("openai", "httpx2")
# So many requests in a row that found no working server are an outage.
OUTAGE = 16


class OpenAIEngine:
    """One model of a server; see `engines.base.Engine`.

    `section` is where the configuration describes the server; `thinking` is sent along unless it
    is None.
    """

    def __init__(
        self,
        name: str,
        endpoint: EndpointSettings,
        *,
        section: str = "judge.endpoint",
        preset_name: str = "none",
        thinking: bool | None = None,
        timeout: float | None = None,
        retries: int = RETRIES,
    ) -> None:
        self.server = Connection(endpoint, section, timeout=timeout, retries=retries)
        self.counters = Counters()
        self.name = name
        self.endpoint = endpoint
        self.preset_name = preset_name
        self.extra = (
            {}
            if thinking is None
            else {"extra_body": {"chat_template_kwargs": {"enable_thinking": thinking}}}
        )
        # What the room for an answer is called; some servers know only the newer name.
        self.room = "max_tokens"
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self.sessions: dict[str, Session] = {}
        self.session = self._session(NOT_REPORTED)

    def run(self, pool: Pool) -> Iterator[Response]:
        """Answer everything in the pool, at most `concurrency` requests at a time."""
        executor = ThreadPoolExecutor(self.endpoint.concurrency)
        waiting: dict[Future[Reply], PooledRequest] = {}
        held: list[tuple[PooledRequest, Reply]] = []
        works, last = False, perf_counter()
        try:
            while pool or waiting:
                while pool and len(waiting) < self.endpoint.concurrency:
                    pooled = pool.popleft()
                    waiting[executor.submit(self._ask, pooled)] = pooled
                rows = len(waiting)
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    pooled, reply = waiting.pop(future), future.result()
                    held.append((pooled, reply))
                    if reply.outage:
                        if len(held) >= max(OUTAGE, self.endpoint.concurrency):
                            raise self.server.outage(reply.error)
                        continue
                    # Something came back, so what failed before it failed by itself.
                    works = True
                    for done, answer in held:
                        now = perf_counter()
                        tokens = answer.prompt_tokens + answer.completion_tokens
                        self.counters.add("mixed", tokens=tokens, seconds=now - last, rows=rows)
                        yield self._response(done, answer, rows, now - last)
                        last = now
                    held.clear()
            if held and not works:
                raise self.server.outage(held[0][1].error)
            for done, answer in held:
                yield self._response(done, answer, 1, 0.0)
        except BaseException:
            # Requests under way would hold the process until they time out.
            self.server.client.close()
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown()

    def ceiling(self) -> Ceiling | None:
        """None: the server's machine is not ours to measure."""
        return None

    def _ask(self, pooled: PooledRequest) -> Reply:
        """One request with its retries; raises EvaluationError where no request can succeed."""
        try:
            return self._answer(pooled.request)
        except EvaluationError:
            raise
        except Exception as error:
            # Too long for the model, say, or an answer that is not JSON.
            fatal = self.server.fatal(error)
            if fatal is not None:
                raise fatal from None
            return self._failed(pooled, self.server.plain(error), outage=self.server.passing(error))

    def _answer(self, request: AnyRequest) -> Reply:
        start = perf_counter()
        if isinstance(request, LoglikelihoodRequest):
            return self._score(request, start)
        if not request.messages:
            return read_completion(
                self.server.complete(
                    prompt=request.prompt, max_tokens=request.max_new_tokens, **_sampling(request)
                ),
                perf_counter() - start,
            )
        return read_chat(self._chat(request), perf_counter() - start)

    def _chat(self, request: GenerateRequest) -> Any:
        import openai

        given = _sampling(request) | self.extra
        if request.tools:
            tools = [{"type": "function", "function": t.model_dump()} for t in request.tools]
            given["tools"] = tools
        messages = [m.model_dump() for m in request.messages]
        room = self.room
        try:
            return self.server.chat(messages=messages, **{room: request.max_new_tokens}, **given)
        except openai.BadRequestError as error:
            newer = "max_completion_tokens"
            if room == newer or newer not in str(error):
                raise
        self.room = newer
        return self.server.chat(messages=messages, **{newer: request.max_new_tokens}, **given)

    def _score(self, request: LoglikelihoodRequest, start: float) -> Reply:
        """Log-probabilities, with tokens split as the reference harness splits them.

        A continuation's tokens are those of the whole text beyond the number of its context's, so
        the server is asked for that number too.
        """
        if not request.continuations:
            raise ValueError("the request has no continuations to score")
        counts: dict[str, int] = {}
        scores, prompt_tokens, revision = [], 0, NOT_REPORTED
        for one in request.continuations:
            context = one.context.rstrip()
            text = one.context[len(context) :] + one.text
            if not context or not text:
                raise ValueError("a server scores no continuation that, or whose context, is empty")
            if context not in counts:
                # One token, because some servers take 0 for no limit.
                head = self.server.complete(prompt=context, max_tokens=1, temperature=0.0)
                counts[context] = int(head.usage.prompt_tokens)
            echo = read_echo(
                self.server.complete(
                    prompt=context + text, max_tokens=1, temperature=0.0, echo=True, logprobs=1
                )
            )
            target = echo.prompt_tokens - counts[context]
            scores.append(ContinuationScore(logprob=echo.last(target), tokens=target))
            prompt_tokens, revision = prompt_tokens + echo.prompt_tokens, echo.revision
        return Reply(
            continuations=tuple(scores),
            finish_reason="scored",
            prompt_tokens=prompt_tokens,
            revision=revision,
            latency_seconds=perf_counter() - start,
        )

    def _failed(self, pooled: PooledRequest, error: str, *, outage: bool = False) -> Reply:
        log.warning("sample %s failed: %s", pooled.request.sample_id, error)
        return Reply(error=error, outage=outage)

    def _response(self, pooled: PooledRequest, reply: Reply, rows: int, seconds: float) -> Response:
        request = pooled.request
        prompt, continuations = _shown(request), list(reply.continuations)
        if isinstance(request, LoglikelihoodRequest) and continuations:
            texts = common_context(request.continuations)[1]
            continuations = [
                one.model_copy(update={"text": text})
                for one, text in zip(continuations, texts, strict=True)
            ]
        self.session = self._session(reply.revision)
        return Response(
            key=pooled.key,
            sample_id=request.sample_id,
            turn=request.turn,
            repeat=request.repeat,
            session=self.session.id,
            prompt=prompt,
            text=reply.text,
            continuations=continuations,
            finish_reason=reply.finish_reason,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            thinking_tokens=reply.thinking_tokens,
            latency_seconds=reply.latency_seconds,
            engine_seconds=seconds,
            batch_rows=rows,
            error=reply.error,
        )

    def _session(self, revision: str) -> Session:
        """The session of all answers of one revision: a server may change its model meanwhile."""
        if revision not in self.sessions:
            if len(self.sessions) > 1:
                log.warning("the server now reports the model as %s", revision)
            self.sessions[revision] = Session(
                id=uuid4().hex,
                model=self.name,
                revision=revision,
                preset=self.preset_name,
                engine="openai",
                engine_revision=REVISION,
                dtype="unknown",
                exact=False,
                started=self.started,
                load_seconds=0.0,
                packages=packages(PACKAGES),
                hardware=hardware("endpoint"),
                notes=[f"model {self.endpoint.model} at {self.endpoint.base_url}"],
            )
        return self.sessions[revision]


def _sampling(request: GenerateRequest) -> dict[str, Any]:
    given: dict[str, Any] = {"temperature": request.temperature}
    if request.stop:
        given["stop"] = list(request.stop)
    if request.temperature > 0:
        given["seed"] = request.seed  # greedy decoding needs none, and some servers refuse it
    return given


def _shown(request: AnyRequest) -> str:
    """The prompt as far as it is known: a server's chat template is not."""
    if isinstance(request, LoglikelihoodRequest):
        return common_context(request.continuations)[0] if request.continuations else ""
    if not request.messages:
        return request.prompt
    return "\n\n".join(f"[{m.role}]\n{m.content}" for m in request.messages)
