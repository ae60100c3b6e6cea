"""The default engine: transformers models in this process, batched over all datasets.

`REVISION` is part of every request's key. Raise it when a change here, or in the modules this one
uses, can change a response; a golden test fails when it was forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evaluation.ceiling import ceiling
from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.counters import Counters
from evaluation.engines.loading import device_hardware, end_tokens, load, notes, rope_switch
from evaluation.engines.prompts import Renderer, common_context
from evaluation.engines.waiting import Waiting
from evaluation.errors import EvaluationError, first_line
from evaluation.machine import packages, peak_resident_memory
from evaluation.records import (
    Ceiling,
    GenerateRequest,
    LoglikelihoodRequest,
    ModelManifest,
    Response,
    Session,
)
from evaluation.thinking import split_thinking

if TYPE_CHECKING:
    from evaluation.engines.decoding import Row
    from evaluation.engines.generation import Generation
    from evaluation.engines.prefix import Windows

log = logging.getLogger(__name__)
REVISION = 3
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")


class TransformersEngine:
    """One loaded model; see `engines.base.Engine`."""

    def __init__(
        self,
        manifest: ModelManifest,
        settings: EngineSettings,
        preset_name: str,
        preset: Preset,
        *,
        thinking: bool,
        threads: int | None = None,
    ) -> None:
        loaded = load(manifest, settings, threads, preset.weights)
        self.model = loaded.model
        self.tokenizer = loaded.tokenizer
        self.device = loaded.device
        self.preset = preset
        self.exact = settings.exact
        self.counters = Counters()
        self.renderer = Renderer(self.tokenizer, manifest.context_length, thinking=thinking)
        self.rope_switch = rope_switch(self.model)
        self.end_tokens = end_tokens(self.model, self.tokenizer)
        self.session = Session(
            id=uuid4().hex,
            model=manifest.model,
            revision=manifest.revision,
            preset=preset_name,
            engine="transformers",
            engine_revision=REVISION,
            dtype=loaded.dtype,
            exact=settings.exact,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            load_seconds=loaded.seconds,
            packages=packages(PACKAGES),
            hardware=device_hardware(self.device),
            notes=[*notes(self.renderer), *loaded.notes],
        )
        log.info(
            "loaded %s on %s in %s: %.1f s",
            manifest.model,
            self.device,
            loaded.dtype,
            loaded.seconds,
        )

    def run(self, pool: Pool) -> Iterator[Response]:
        """Answer everything in the pool, batch by batch."""
        if any(isinstance(pooled.request, LoglikelihoodRequest) for pooled in pool):
            # Before the first response: the session is written with it, notes included.
            _ = self.windows
        texts = any(isinstance(pooled.request, GenerateRequest) for pooled in pool)
        generation = self._generation() if texts else None
        try:
            yield from self._drain(pool, generation)
        finally:
            if generation:
                generation.close()

    def ceiling(self) -> Ceiling | None:
        """Measured where the model's passes are those of its weights."""
        return ceiling(self.model)

    def _drain(self, pool: Pool, generation: Generation | None) -> Iterator[Response]:
        waiting: list[Waiting] = []
        while pool or waiting or (generation and generation.busy):
            while pool:
                pooled = pool.popleft()
                try:
                    waiting.append(self._tokenise(pooled))
                except Exception as error:
                    # A template or tokenizer that cannot take one text costs one sample.
                    yield self._failure(pooled, error)
            asked = [w for w in waiting if w.prompt is not None]
            if asked:
                generation = generation or self._generation()
                generation.add(asked)
                waiting = [w for w in waiting if w.prompt is None]
            # Generation first: its follow-ups then still have a batch to join.
            if generation and generation.busy:
                for item, row in generation.step():
                    yield self._answered(item, row)
            elif waiting:
                if generation:
                    generation.close()
                batch, waiting = waiting, []
                yield from self._score(batch)

    def _generation(self) -> Generation:
        from evaluation.engines.decoding import Texts
        from evaluation.engines.generation import Generation

        generation = Generation(
            self.model,
            Texts(self.tokenizer, self.end_tokens),
            self.preset,
            self.counters,
            rope_switch=self.rope_switch,
            exact=self.exact,
        )
        self._note(generation.notes)
        return generation

    def _note(self, new: list[str]) -> None:
        notes = [*self.session.notes, *(note for note in new if note not in self.session.notes)]
        self.session = self.session.model_copy(update={"notes": notes})

    def _tokenise(self, pooled: PooledRequest) -> Waiting:
        request = pooled.request
        if isinstance(request, GenerateRequest):
            return Waiting(pooled, prompt=self.renderer.render(request))
        if not request.continuations:
            raise ValueError("the request has no continuations to score")
        tokens = tuple(self.renderer.continuation(c) for c in request.continuations)
        return Waiting(pooled, continuations=tokens)

    def _answered(self, item: Waiting, row: Row) -> Response:
        if row.error is not None:
            failed = self._failure(item.pooled, row.error)
            return failed.model_copy(update={"backoffs": row.backoffs})
        prompt = item.prompt
        assert prompt is not None
        assert row.finish is not None
        thinking, _ = split_thinking(row.text)
        return self._response(
            item.pooled,
            prompt=prompt.text,
            text=row.text,
            finish_reason=row.finish,
            prompt_tokens=len(prompt.tokens),
            shared_tokens=row.shared_tokens,
            completion_tokens=len(row.tokens),
            thinking_tokens=len(self.tokenizer(thinking)["input_ids"]) if thinking else 0,
            truncated_prompt_tokens=prompt.cut,
            latency_seconds=row.latency_seconds,
            engine_seconds=row.engine_seconds,
            prefill_seconds=row.prefill_seconds,
            batch_rows=row.batch_rows,
            backoffs=row.backoffs,
        )

    def _score(self, waiting: list[Waiting]) -> Iterator[Response]:
        """Score all at once, so that what requests have in common is computed once.

        With `exact`, each dataset is by itself.
        """
        groups = sorted({item.group for item in waiting}) if self.exact else [""]
        for group in groups:
            yield from self._score_group([w for w in waiting if group in ("", w.group)])

    def _score_group(self, items: list[Waiting]) -> Iterator[Response]:
        from evaluation.engines.loglikelihood import Scorer, score_all

        scorer = Scorer(
            self.model,
            self.tokenizer.pad_token_id or 0,
            self.windows,
            self.preset.batch_tokens,
            self.rope_switch,
            self.counters,
        )
        for done in score_all(scorer, [item.continuations for item in items]):
            item, error = items[done.index], done.error
            request = item.pooled.request
            assert isinstance(request, LoglikelihoodRequest)
            if not error and not all(isfinite(one.logprob) for one in done.scores):
                error = ArithmeticError("the model gave a log-probability that is not a number")
            if error:
                failed = self._failure(item.pooled, error)
                yield failed.model_copy(update={"backoffs": done.backoffs})
                continue
            prompt, texts = common_context(request.continuations)
            yield self._response(
                item.pooled,
                prompt=prompt,
                continuations=[
                    one.model_copy(update={"text": text})
                    for one, text in zip(done.scores, texts, strict=True)
                ],
                finish_reason="scored",
                prompt_tokens=item.prompt_length,
                shared_tokens=item.prompt_length - done.computed,
                truncated_prompt_tokens=max(c.cut for c in item.continuations),
                latency_seconds=done.latency,
                engine_seconds=done.seconds,
                batch_rows=done.rows,
                backoffs=done.backoffs,
            )

    @cached_property
    def windows(self) -> Windows | None:
        """What sharing prefixes needs to know; None, with a note in the session, if it cannot."""
        from evaluation.engines.prefix_support import NotSharedError, attention_windows

        try:
            return attention_windows(self.model)
        except NotSharedError as why:
            note = f"log-likelihoods are computed without shared prefixes: {why}"
            log.warning("%s: %s", self.session.model, note)
            self._note([note])
            return None

    def _failure(self, pooled: PooledRequest, error: Exception) -> Response:
        self._check_device(error)
        log.warning("sample %s failed", pooled.request.sample_id, exc_info=error)
        return self._response(pooled, prompt="", finish_reason="error", error=first_line(error))

    def _response(self, pooled: PooledRequest, **fields: Any) -> Response:
        return Response(
            key=pooled.key,
            sample_id=pooled.request.sample_id,
            turn=pooled.request.turn,
            repeat=pooled.request.repeat,
            session=self.session.id,
            peak_memory=self._peak_memory(),
            **fields,
        )

    def _check_device(self, error: Exception) -> None:
        """Stop when the GPU itself is broken: later samples would fail for no fault of theirs."""
        import torch

        if self.device != "cuda":
            return
        try:
            torch.zeros(1, device=self.device).item()
        except RuntimeError as broken:
            raise EvaluationError(
                f"The GPU no longer answers: {first_line(broken)}",
                where=f"model {self.session.model}; the failure before: {first_line(error)}",
                remedy="run the same command again; finished responses are kept",
            ) from error

    def _peak_memory(self) -> int:
        import torch

        if self.device == "cuda":
            return int(torch.cuda.max_memory_reserved())
        return peak_resident_memory()
