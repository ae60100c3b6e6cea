"""The order of samples: balanced prefixes that depend on seed and dataset only."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from evaluation.records import Sample
from evaluation.sampling import stratified_order

ROOT = Path(__file__).resolve().parents[1]
SIZES = st.dictionaries(st.text(max_size=3), st.integers(1, 12), max_size=6)


def samples(sizes: dict[str, int]) -> list[Sample]:
    """As many samples of each category as asked for, the categories one after the other."""
    return [
        Sample(id=f"{name}/{i}", category=name, row={})
        for name, size in sizes.items()
        for i in range(size)
    ]


def ids(order: list[Sample]) -> list[str]:
    return [sample.id for sample in order]


@given(SIZES, st.integers(0, 99))
def test_order_is_a_permutation(sizes: dict[str, int], seed: int) -> None:
    given_samples = samples(sizes)
    order = stratified_order(given_samples, "gsm8k", seed)
    assert sorted(ids(order)) == sorted(ids(given_samples))


@given(SIZES, st.integers(0, 99))
def test_every_prefix_holds_the_strata_equally_while_they_last(
    sizes: dict[str, int], seed: int
) -> None:
    order = stratified_order(samples(sizes), "gsm8k", seed)
    taken: Counter[str] = Counter()
    for sample in order:
        taken[sample.category] += 1
        most = max(taken.values())
        for name, size in sizes.items():
            # A stratum may be behind by one, or by more once all of it is taken.
            assert taken[name] >= most - 1 or taken[name] == size


@given(SIZES, st.integers(0, 99), st.integers(0, 99))
def test_order_depends_on_nothing_but_seed_dataset_and_rows(
    sizes: dict[str, int], seed: int, noise: int
) -> None:
    first = stratified_order(samples(sizes), "gsm8k", seed)
    random.seed(noise)
    random.random()
    assert stratified_order(samples(sizes), "gsm8k", seed) == first


def test_seed_and_dataset_change_the_order() -> None:
    rows = samples({"a": 20, "b": 20})
    orders = {
        (dataset, seed): tuple(ids(stratified_order(rows, dataset, seed)))
        for dataset in ("gsm8k", "mmlu")
        for seed in (1, 2)
    }
    assert len(set(orders.values())) == 4


def test_rows_of_one_stratum_leave_the_others_as_they_are() -> None:
    """A corrected row of one subject must not exchange the samples of all others."""

    def of_b(sizes: dict[str, int]) -> list[str]:
        order = stratified_order(samples(sizes), "mmlu", 7)
        return [sample.id for sample in order if sample.category == "b"]

    assert of_b({"a": 5, "b": 9}) == of_b({"a": 8, "b": 9}) == of_b({"b": 9, "c": 1})


def test_input_is_left_alone() -> None:
    rows = samples({"a": 9})
    before = list(rows)
    stratified_order(rows, "gsm8k", 1)
    assert rows == before


def test_no_stratum_is_always_first() -> None:
    order = stratified_order(samples(dict.fromkeys("abcd", 30)), "mmlu", 3)
    firsts = {order[i].category for i in range(0, len(order), 4)}
    assert firsts == set("abcd")


def test_order_within_a_stratum_is_shuffled() -> None:
    order = ids(stratified_order(samples({"": 30}), "gsm8k", 3))
    assert order != sorted(order, key=lambda name: int(name[1:]))


def test_order_is_the_same_in_every_process() -> None:
    """The order as it is since 0.1.0: any other exchanges the samples of every tier."""
    program = (
        "from evaluation.records import Sample; from evaluation.sampling import stratified_order\n"
        "rows = [Sample(id=c + str(i), category=c, row={}) for c in 'ab' for i in range(4)]\n"
        "print(*(s.id for s in stratified_order(rows, 'gsm8k', 1234)))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert found == {"b1 a2 b2 a0 b3 a1 b0 a3"}
