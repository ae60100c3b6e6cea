"""How to run a tier again: commands, and what must be known beside them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from evaluation.reports import format as fmt
from evaluation.reports.inputs import TierReport

# What the configuration of a report is to be saved as.
CONFIGURATION = "run.json"


@dataclass(frozen=True)
class Reproduction:
    """The commands, the configuration as JSON ("" where it is not known), and caveats in words."""

    commands: tuple[str, ...]
    configuration: str
    files: tuple[str, ...]
    caveats: tuple[str, ...]


def reproduction(report: TierReport) -> Reproduction:
    """What it takes to run the tier again, from what its cells and its configuration say."""
    commit, caveats = _commit(report)
    settings = report.settings
    if settings is None:
        caveats.append(
            "The configuration was not given to this report: the command runs with config.yaml as "
            "it is."
        )
    overlay = f" --configfile {CONFIGURATION}" if settings is not None else ""
    commands = [
        *([f"git checkout {commit}"] if commit else []),
        "make setup",
        f"snakemake --cores all --resources gpu=1 results/{report.tier}/all.json{overlay}",
    ]
    return Reproduction(
        commands=tuple(commands),
        configuration=_json(report),
        files=tuple(settings.files) if settings is not None else (),
        caveats=(*caveats, *_differences(report)),
    )


def _json(report: TierReport) -> str:
    if report.settings is None:
        return ""
    return json.dumps(report.settings.config.model_dump(mode="json"), indent=2, ensure_ascii=False)


def _commit(report: TierReport) -> tuple[str, list[str]]:
    """The commit that scored most cells, and what it does not say."""
    found = [cell.provenance for cell in report.aggregate.cells]
    known = Counter(one.git_commit for one in found if one.git_commit not in ("", "unknown"))
    caveats = []
    unknown = len(found) - known.total()
    if unknown:
        caveats.append(
            f"The commit of the code is not known for {fmt.plural(unknown, 'cell')}: they were "
            "scored outside a git checkout."
        )
    if len(known) > 1:
        others = ", ".join(f"{fmt.short(name)} ({times})" for name, times in known.most_common())
        caveats.append(f"Cells were scored by different commits (cells of each): {others}.")
    dirty = sum(one.git_dirty is True for one in found)
    if dirty:
        caveats.append(
            f"{fmt.plural(dirty, 'cell')} of {len(found)} "
            f"{'was' if dirty == 1 else 'were'} scored with uncommitted changes: the commit alone "
            "does not repeat them."
        )
    return (known.most_common(1)[0][0] if known else ""), caveats


def _differences(report: TierReport) -> list[str]:
    """Why another run may still answer differently."""
    cells = report.aggregate.cells
    sessions = [session for cell in cells for session in cell.provenance.sessions]
    found = []
    if any(not s.exact and s.hardware.device != "endpoint" for s in sessions):
        found.append(
            "Batches were composed freely (engine.exact: false): in low precision a near tie may "
            "fall the other way in another run or on another machine. With "
            "engine.exact: true the same machine repeats every response."
        )
    if any(s.hardware.device == "endpoint" for s in sessions):
        found.append(
            "A model was asked over a server: its owner may change the model behind its name."
        )
    return found
