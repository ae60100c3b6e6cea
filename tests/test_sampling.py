"""The order of samples: balanced prefixes that depend on seed and dataset only."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from evaluation.records import Sample
from evaluation.sampling import stratified_order

ROOT = Path(__file__).resolve().parents[1]
# Slashes nest strata: flat ones have none.
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=3)
SIZES = st.dictionaries(NAMES, st.integers(1, 12), max_size=6)
PATHS = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=3).map("/".join)
NESTED = st.dictionaries(PATHS, st.integers(1, 9), max_size=10)
TIERS = (20, 100, 200)


def samples(sizes: dict[str, int]) -> list[Sample]:
    """As many samples of each category as asked for, the categories one after the other."""
    return [
        Sample(id=f"{name}/{i}", category=name, row={})
        for name, size in sizes.items()
        for i in range(size)
    ]


def ids(order: list[Sample]) -> list[str]:
    return [sample.id for sample in order]


def unscorable(count: int) -> list[Sample]:
    """Samples of rows that cannot be used."""
    return [
        Sample(id=f"row {i}", category="", row={}, unscorable=f"row {i}: wrong columns")
        for i in range(count)
    ]


@given(NESTED, st.integers(0, 99))
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


def at_level(order: Sequence[Sample], level: int) -> Iterator[tuple[str, list[str]]]:
    """Each stratum above a level with the names, at that level, of its samples in order.

    Where a path ends, its samples are in a stratum without a name.
    """
    groups: dict[str, list[str]] = {}
    for sample in order:
        path = [*sample.category.split("/"), "", ""]
        groups.setdefault("/".join(path[:level]), []).append(path[level])
    yield from groups.items()


@given(NESTED, st.integers(0, 99), st.integers(0, 60))
def test_every_prefix_holds_nested_strata_equally_at_every_level(
    sizes: dict[str, int], seed: int, length: int
) -> None:
    order = stratified_order(samples(sizes), "math", seed)
    for level in range(3):
        whole = dict(at_level(order, level))
        for stratum, names in at_level(order[:length], level):
            taken, there = Counter(names), Counter(whole[stratum])
            most = max(taken.values())
            for name, size in there.items():
                assert taken[name] >= most - 1 or taken[name] == size, (stratum, name)


def test_a_quick_tier_of_subjects_and_levels_touches_all_of_both() -> None:
    subjects, levels = "ABCDEFG", range(1, 6)
    # MATH-500 has other counts for each pair; 3 to 27 here.
    sizes = {
        f"{s}/level {n}": 3 + 4 * ((i + n) % 7) for i, s in enumerate(subjects) for n in levels
    }
    order = stratified_order(samples(sizes), "math", 1234)
    quick = [sample.category.split("/") for sample in order[:20]]
    by_subject = Counter(subject for subject, _ in quick)
    assert set(by_subject) == set(subjects) and set(by_subject.values()) == {2, 3}
    assert len({(subject, level) for subject, level in quick}) == 20, "no pair comes twice"


def test_a_large_subject_does_not_crowd_out_a_small_one_with_fewer_levels() -> None:
    sizes = {**{f"big/{level}": 90 for level in range(9)}, "small/0": 30}
    order = stratified_order(samples(sizes), "math", 1)
    assert Counter(s.category.split("/")[0] for s in order[:20]) == {"big": 10, "small": 10}


@given(NESTED, st.integers(0, 99))
def test_quick_is_part_of_standard_and_standard_of_full(sizes: dict[str, int], seed: int) -> None:
    """Each tier is cut from an order of its own making, as jobs at different times do."""
    bad = unscorable(5)
    quick, standard, full = (
        ids(stratified_order([*samples(sizes), *bad], "math", seed)[:size]) for size in TIERS
    )
    assert standard[: len(quick)] == quick
    assert full[: len(standard)] == standard
    there = sum(sizes.values()) + len(bad)
    assert [len(quick), len(standard), len(full)] == [min(size, there) for size in TIERS]


@given(NESTED, st.integers(0, 99), st.randoms(use_true_random=False))
def test_order_depends_on_nothing_but_seed_dataset_and_the_set_of_samples(
    sizes: dict[str, int], seed: int, noise: random.Random
) -> None:
    given_samples = [*samples(sizes), *unscorable(3)]
    first = stratified_order(given_samples, "gsm8k", seed)
    # Another listing of the same rows, another time, other random numbers before.
    noise.shuffle(given_samples)
    random.seed(noise.random())
    assert stratified_order(given_samples, "gsm8k", seed) == first


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


# ---- samples that cannot be scored ---------------------------------------------------------


@given(NESTED, st.integers(0, 9), st.integers(0, 99))
def test_unscorable_samples_leave_the_order_of_the_others_as_it_is(
    sizes: dict[str, int], bad: int, seed: int
) -> None:
    with_them = stratified_order([*unscorable(bad), *samples(sizes)], "mmlu", seed)
    assert len(with_them) == sum(sizes.values()) + bad
    without = [sample for sample in with_them if not sample.unscorable]
    assert without == stratified_order(samples(sizes), "mmlu", seed)


def test_each_tier_has_its_share_of_unscorable_samples() -> None:
    """On average over seeds; at one end they would spoil a tier, or flatter it."""
    seeds = range(400)
    rows = [*samples({"a": 100, "b": 290}), *unscorable(10)]
    shares = dict.fromkeys(TIERS, 0.0)
    for seed in seeds:
        order = stratified_order(rows, "mmlu", seed)
        for size in TIERS:
            shares[size] += sum(bool(s.unscorable) for s in order[:size]) / size / len(seeds)
    # 2.5% of all; the standard error for quick is sqrt(0.025 * 0.975 / 20 / 400) = 0.17%.
    assert all(abs(share - 0.025) < 0.006 for share in shares.values()), shares


def test_a_dataset_of_unscorable_samples_only_has_an_order() -> None:
    assert sorted(ids(stratified_order(unscorable(3), "mmlu", 1))) == ["row 0", "row 1", "row 2"]


# ---- what else an order must be ------------------------------------------------------------


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
