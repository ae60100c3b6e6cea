"""What an engine did in a run: tokens and seconds of each phase, and requests under way."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from evaluation.records import Phase, PhaseName


@dataclass
class Tally:
    """Sums of one phase; of `places` that were computed or read, `padding` held no token.

    `passes` is 0 where an engine does not count them.
    """

    tokens: int = 0
    seconds: float = 0.0
    places: int = 0
    padding: int = 0
    passes: int = 0

    def phase(self) -> Phase:
        """The sums as they are recorded."""
        padding = self.padding / self.places if self.places else None
        return Phase(
            tokens=self.tokens, seconds=self.seconds, padding=padding, passes=self.passes or None
        )


@dataclass
class Counters:
    """Sums over the passes of an engine; passes that failed are not among them."""

    tallies: dict[PhaseName, Tally] = field(default_factory=lambda: defaultdict(Tally))
    row_seconds: float = 0.0
    seconds: float = 0.0
    most_rows: int = 0

    def add(
        self,
        phase: PhaseName,
        *,
        tokens: int,
        seconds: float,
        rows: int,
        places: int = 0,
        padding: int = 0,
        passes: int = 0,
    ) -> None:
        """Count work that took `seconds` with `rows` requests under way.

        Leave `places` away where it is not known how much of the work was padding, and `passes`
        (over the model's weights) where they are not known.
        """
        tally = self.tallies[phase]
        tally.tokens += tokens
        tally.seconds += seconds
        tally.places += places
        tally.padding += padding
        tally.passes += passes
        self.row_seconds += rows * seconds
        self.seconds += seconds
        self.most_rows = max(self.most_rows, rows)

    @property
    def mean_rows(self) -> float | None:
        """Requests under way, averaged over the time of all phases."""
        return self.row_seconds / self.seconds if self.seconds else None

    def phases(self) -> dict[PhaseName, Phase]:
        """The phases that there were."""
        return {name: tally.phase() for name, tally in self.tallies.items()}
