"""Speed and memory: against lm-eval, against what the machine can do, and on a GPU.

`make bench MIRROR=folder` compares with lm-eval; `python -m benchmarks.sweep` and
`python -m benchmarks.gpu` compare with the machine's ceilings. Results: docs/performance.md.
"""
