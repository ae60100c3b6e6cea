"""What hostile generated code could try, as source for `runner`.

Each is written so that it would do next to nothing should a sandbox not hold: its targets are
files, listeners and a decoy process made for it, bombs are small, and calls get harmless
arguments. They are run in sandboxes only.
"""

from __future__ import annotations

from tests.sandbox.attacks import exhaustion, files, network, privileges, processes
from tests.sandbox.attacks.form import Attack

ATTACKS: list[Attack] = [
    attack
    for kind in (files, network, processes, privileges, exhaustion)
    for attack in kind.ATTACKS.runnable()
]
