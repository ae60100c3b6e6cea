"""The standard library's values that may cross as tagged ones (see `codec`).

Each is rebuilt on the other side from plain contents as a genuine object of its type, so that
`Fraction(1, 2) == 0.5` holds there as it would have here. An instance of a subclass crosses as the
plain value it holds, a named tuple as a tuple, say: that is what tests compare it with, and it
leaves any method of the subclass behind.
"""

from __future__ import annotations

import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final


# By module, so that a type whose module was never imported costs nothing.
TYPES: Final[dict[str, dict[str, Callable[[Any], Any]]]] = {
    "builtins": {
        "range": lambda value: (value.start, value.stop, value.step),
        "bytearray": lambda value: (bytes(value),),
    },
    "collections": {
        "Counter": lambda value: (dict(value),),
        "OrderedDict": lambda value: (dict(value),),
        "deque": lambda value: (list(value), value.maxlen),
        "defaultdict": lambda value: (value.default_factory, dict(value)),
    },
    "decimal": {"Decimal": lambda value: (str(value),)},
    "fractions": {"Fraction": lambda value: (value.numerator, value.denominator)},
    "datetime": {
        "date": lambda value: (value.year, value.month, value.day),
        "timedelta": lambda value: (value.days, value.seconds, value.microseconds),
        "datetime": lambda value: (*value.timetuple()[:6], value.microsecond),
    },
}

VIEWS: Final[dict[str, Callable[[Any], Any]]] = {
    "keys": lambda items: dict.fromkeys(items).keys(),
    "values": lambda items: dict(enumerate(items)).values(),
    "items": lambda items: dict(items).items(),
}
VIEW_TYPES: Final = {type(getattr({}, name)()): name for name in VIEWS}

# What tests hand to functions (`remove_type(values, int)`) or compare types with.
SHARED: Final = {
    name: getattr(builtins, name)
    for name in (
        *("bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object"),
        *("range", "set", "str", "tuple", "type"),
        *("abs", "all", "any", "bin", "chr", "divmod", "hash", "hex", "len", "max", "min", "oct"),
        *("ord", "pow", "repr", "round", "sorted", "sum"),
    )
}

BUILTIN: Final = type(len)

PLAIN: Final[dict[type, Callable[[Any], Any]]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
}


def _zoned(value: Any) -> bool:
    """Whether a time has a time zone, which is an object of any class."""
    return getattr(value, "tzinfo", None) is not None


def take_apart(value: Any) -> tuple[str, Any] | None:
    """The tag and contents of a value of one of these types, else None."""
    kind = type(value)
    for module, types in TYPES.items():
        if module in sys.modules:
            for name, contents in types.items():
                if getattr(sys.modules[module], name, None) is kind and not _zoned(value):
                    return f"{module}.{name}", contents(value)
    if kind in VIEW_TYPES:
        return VIEW_TYPES[kind], list(value)
    if kind is BUILTIN or kind is type:
        name = value.__name__
        if SHARED.get(name) is value:
            return "builtin", name
    return None


def plain(value: Any) -> tuple[str, Any] | None:
    """The tag and plain value of an instance of a subclass or a number of numpy's, else None."""
    for kind in type(value).__mro__:
        if kind in PLAIN:
            return "plain", PLAIN[kind](value)
        if kind.__module__ == "numpy" and kind.__name__ == "generic":
            return "plain", value.item()
    return None


def put_together(tag: str, contents: Any) -> Any:
    """The value of a tag; raises TypeError, ValueError, ... for what nobody took apart."""
    if tag == "plain":
        return contents
    if tag == "builtin":
        return SHARED[contents]
    if tag in VIEWS:
        return VIEWS[tag](contents)
    module, _, name = tag.partition(".")
    if name not in TYPES.get(module, ()):
        raise TypeError(f"no kind of value {tag!r}")
    return getattr(__import__(module), name)(*contents)
