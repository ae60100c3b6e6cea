"""The frame of every script: arguments, a log file, and errors for people."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from evaluation.errors import EvaluationError, first_line
from evaluation.run_notes import Failure, note


def run(rule: str, about: str, log: str, work: Callable[[], None]) -> None:
    """Do a job's work with its log; exits 1 with a plain message when it fails.

    `about` says what the job is for, e.g. `model qwen3_8b, dataset gsm8k, slice 0-20`.
    """
    logging.captureWarnings(True)
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(
            filename=log,
            filemode="w",
            level=logging.INFO,
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            force=True,
        )
    except OSError as error:
        sys.exit(f"{rule} ({about}): cannot write the log {log}: {error.strerror}")
    try:
        work()
    except EvaluationError as error:
        _fail(rule, about, log, str(error))
    except Exception as error:
        logging.exception("unexpected error")
        message = f"{first_line(error)}\n  to do: this is a defect; the log has its traceback"
        _fail(rule, about, log, message)


def _fail(rule: str, about: str, log: str, message: str) -> None:
    logging.error("%s", message)
    failure = Failure(rule=rule, about=about, message=message, log=log)
    try:
        note(failure, f"{rule}-{os.getpid()}")
    except EvaluationError:
        # The disk is full or read-only: the words on the screen have to do.
        print(f"{rule} failed ({about}): {message}", file=sys.stderr)
    sys.exit(1)


def parser(description: str) -> argparse.ArgumentParser:
    """Arguments that all scripts share: settings as JSON and the log's path."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--settings", required=True, help="settings as JSON")
    arguments.add_argument("--log", required=True, help="log file")
    return arguments
