"""Plain values as bytes: all that ever crosses between a solution and its tests.

Only None, bool, int, float, complex, str, bytes, list, tuple, set, frozenset and dict have a form
of their own, and only instances of exactly these types: decoding gives objects whose behaviour
nobody could have changed. Whatever else may cross does so as a *tagged* value, a short name with
plain contents, which the receiver is free to refuse.

Runs on both sides of the sandbox, without imports, which are most of what a start costs. Pickle and
marshal would rebuild whatever the sender likes; JSON has no sets, tuples, bytes or NaN.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    Extend = Callable[[Any], tuple[str, Any]]
    Restore = Callable[[str, Any], Any]

DEPTH: Final = 200
"""How deep values may nest: decoding, and comparing what was decoded, recurses."""
SIZE: Final = 4
"""Bytes of a length or count, big endian."""


class CodecError(ValueError):
    """Bytes that encode no value, or a value that cannot be encoded."""


def no_extension(value: Any) -> tuple[str, Any]:
    """The default `extend`: plain values only."""
    raise CodecError(f"a value of type {type(value).__name__} cannot cross")


def no_tag(tag: str, value: Any) -> Any:
    """The default `restore`: plain values only."""
    raise CodecError(f"unknown kind of value {tag!r}")


def encode(value: Any, extend: Extend = no_extension) -> bytes:
    """The bytes of a value; `extend` names a tag and plain contents for what is not plain.

    Raises CodecError for values that nest deeper than DEPTH, and whatever `extend` raises.
    """
    parts: list[bytes] = []
    _write(value, parts.append, extend, DEPTH)
    return b"".join(parts)


def _write(value: Any, out: Callable[[bytes], None], extend: Extend, depth: int) -> None:
    kind = type(value)
    if kind is int:
        # One byte more than the magnitude always has room for the sign.
        raw = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
        out(b"i" + len(raw).to_bytes(SIZE, "big") + raw)
    elif kind is str:
        raw = value.encode("utf-8", "surrogatepass")
        out(b"s" + len(raw).to_bytes(SIZE, "big") + raw)
    elif kind is float:
        raw = value.hex().encode()
        out(b"f" + len(raw).to_bytes(SIZE, "big") + raw)
    elif value is None:
        out(b"N")
    elif kind is bool:
        out(b"T" if value else b"F")
    elif kind is bytes:
        out(b"b" + len(value).to_bytes(SIZE, "big") + value)
    elif depth == 0:
        raise CodecError(f"a value nests deeper than {DEPTH}")
    elif kind in SEQUENCES:
        out(SEQUENCES[kind] + len(value).to_bytes(SIZE, "big"))
        for item in value:
            _write(item, out, extend, depth - 1)
    elif kind is dict:
        out(b"d" + len(value).to_bytes(SIZE, "big"))
        for key, item in value.items():
            _write(key, out, extend, depth - 1)
            _write(item, out, extend, depth - 1)
    elif kind is complex:
        out(b"c")
        _write(value.real, out, extend, depth)
        _write(value.imag, out, extend, depth)
    else:
        tag, contents = extend(value)
        out(b"x")
        _write(tag, out, extend, depth - 1)
        _write(contents, out, extend, depth - 1)


SEQUENCES: Final[dict[Any, bytes]] = {list: b"l", tuple: b"t", set: b"S", frozenset: b"z"}
KINDS: Final = {code[0]: kind for kind, code in SEQUENCES.items()}


def decode(data: bytes, restore: Restore = no_tag) -> Any:
    """The value of some bytes; `restore` makes something of a tag and its contents.

    Raises CodecError for anything that `encode` does not write, and whatever `restore` raises.
    Never takes more memory than a small multiple of the bytes.
    """
    try:
        value, end = _read(data, 0, restore, DEPTH)
    except (IndexError, TypeError, UnicodeDecodeError, OverflowError) as error:
        # Cut off, a set or dict of unhashable things, broken text, a number that is none.
        raise CodecError(f"broken message: {error}") from None
    if end != len(data):
        raise CodecError(f"{len(data) - end} bytes too many")
    return value


def _size(data: bytes, at: int) -> tuple[int, int]:
    """A length at a position, never beyond the end of the data, and the position after it."""
    end = at + SIZE
    size = int.from_bytes(data[at:end], "big")
    if end > len(data) or size > len(data) - end:
        raise CodecError("broken message: cut off")
    return size, end


def _read(data: bytes, at: int, restore: Restore, depth: int) -> tuple[Any, int]:
    code = data[at]
    at += 1
    if code in b"isfb":
        size, at = _size(data, at)
        raw, at = data[at : at + size], at + size
        if code == 105:  # i
            return int.from_bytes(raw, "big", signed=True), at
        if code == 115:  # s
            return raw.decode("utf-8", "surrogatepass"), at
        return (raw if code == 98 else _float(raw)), at
    if code in CONSTANTS:
        return CONSTANTS[code], at
    if depth == 0:
        raise CodecError(f"a value nests deeper than {DEPTH}")
    if code in KINDS:
        size, at = _size(data, at)
        items = []
        for _ in range(size):
            item, at = _read(data, at, restore, depth - 1)
            items.append(item)
        return (items if code == 108 else KINDS[code](items)), at
    if code == 100:  # d
        size, at = _size(data, at)
        pairs = {}
        for _ in range(size):
            key, at = _read(data, at, restore, depth - 1)
            pairs[key], at = _read(data, at, restore, depth - 1)
        return pairs, at
    if code == 99:  # c
        real, at = _read(data, at, restore, depth - 1)
        imag, at = _read(data, at, restore, depth - 1)
        if type(real) is not float or type(imag) is not float:
            raise CodecError("broken message: a complex number of other parts")
        return complex(real, imag), at
    if code == 120:  # x
        tag, at = _read(data, at, restore, depth - 1)
        contents, at = _read(data, at, restore, depth - 1)
        if type(tag) is not str:
            raise CodecError("broken message: a tag that is no text")
        return restore(tag, contents), at
    raise CodecError(f"broken message: byte {code}")


CONSTANTS: Final[dict[int, Any]] = {78: None, 84: True, 70: False}


def _float(raw: bytes) -> float:
    """A float from its hexadecimal form, which is exact and knows inf and nan."""
    try:
        return float.fromhex(raw.decode("ascii"))
    except ValueError:
        raise CodecError("broken message: not a number") from None
