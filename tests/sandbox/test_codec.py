"""Plain values cross unchanged; nothing else can be made of any bytes."""

from __future__ import annotations

import enum
import math
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evaluation.sandbox import standard
from evaluation.sandbox.codec import DEPTH, CodecError, decode, encode

HASHABLE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.binary()
    | st.text(st.characters()),  # surrogates included
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=8,
)
VALUES = st.recursive(
    HASHABLE | st.sets(HASHABLE, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
    ),
    max_leaves=12,
)


def types(value: Any) -> Any:
    """The value's type with those of its contents: 1 == 1.0 == True, but they differ here."""
    if isinstance(value, dict):
        return dict, [(types(k), types(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [types(item) for item in value]
    return type(value)


@given(VALUES)
@example([0.0, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf])
@example([-1, 127, 128, -128, -129, 2**64, -(2**64), 10**5000])
@example("\ud800 \x00 \U0001f600")
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert types(back) == types(value)


def test_nan_and_negative_zero_come_back() -> None:
    nan, zero = decode(encode([math.nan, -0.0]))
    assert math.isnan(nan)
    assert math.copysign(1, zero) == -1


@given(st.binary(max_size=200))
def test_any_bytes_are_a_plain_value_or_an_error(data: bytes) -> None:
    try:
        value = decode(data)
    except CodecError:
        return
    assert type(value) in {
        *(type(None), bool, int, float, complex, str, bytes),
        *(list, tuple, set, frozenset, dict),
    }


@given(VALUES, st.data())
def test_a_cut_off_or_longer_message_is_an_error(value: Any, data: st.DataObject) -> None:
    message = encode(value)
    end = data.draw(st.integers(0, len(message) - 1))
    for broken in (message[:end], message + b"N"):
        with pytest.raises(CodecError):
            decode(broken)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"?",
        b"l\xff\xff\xff\xff",
        b"s\xff\xff\xff\xffa",
        b"s\x00\x00\x00\x01\xff",
        b"f\x00\x00\x00\x01z",
        b"f\x00\x00\x00\x080x1p9999",
        b"S\x00\x00\x00\x01l\x00\x00\x00\x00",
        b"d\x00\x00\x00\x01l\x00\x00\x00\x00N",
        b"cNN",
        b"xNN",
        b"xs\x00\x00\x00\x04evalN",
    ],
)
def test_forged_messages_are_errors(data: bytes) -> None:
    with pytest.raises(CodecError):
        decode(data)


def test_nesting_is_bounded_on_both_ends() -> None:
    deep: list[Any] = []
    for _ in range(DEPTH):
        deep = [deep]
    with pytest.raises(CodecError, match="deeper"):
        encode(deep)
    with pytest.raises(CodecError, match="deeper"):
        decode(b"l\x00\x00\x00\x01" * 100_000 + b"N")
    assert decode(encode(deep[0])) == deep[0]


def test_only_exact_types_are_plain() -> None:
    class AlwaysEqual(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    for value in (AlwaysEqual(3), object(), len, {1: AlwaysEqual(3)}, range(3)):
        with pytest.raises(CodecError, match="cannot cross"):
            encode(value)


def extend(value: Any) -> tuple[str, Any]:
    taken = standard.take_apart(value) or standard.plain(value)
    if taken is None:
        raise CodecError("not standard")
    return taken


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        range(1, 10, 3),
        bytearray(b"ab"),
        Counter("abca"),
        OrderedDict(b=1, a=2),
        deque([1, 2], maxlen=2),
        defaultdict(int, a=1),
        Decimal("1.20"),
        Decimal("Infinity"),
        Fraction(-1, 3),
        date(2024, 2, 29),
        datetime(2024, 2, 29, 1, 2, 3, 4),
        timedelta(days=-1, microseconds=5),
        {1: 2}.keys(),
        {1: 2}.items(),
        int,
        len,
        [{"a": Fraction(1, 2)}],
    ],
)
def test_standard_values_come_back_as_their_type(value: Any) -> None:
    back = decode(encode(value, extend), standard.put_together)
    assert type(back) is type(value)
    assert back == value
    assert repr(back) == repr(value)


def test_values_of_a_dict_come_back() -> None:
    back = decode(encode({1: 2, 3: 2}.values(), extend), standard.put_together)
    assert list(back) == [2, 2]
    assert type(back) is type({}.values())


class Colour(enum.IntEnum):
    RED = 3


class Word(str):
    def __str__(self) -> str:
        return "another"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


class Sized(list):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        return iter([0] * 9)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, 3),
        (Point(1, 2), (1, 2)),
        (Word("w"), "w"),
        (Sized([1, 2]), [1, 2]),
        ([Point(1, Colour.RED)], [(1, 3)]),
    ],
)
def test_subclasses_come_back_as_the_plain_value_they_hold(value: Any, expected: Any) -> None:
    back = decode(encode(value, extend), standard.put_together)
    assert types(back) == types(expected)
    assert back == expected


def test_numbers_of_numpy_come_back_as_plain_ones() -> None:
    numpy = pytest.importorskip("numpy")
    value = [numpy.int64(3), numpy.float64(0.5), numpy.float32(0.5), numpy.bool_(True)]
    back = decode(encode(value, extend), standard.put_together)
    assert back == [3, 0.5, 0.5, True]
    assert [type(item) for item in back] == [int, float, float, bool]


@pytest.mark.parametrize("value", [datetime(2024, 1, 1, tzinfo=UTC), object(), print, lambda: 1])
def test_what_has_no_plain_form_is_left_to_the_caller(value: Any) -> None:
    assert standard.take_apart(value) is None
    assert standard.plain(value) is None


@pytest.mark.parametrize(
    ("tag", "contents"),
    [
        ("builtin", "eval"),
        ("builtin", "__import__"),
        ("builtin", []),
        ("os.system", ("true",)),
        ("builtins.eval", ("1",)),
        ("builtins.type", ("A", (), {})),
        ("collections.namedtuple", ("A", "b")),
        ("", None),
        ("collections.", ()),
        (".", ()),
        ("decimal.Decimal", (1, 2, 3, 4)),
        ("fractions.Fraction", (1, 0)),
    ],
)
def test_no_other_type_or_function_can_be_named(tag: str, contents: Any) -> None:
    with pytest.raises((TypeError, KeyError, ArithmeticError)):
        standard.put_together(tag, contents)
