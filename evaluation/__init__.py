"""Evaluation of language models: samples in, results with intervals out.

The library knows nothing of Snakemake: the scripts of the workflow call these modules, and so do
the tests. Nothing here imports torch or transformers until a model is really loaded.
"""
