"""What one sandboxed process may use."""

from __future__ import annotations

from pydantic import Field

from evaluation.records import Record


class Limits(Record):
    """Bounds of one sandboxed process; beyond any of them it is killed or gets an error.

    There is no number of processes (starting one, or a thread, is refused) and no file size
    (nothing can be written).
    """

    wall_seconds: float = Field(default=10.0, gt=0, description="from ready to the last message")
    cpu_seconds: int = Field(default=10, ge=1, description="computing time; the kernel kills")
    memory_mb: int = Field(default=1024, ge=64, description="address space, interpreter included")
    open_files: int = Field(default=64, ge=16, description="file descriptors")
    output_kb: int = Field(
        default=1024, ge=1, description="messages and standard error each; more is fatal"
    )
