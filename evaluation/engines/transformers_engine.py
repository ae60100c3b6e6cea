"""The default engine: transformers models in this process, batched over all datasets.

`REVISION` is part of every request's key. Raise it when a change here, or in the modules this one
uses, can change a response; a golden test fails when it was forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from time import perf_counter
from typing import Any
from uuid import uuid4

from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.batching import take_batch
from evaluation.engines.loading import device_hardware, end_tokens, load, notes, rope_switch
from evaluation.engines.prompts import Renderer, common_context
from evaluation.engines.waiting import Waiting
from evaluation.errors import EvaluationError, first_line
from evaluation.machine import packages, peak_resident_memory
from evaluation.records import (
    GenerateRequest,
    LoglikelihoodRequest,
    ModelManifest,
    Response,
    Session,
)
from evaluation.thinking import split_thinking

log = logging.getLogger(__name__)
REVISION = 1
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
        loaded = load(manifest, settings, threads)
        self.model = loaded.model
        self.tokenizer = loaded.tokenizer
        self.device = loaded.device
        self.preset = preset
        self.exact = settings.exact
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
            notes=notes(self.renderer),
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
        waiting: list[Waiting] = []
        while pool or waiting:
            while pool:
                pooled = pool.popleft()
                try:
                    waiting.append(self._tokenise(pooled))
                except Exception as error:
                    # A template or tokenizer that cannot take one text costs one sample.
                    yield self._failure(pooled, error)
            generating = [w for w in waiting if w.prompt is not None]
            # Generation first: its follow-ups then still have a batch to join.
            kind = generating or waiting
            if not kind:
                continue
            # One long row would change the position factors of every row of its batch.
            long = kind[0].longest > self.rope_switch
            kind = [w for w in kind if (w.longest > self.rope_switch) == long]
            batch = take_batch(
                kind,
                max_tokens=self.preset.batch_tokens,
                max_rows=self.preset.batch_rows if generating else len(kind),
                exact=self.exact,
            )
            taken = {id(w) for w in batch}
            waiting = [w for w in waiting if id(w) not in taken]
            yield from self._run_batch(batch)

    def _tokenise(self, pooled: PooledRequest) -> Waiting:
        request = pooled.request
        if isinstance(request, GenerateRequest):
            return Waiting(pooled, prompt=self.renderer.render(request))
        if not request.continuations:
            raise ValueError("the request has no continuations to score")
        tokens = tuple(self.renderer.continuation(c) for c in request.continuations)
        return Waiting(pooled, continuations=tokens)

    def _run_batch(self, batch: list[Waiting], backoffs: int = 0) -> Iterator[Response]:
        """Run a batch; when it fails, run its halves, down to the one sample at fault.

        `backoffs` counts the halvings so far; responses carry it.
        """
        answered: set[str] = set()
        try:
            for response in self._generate(batch) if batch[0].prompt else self._score(batch):
                answered.add(response.key)
                yield response.model_copy(update={"backoffs": backoffs})
            return
        except Exception as error:
            log.warning("a batch of %d failed: %s", len(batch), first_line(error))
            if len(batch) == 1 and not answered:
                yield self._failure(batch[0].pooled, error)
                return
        # Out of the handler: the error's traceback held the memory of the failed batch.
        self._free_memory()
        left = [w for w in batch if w.pooled.key not in answered]
        middle = max(1, len(left) // 2)
        for part in (left[:middle], left[middle:]):
            if part:
                yield from self._run_batch(part, backoffs + 1)

    def _generate(self, batch: list[Waiting]) -> Iterator[Response]:
        from evaluation.engines.decoding import Decoder, Row

        rows = {}
        for item in batch:
            request, prompt = item.pooled.request, item.prompt
            assert prompt is not None
            assert isinstance(request, GenerateRequest)
            row = Row(
                prompt=prompt.tokens,
                stop=prompt.stop,
                max_new_tokens=prompt.max_new_tokens,
                temperature=request.temperature,
                seed=request.seed,
            )
            rows[id(row)] = (item, row)
        decoder = Decoder(self.model, self.tokenizer, self.end_tokens)
        for row in decoder.run([row for _, row in rows.values()]):
            item, prompt = rows[id(row)][0], rows[id(row)][0].prompt
            assert prompt is not None
            assert row.finish is not None
            thinking, _ = split_thinking(row.text)
            yield self._response(
                item.pooled,
                prompt=prompt.text,
                text=row.text,
                finish_reason=row.finish,
                prompt_tokens=len(prompt.tokens),
                completion_tokens=len(row.tokens),
                thinking_tokens=len(self.tokenizer(thinking)["input_ids"]) if thinking else 0,
                truncated_prompt_tokens=prompt.cut,
                latency_seconds=row.latency_seconds,
                engine_seconds=row.engine_seconds,
                batch_rows=len(batch),
            )

    def _score(self, batch: list[Waiting]) -> Iterator[Response]:
        from evaluation.engines.loglikelihood import score_continuations

        start = perf_counter()
        results = score_continuations(
            self.model,
            self.tokenizer.pad_token_id or 0,
            self.model.config.get_text_config().vocab_size,
            [item.continuations for item in batch],
            max_tokens=min(self.preset.batch_tokens, 8192),
        )
        for index, scores, seconds in results:
            item = batch[index]
            request = item.pooled.request
            assert isinstance(request, LoglikelihoodRequest)
            if not all(isfinite(one.logprob) for one in scores):
                error = ArithmeticError("the model gave a log-probability that is not a number")
                yield self._failure(item.pooled, error)
                continue
            prompt, texts = common_context(request.continuations)
            yield self._response(
                item.pooled,
                prompt=prompt,
                continuations=[
                    one.model_copy(update={"text": text})
                    for one, text in zip(scores, texts, strict=True)
                ],
                finish_reason="scored",
                prompt_tokens=item.prompt_length,
                truncated_prompt_tokens=max(c.cut for c in item.continuations),
                latency_seconds=perf_counter() - start,
                engine_seconds=seconds,
                batch_rows=len(batch),
            )

    def _failure(self, pooled: PooledRequest, error: Exception) -> Response:
        self._check_device(error)
        log.warning("sample %s failed", pooled.request.sample_id, exc_info=error)
        return self._response(pooled, prompt="", finish_reason="error", error=first_line(error))

    def _response(self, pooled: PooledRequest, **fields: Any) -> Response:
        return Response(
            key=pooled.key,
            sample_id=pooled.request.sample_id,
            turn=pooled.request.turn,
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

    def _free_memory(self) -> None:
        import gc

        import torch

        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()
