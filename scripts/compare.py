"""Print the comparisons that exist."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.terminal import print_comparisons


def main() -> None:
    """Read the arguments and print."""
    given = job.parser(__doc__ or "").parse_args()
    job.run("compare", "comparisons on disk", given.log, print_comparisons)


if __name__ == "__main__":
    main()
