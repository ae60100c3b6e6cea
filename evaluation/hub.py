"""Snapshots of Hub repositories at a pinned revision, with errors that say what to do."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from evaluation.errors import EvaluationError, first_line

log = logging.getLogger(__name__)
COMMIT = re.compile(r"^[0-9a-f]{40}$")


class Snapshot(NamedTuple):
    """A downloaded repository: its directory and the commit it is of."""

    directory: Path
    revision: str


def snapshot(
    repository: str, revision: str, *, kind: Literal["model", "dataset"], patterns: Sequence[str]
) -> Snapshot:
    """Download (or find in the Hub cache) the matching files of a repository.

    Interrupted downloads resume. A pinned commit that is complete in the cache needs no network.
    Raises EvaluationError for gated and missing repositories, unknown revisions and no network.
    """
    from huggingface_hub import snapshot_download

    try:
        directory = Path(
            snapshot_download(
                repository,
                revision=revision,
                repo_type=kind,
                allow_patterns=list(patterns),
            )
        )
    except Exception as error:
        raise _explain(error, repository, revision, kind) from error
    resolved = directory.name if COMMIT.match(directory.name) else revision
    if not any(directory.rglob("*")):
        raise EvaluationError(
            f"The repository has none of the files {', '.join(patterns)}.",
            where=f"{kind} {repository} at {revision}",
            remedy="check the id and the revision in the configuration",
        )
    log.info("%s %s at %s is in %s", kind, repository, resolved, directory)
    return Snapshot(directory, resolved)


def _explain(error: Exception, repository: str, revision: str, kind: str) -> EvaluationError:
    from huggingface_hub import errors

    where = f"{kind} {repository} at {revision}"
    if isinstance(error, errors.GatedRepoError):
        return EvaluationError(
            "The repository is gated: its owner wants you to accept conditions first.",
            where=where,
            remedy=f"accept them on the Hub page of {repository}, then `hf auth login` (or set "
            "HF_TOKEN) with a token that may read it",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return EvaluationError(
            "The repository has no such revision.",
            where=where,
            remedy="correct `revision` in the configuration (a commit, or a branch such as main)",
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return EvaluationError(
            "The Hub knows no such repository, or it is private.",
            where=where,
            remedy="correct `id` in the configuration, or log in with a token that may read it",
        )
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    return EvaluationError(
        f"The Hub cannot be reached{' (HF_HUB_OFFLINE is set)' if offline else ''}: "
        f"{first_line(error)}",
        where=where,
        remedy="check the network (or HF_ENDPOINT); without one, set `mirror` to a directory in "
        "Hub layout, or run the embedded default: make demo",
    )
