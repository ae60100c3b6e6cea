"""vLLM in this process, as an optional extra (requirements/extras.txt): for large GPUs.

Requests become tokens as they do for the default engine, so that both ask the same. vLLM batches,
pages and shares prefixes by itself; a preset sets how many requests it runs at a time. Prompts with
wanted log-probabilities are computed whole: vLLM reads no cached prefix for those, because a
cached token has none.

`REVISION` is part of every request's key. Raise it when a change here can change a response.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from time import perf_counter
from typing import Any
from uuid import uuid4

from evaluation.config import EngineSettings, Preset
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.counters import Counters
from evaluation.engines.loading import device_hardware, notes
from evaluation.engines.prompts import Renderer, common_context
from evaluation.engines.waiting import Waiting
from evaluation.errors import EvaluationError, first_line
from evaluation.machine import packages
from evaluation.records import (
    Ceiling,
    ContinuationScore,
    FinishReason,
    GenerateRequest,
    LoglikelihoodRequest,
    ModelManifest,
    Response,
    Session,
)
from evaluation.thinking import split_thinking

log = logging.getLogger(__name__)
REVISION = 1
PACKAGES = ("vllm", "torch", "transformers", "tokenizers", "safetensors", "numpy")
# vLLM wants room for one new token after every prompt, and scored texts have one that is not input.
SPARE = 2


@dataclass
class UnderWay:
    """A request that vLLM works on; `scores` are those of its continuations, by their place."""

    waiting: Waiting
    started: float
    scores: dict[int, ContinuationScore] = field(default_factory=dict)
    error: str | None = None
    done: int = 0


class VllmEngine:
    """One loaded model; see `engines.base.Engine`."""

    def __init__(
        self,
        manifest: ModelManifest,
        settings: EngineSettings,
        preset_name: str,
        preset: Preset,
        *,
        thinking: bool,
    ) -> None:
        start = perf_counter()
        self.counters = Counters()
        self.llm = load(manifest, settings, preset)
        self.tokenizer = self.llm.get_tokenizer()
        self.renderer = Renderer(self.tokenizer, manifest.context_length - SPARE, thinking=thinking)
        dtype = str(self.llm.model_config.dtype).removeprefix("torch.")
        self.session = Session(
            id=uuid4().hex,
            model=manifest.model,
            revision=manifest.revision,
            preset=preset_name,
            engine="vllm",
            engine_revision=REVISION,
            dtype=dtype if preset.weights == "full" else f"{preset.weights}, {dtype}",
            exact=False,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            load_seconds=perf_counter() - start,
            packages=packages(PACKAGES),
            hardware=device_hardware("cuda"),
            notes=notes(self.renderer),
        )

    def run(self, pool: Pool) -> Iterator[Response]:
        """Answer everything in the pool."""
        engine = self.llm.llm_engine
        under_way: dict[str, UnderWay] = {}
        last = perf_counter()
        while pool or under_way:
            while pool:
                pooled = pool.popleft()
                try:
                    under_way[pooled.key] = self._add(pooled)
                except Exception as error:
                    # A text that cannot be rendered, or that vLLM refuses, costs one sample.
                    log.warning("sample %s failed", pooled.request.sample_id, exc_info=error)
                    yield self._response(
                        pooled, prompt="", finish_reason="error", error=first_line(error)
                    )
            if not under_way:
                continue
            rows = len(under_way)
            try:
                outputs = engine.step()
            except Exception as error:
                raise EvaluationError(
                    f"vLLM stopped working: {first_line(error)}",
                    where=f"model {self.session.model}",
                    remedy="run the same command again; finished responses are kept. If it is out "
                    "of memory, choose a preset with fewer batch_rows",
                ) from error
            for output in outputs:
                key, _, place = output.request_id.rpartition("/")
                if not output.finished or key not in under_way:
                    continue
                item = under_way[key]
                item.done += 1
                if item.waiting.continuations:
                    self._take_score(item, int(place), output)
                    if item.done < len(item.waiting.continuations):
                        continue
                del under_way[key]
                now = perf_counter()
                shared = {
                    "latency_seconds": now - item.started,
                    "engine_seconds": now - last,
                    "batch_rows": rows,
                }
                last = now
                if item.waiting.prompt is not None:
                    response = self._answer(item.waiting, output, shared)
                else:
                    response = self._scored(item, shared)
                self.counters.add(
                    "mixed",
                    tokens=response.prompt_tokens + response.completion_tokens,
                    seconds=response.engine_seconds,
                    rows=rows,
                )
                yield response

    def ceiling(self) -> Ceiling | None:
        """None: prompts and answers share vLLM's passes, so no rate could be held against it."""
        return None

    def _add(self, pooled: PooledRequest) -> UnderWay:
        """Hand a request to vLLM; raises whatever is wrong with it."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        request, engine = pooled.request, self.llm.llm_engine
        common = {"output_kind": RequestOutputKind.FINAL_ONLY}
        if isinstance(request, GenerateRequest):
            prompt = self.renderer.render(request)
            sampling = SamplingParams(
                temperature=request.temperature,
                seed=request.seed if request.temperature > 0 else None,
                max_tokens=prompt.max_new_tokens,
                stop=list(prompt.stop),
                **common,
            )
            engine.add_request(f"{pooled.key}/0", {"prompt_token_ids": prompt.tokens}, sampling)
            return UnderWay(Waiting(pooled, prompt=prompt), perf_counter())
        if not request.continuations:
            raise ValueError("the request has no continuations to score")
        found = tuple(self.renderer.continuation(one) for one in request.continuations)
        for place, one in enumerate(found):
            scoring = SamplingParams(
                temperature=0.0, max_tokens=1, prompt_logprobs=0, detokenize=False, **common
            )
            tokens = [*one.tokens, one.target[-1]]
            engine.add_request(f"{pooled.key}/{place}", {"prompt_token_ids": tokens}, scoring)
        return UnderWay(Waiting(pooled, continuations=found), perf_counter())

    def _take_score(self, item: UnderWay, place: int, output: Any) -> None:
        """The log-probability of a continuation: of the last tokens of its prompt."""
        target = item.waiting.continuations[place].target
        try:
            listed = output.prompt_logprobs[-len(target) :]
            total = sum(
                float(one[token].logprob) for one, token in zip(listed, target, strict=True)
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            item.error = f"vLLM gave no log-probability: {first_line(error)}"
            return
        if not isfinite(total):
            item.error = "the model gave a log-probability that is not a number"
        item.scores[place] = ContinuationScore(logprob=total, tokens=len(target))

    def _scored(self, item: UnderWay, shared: dict[str, Any]) -> Response:
        request = item.waiting.pooled.request
        assert isinstance(request, LoglikelihoodRequest)
        if item.error is not None:
            return self._response(
                item.waiting.pooled, prompt="", finish_reason="error", error=item.error, **shared
            )
        prompt, texts = common_context(request.continuations)
        return self._response(
            item.waiting.pooled,
            prompt=prompt,
            continuations=[
                item.scores[place].model_copy(update={"text": text})
                for place, text in enumerate(texts)
            ],
            finish_reason="scored",
            prompt_tokens=item.waiting.prompt_length,
            truncated_prompt_tokens=max(c.cut for c in item.waiting.continuations),
            **shared,
        )

    def _answer(self, waiting: Waiting, output: Any, shared: dict[str, Any]) -> Response:
        prompt, answer = waiting.prompt, output.outputs[0]
        assert prompt is not None
        reasons: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
        reason = reasons.get(answer.finish_reason, "error")
        thinking, _ = split_thinking(answer.text)
        return self._response(
            waiting.pooled,
            prompt=prompt.text,
            text=answer.text,
            finish_reason=reason,
            error=f"vLLM ended it with {answer.finish_reason}" if reason == "error" else None,
            prompt_tokens=len(prompt.tokens),
            completion_tokens=len(answer.token_ids),
            thinking_tokens=len(self.tokenizer(thinking)["input_ids"]) if thinking else 0,
            truncated_prompt_tokens=prompt.cut,
            **shared,
        )

    def _response(self, pooled: PooledRequest, **fields: Any) -> Response:
        return Response(
            key=pooled.key,
            sample_id=pooled.request.sample_id,
            turn=pooled.request.turn,
            repeat=pooled.request.repeat,
            session=self.session.id,
            **fields,
        )


def load(manifest: ModelManifest, settings: EngineSettings, preset: Preset) -> Any:
    """vLLM's `LLM` of a model; raises EvaluationError when it cannot be loaded."""
    # It would report what it is used for over the network.
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    try:
        from vllm import LLM
    except ImportError as error:
        raise EvaluationError(
            f"engine.name is vllm, which cannot be imported: {first_line(error)}",
            where=f"model {manifest.model}",
            remedy="install it as docs/engines.md says, or set engine.name: transformers",
        ) from error
    try:
        return LLM(
            model=manifest.directory,
            dtype=settings.dtype,
            quantization="bitsandbytes" if preset.weights == "nf4" else None,
            max_model_len=manifest.context_length,
            max_num_seqs=preset.batch_rows,
            # Without it vLLM compiles and captures graphs, whatever else is set.
            enforce_eager=preset.decode == "plain",
            enable_prefix_caching=True,
            seed=0,
        )
    except Exception as error:
        raise EvaluationError(
            f"vLLM cannot load the model: {first_line(error)}",
            where=f"model {manifest.model}: {manifest.directory}",
            remedy="the log has vLLM's own words; engine.name: transformers runs more "
            "architectures, and a smaller preset needs less memory",
        ) from error
