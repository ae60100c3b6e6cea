"""The one error users see: what was wrong, where, and what to do about it."""

from __future__ import annotations


class EvaluationError(Exception):
    """A problem the user can act on.

    `what` says what was wrong, `where` names the file, key, model, dataset or sample, and
    `remedy` says what to do. Anything else that is raised is a defect of this project and is
    shown with its traceback.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.remedy:
            lines.append(f"  to do: {self.remedy}")
        return "\n".join(lines)


class OtherVersionError(EvaluationError):
    """A file was written by a version of this project with another schema."""


def first_line(error: BaseException, limit: int = 300) -> str:
    """The error as one short line for records and tables: its type and first line."""
    text = str(error).strip().splitlines()
    line = text[0] if text else ""
    return f"{type(error).__name__}: {line}"[:limit]
