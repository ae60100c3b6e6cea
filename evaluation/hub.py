"""Snapshots of Hub repositories at a pinned revision, with errors that say what to do."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from evaluation.errors import EvaluationError, first_line

log = logging.getLogger(__name__)
COMMIT = re.compile(r"^[0-9a-f]{40}$")
# Addresses of indexes, mirrors and storage hold passwords and signatures.
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://\S+|\S*:\S*@\S+|(?<=url: )/\S*|\bhf_[a-z0-9]{10,}"
    r"""|(?:(?<=host=)|(?<=resolve )|(?<=valid for ))(?:'[^']*'|"[^"]*")""",
    re.IGNORECASE,
)
_NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


class Snapshot(NamedTuple):
    """A downloaded repository: its directory and the commit it is of."""

    directory: Path
    revision: str


def snapshot(
    repository: str, revision: str, *, kind: Literal["model", "dataset"], patterns: Sequence[str]
) -> Snapshot:
    """Download (or find in the Hub cache) the matching files of a repository.

    A broken connection resumes where it broke; a killed download keeps the files that are complete.
    A pinned commit that is complete in the cache needs no network.
    Raises EvaluationError for gated and missing repositories, unknown revisions and no network.
    """
    from huggingface_hub import snapshot_download

    _keep_addresses_out_of_logs()
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
    from huggingface_hub import constants, errors

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
    if isinstance(error, errors.HFValidationError):
        return EvaluationError(
            "The id cannot be that of a repository.",
            where=where,
            remedy="correct `id` in the configuration: `organisation/name`",
        )
    if isinstance(error, OSError) and error.errno in _NOT_WRITABLE:
        return EvaluationError(
            f"The Hub cache cannot be written: {error.strerror}.",
            where=f"{where}, cache {constants.HF_HUB_CACHE}",
            remedy="free disk space there or make it writable (HF_HOME names another place), then "
            "run the same command again: files that are complete are kept",
        )
    status = _status(error)
    if status in (401, 403):
        return EvaluationError(
            f"The Hub refuses access (HTTP {status}).",
            where=where,
            remedy="log in again with `hf auth login` (or correct HF_TOKEN), with a token that may "
            "read it",
        )
    local = (
        "set `mirror` to a directory in Hub layout"
        if kind == "dataset"
        else "set `source: path` and the `path` of a local copy"
    )
    otherwise = f"without one, {local}, or run the embedded default: make demo"
    if constants.is_offline_mode():
        return EvaluationError(
            "The Hub cannot be reached (HF_HUB_OFFLINE is set), and the cache does not have all "
            "files.",
            where=where,
            remedy=f"unset HF_HUB_OFFLINE and run again with a network; {otherwise}",
        )
    if status:
        return EvaluationError(
            f"The Hub answered with an error (HTTP {status}).",
            where=where,
            remedy="run the same command again later: files that are complete are kept",
        )
    return EvaluationError(
        f"The Hub cannot be reached: {without_addresses(first_line(error))}",
        where=where,
        remedy="check the network (or HF_ENDPOINT) and run the same command again: files that are "
        f"complete are kept; {otherwise}",
    )


def _status(error: BaseException | None) -> int | None:
    """The HTTP status that an error, or one that caused it, is about."""
    from huggingface_hub.errors import HfHubHTTPError

    while error is not None:
        if isinstance(error, HfHubHTTPError):
            return int(error.response.status_code)
        error = error.__cause__
    return None


def without_addresses(text: str) -> str:
    """Text of pip or the Hub without addresses, host names, passwords and tokens."""
    return _ADDRESS.sub("[address]", text)


class _WithoutAddresses(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_addresses(record.getMessage()), ()
        return True


_FILTER = _WithoutAddresses()


def _keep_addresses_out_of_logs() -> None:
    """huggingface_hub and its HTTP client log addresses, signed ones among them."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    for name in ("file_download", "utils._http"):
        logging.getLogger(f"huggingface_hub.{name}").addFilter(_FILTER)
