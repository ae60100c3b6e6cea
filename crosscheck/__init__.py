"""Agreement with the reference implementations, sample by sample: `make crosscheck`.

Two sides answer the same questions about the same rows and write JSON lines into `out/`: programs
named `reference_*` run in an environment of their own, with the reference packages and nothing of
this project; programs named `ours_*` use the library. `compare` reads both, `report` writes
docs/fidelity.md.
"""
