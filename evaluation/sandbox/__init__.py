"""Running generated code without trusting it.

Two layers. A *backend* (`bubblewrap`, `landlock`; chosen and tried out by `probe`) starts a fresh
interpreter that can compute and talk to its parent through pipes, and nothing else. The *harness*
on top decides whether a solution passes its tests.
"""

from __future__ import annotations

from evaluation.sandbox.backends import SandboxUnavailable
from evaluation.sandbox.harness import Program, Sandbox, Verdict, open_sandbox

__all__ = ["Program", "Sandbox", "SandboxUnavailable", "Verdict", "open_sandbox"]
