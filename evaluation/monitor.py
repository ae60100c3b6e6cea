"""Watches a run of an engine: processor and memory through psutil, an NVIDIA GPU through NVML.

What cannot be measured here stays None; nothing is estimated.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from statistics import fmean
from threading import Event, Thread
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import psutil

from evaluation.engines.counters import Counters
from evaluation.machine import peak_resident_memory
from evaluation.records import DeviceUse, Response, Usage

log = logging.getLogger(__name__)

INTERVAL = 0.5


class Monitor:
    """Measures from `with` on, the GPU with the given UUID too if there is one."""

    def __init__(self, device_uuid: str = "", interval: float = INTERVAL) -> None:
        self.interval = interval
        self.device = Device.open(device_uuid) if device_uuid else None
        self.process = psutil.Process()
        self.requests = self.shared_tokens = self.backoffs = 0
        self.engine_seconds = 0.0
        self.memory = 0
        self._ended = Event()
        self._thread = Thread(target=self._watch, name="monitor", daemon=True)

    def __enter__(self) -> Self:
        self.start, self.cpu = perf_counter(), self._cpu_seconds()
        if self.device:
            self.device.begin()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def add(self, response: Response) -> None:
        """Count a response."""
        self.requests += 1
        self.shared_tokens += response.shared_tokens
        self.backoffs += response.backoffs
        self.engine_seconds += response.engine_seconds

    def usage(self, counters: Counters) -> Usage:
        """What was measured so far."""
        seconds = perf_counter() - self.start
        return Usage(
            wall_seconds=seconds,
            engine_seconds=self.engine_seconds,
            requests=self.requests,
            shared_tokens=self.shared_tokens,
            backoffs=self.backoffs,
            phases=counters.phases(),
            mean_rows=counters.mean_rows,
            most_rows=counters.most_rows,
            cpu_cores=max(0.0, self._cpu_seconds() - self.cpu) / seconds if seconds else None,
            resident_memory=max(self.memory, peak_resident_memory()),
            device=self.device.use() if self.device else None,
        )

    def _watch(self) -> None:
        while not self._ended.wait(self.interval):
            self.memory = max(self.memory, sum(_resident(one) for one in self._processes()))
            if self.device:
                self.device.sample()

    def _processes(self) -> list[psutil.Process]:
        # Some engines compute in processes of their own.
        with suppress(psutil.Error):
            return [self.process, *self.process.children(recursive=True)]
        return [self.process]

    def _cpu_seconds(self) -> float:
        return sum(_cpu(one) for one in self._processes())


class Device:
    """The GPU in use, as NVML sees it: everything that runs on it, other processes included."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self.nvml = nvml
        self.handle = handle
        self.busy: list[float] = []
        self.watts: list[float] = []
        self.memory = 0
        self.joules: float | None = None

    @classmethod
    def open(cls, uuid: str) -> Device | None:
        """The GPU with a UUID; None, with a line in the log, where NVML does not answer."""
        try:
            import pynvml

            pynvml.nvmlInit()
            return cls(pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid))
        except Exception as error:  # NVML has as many errors as drivers have moods
            log.warning("the GPU's utilisation and power are not measured: %s", error)
            return None

    def begin(self) -> None:
        """Read the meter of energy."""
        self.joules = self._energy()

    def sample(self) -> None:
        """Read what changes from moment to moment."""
        with suppress(self.nvml.NVMLError):
            self.busy.append(self.nvml.nvmlDeviceGetUtilizationRates(self.handle).gpu / 100)
        with suppress(self.nvml.NVMLError):
            self.watts.append(self.nvml.nvmlDeviceGetPowerUsage(self.handle) / 1000)
        with suppress(self.nvml.NVMLError):
            used = self.nvml.nvmlDeviceGetMemoryInfo(self.handle).used
            self.memory = max(self.memory, used)

    def use(self) -> DeviceUse:
        """What was measured since `begin`."""
        now = self._energy()
        joules = None if now is None or self.joules is None else now - self.joules
        return DeviceUse(
            utilisation=_mean(self.busy),
            watts=_mean(self.watts),
            joules=joules,
            memory=self.memory or None,
        )

    def _energy(self) -> float | None:
        with suppress(self.nvml.NVMLError):  # cards before Volta have no meter
            return float(self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle)) / 1000
        return None


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _cpu(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
