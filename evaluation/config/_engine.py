"""How models are run: engine, presets, and the sandbox for their programs."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    Field,
)

from evaluation.config._fields import (
    Billions,
    Section,
    Whole,
)

EngineName = Literal["transformers", "vllm", "openai"]
Weights = Literal["full", "int8", "nf4"]
Decode = Literal["plain", "graphs", "compiled"]


class Preset(Section):
    """A trade of memory against speed."""

    batch_tokens: Whole = Field(
        ge=256, description="most tokens (prompt and answer) held in one batch"
    )
    batch_rows: Whole = Field(ge=1, description="most requests in one batch")
    weights: Weights = Field(
        "full",
        description="the model's linear layers: as they are, or quantised while loading to 8 bits "
        "(`int8`) or 4 bits (`nf4`) by bitsandbytes; quantised models answer differently",
    )
    decode: Decode = Field(
        "graphs",
        description="how answers grow on a GPU: pass by pass (`plain`, the least memory), by "
        "captured CUDA graphs, or by graphs of compiled code, which takes minutes to warm up; on a "
        "CPU always pass by pass",
    )


class EngineSettings(Section):
    """The engine that runs the models."""

    name: EngineName = Field(
        "transformers",
        description="inference engine; `vllm` is an optional extra, and `openai` is what models of "
        "`source: endpoint` are asked through, whatever stands here",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where models run; auto: CUDA if there is one"
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        "auto",
        description="number format; auto: bfloat16 where the hardware computes in it, else float32",
    )
    exact: bool = Field(
        False,
        description="fixed batch composition: the same machine repeats every response bit by bit",
    )
    cpu_limit_b: Billions = Field(
        4.0, description="largest model, in billions of parameters, to run without a GPU"
    )


class SandboxSettings(Section):
    """Where the programs of code tasks are run."""

    backend: Literal["auto", "bubblewrap", "landlock", "none"] = Field(
        "auto",
        description="isolation; auto: bubblewrap, else landlock, else code tasks are not scored; "
        "none: no isolation, at your own risk (refused for root)",
    )
    wall_seconds: Whole = Field(10, ge=1, description="longest run of one program, in seconds")
    memory_mb: Whole = Field(1024, ge=64, description="most memory of one program, in MiB")


PresetName = Literal["memory_saver", "balanced", "throughput"]


class Presets(Section):
    """The three presets."""

    memory_saver: Preset = Field(description="for the largest model that fits")
    balanced: Preset = Field(description="for most machines")
    throughput: Preset = Field(description="for small models on large GPUs")
