"""One progress line for the model being run: samples, tokens a second, time left."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import Any

from evaluation.records import Response

# Without a terminal, a line now and then is enough.
TERMINAL_INTERVAL, LOG_INTERVAL = 0.5, 15.0


class Progress:
    """Counts responses on stderr; silent when nothing is open."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.bar: Any = None
        self.tokens = 0
        self.began = 0.0

    def start(self, total: int) -> None:
        """Show the bar for `total` open requests."""
        from tqdm import tqdm

        terminal = sys.stderr.isatty()
        self.bar = tqdm(
            total=total,
            desc=self.label,
            unit="request",
            mininterval=TERMINAL_INTERVAL if terminal else LOG_INTERVAL,
            dynamic_ncols=terminal,
            ascii=not terminal,
            bar_format="{desc}: {percentage:3.0f}% |{bar:24}| {n_fmt}/{total_fmt} "
            "[{elapsed}, {remaining} left{postfix}]",
            file=sys.stderr,
        )
        self.began = perf_counter()

    def advance(self, response: Response, *, more: bool) -> None:
        """One response is done; `more` when it led to another request."""
        if self.bar is None:
            return
        self.tokens += response.completion_tokens
        if more:
            self.bar.total += 1
        speed = self.tokens / max(perf_counter() - self.began, 1e-9)
        self.bar.set_postfix_str(f"{speed:.0f} tokens/s", refresh=False)
        self.bar.update()

    def close(self) -> None:
        """Leave the finished bar on the screen."""
        if self.bar is not None:
            self.bar.close()
