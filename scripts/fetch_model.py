"""Fetch a model: writes models/{model}.json; weights go beside it or to the Hub cache."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evaluation import job
from evaluation.models import fetch_model
from evaluation.plan import FetchSettings, parse


def main() -> None:
    """Read the arguments and fetch."""
    arguments = job.parser(__doc__ or "")
    arguments.add_argument("--manifest", type=Path, required=True)
    given = arguments.parse_args()
    settings = parse(FetchSettings, given.settings)

    def work() -> None:
        folder = given.manifest.with_suffix("")
        found = fetch_model(settings.model, settings.settings, given.manifest, folder)
        size = f" ({found.parameters / 1e9:.2f} billion parameters)" if found.parameters else ""
        print(f"{found.model}: {found.id}{size}, licence: {found.licence}", file=sys.stderr)

    job.run("fetch_model", f"model {settings.model}", given.log, work)


if __name__ == "__main__":
    main()
