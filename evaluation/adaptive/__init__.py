"""The adaptive tier: samples are added only where a comparison of two models is undecided.

`plan` is what the rules ask; `decisions` judges one look at the samples there are; `stages` goes
from results to the file of a stage; `summary` says at the end what it took.
"""
