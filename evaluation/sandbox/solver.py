"""The process that holds the solution and answers the tests' questions about it.

Everything in this process belongs to the solution once it runs: it may patch builtins, find the
descriptors or rewrite this module. That gains nothing, because all that leaves the process is read
as plain values, and it never learns what the tests expect: questions carry arguments only.

A program for `Backend.start`. It says `ready`, gets the dataset's shared code and the solution in
one frame, and then one question a frame until it is killed. Questions are (operation, operands...),
answers ("value", value) or ("raised", names of the exception's classes, text).
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from evaluation.sandbox import codec, instances, pipe, standard
else:
    import codec
    import instances
    import pipe
    import standard

MODULE = "solution"


class Kept:
    """A value that is to stay here, though it could cross."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Solution:
    """The solution's namespace, and the objects that exist in this process only."""

    def __init__(self) -> None:
        module = type(sys)(MODULE)
        # Known by name, as modules are: dataclasses and annotations look it up.
        sys.modules[MODULE] = module
        self.namespace: dict[str, Any] = module.__dict__
        self.objects: list[Any] = []
        self.failure: BaseException | None = None

    def load(self, shared: str, solution: str) -> None:
        """Run the dataset's shared code, then the solution; a failure is kept for the answers."""
        try:
            self._run(shared)
            self.classes = instances.Classes(self.namespace)
            if "random" in solution:
                __import__("random").seed(0)
            self._run(solution)
        except BaseException as error:
            self.failure = error

    def _run(self, source: str) -> None:
        code = compile(source, f"<{MODULE}>", "exec", dont_inherit=True)
        exec(code, self.namespace)  # noqa: S102 - what this process is there for

    def answer(self, question: bytes) -> bytes:
        """The encoded answer to an encoded question."""
        try:
            if self.failure is not None:
                raise self.failure
            operation, *operands = codec.decode(question, self.restore)
            return codec.encode(("value", OPERATIONS[operation](self, *operands)), self.extend)
        except BaseException as error:
            names = [kind.__name__ for kind in type(error).__mro__]
            return codec.encode(("raised", names, text(error)))

    def extend(self, value: Any) -> tuple[str, Any]:
        """What crosses in place of a value that is not plain; a handle if nothing does."""
        if type(value) is Kept:
            value = value.value
        else:
            taken = (
                standard.take_apart(value)
                or self.classes.take_apart(value)
                or standard.plain(value)
            )
            if taken is not None:
                return taken
        self.objects.append(value)
        return "handle", (len(self.objects) - 1, type(value).__name__)

    def restore(self, tag: str, contents: Any) -> Any:
        """The value of a tag in a question."""
        if tag == "handle":
            return self.objects[contents]
        if tag == instances.TAG:
            return self.classes.put_together(contents)
        return standard.put_together(tag, contents)


def text(error: BaseException) -> str:
    """The message of an exception, as far as it has one."""
    try:
        return str.__str__(str(error))
    except Exception:
        return ""


def names(solution: Solution, wanted: list[str]) -> dict[str, Any]:
    """The values of those of the names that the solution defines."""
    found = solution.namespace
    return {name: found[name] for name in wanted if name in found}


def call(solution: Solution, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
    """What the function returns."""
    value = function(*arguments, **named)
    # Objects of the solution's classes come back as arguments, even those that hold a plain value.
    own = isinstance(function, type) and function.__module__ == MODULE
    return Kept(value) if own else value


def following(solution: Solution, iterator: Any) -> list[Any]:
    """The next item alone, or nothing at the end."""
    for item in iterator:
        return [item]
    return []


def set_attribute(solution: Solution, value: Any, name: str, attribute: Any) -> None:
    """Assignment to an attribute."""
    setattr(value, name, attribute)


def set_item(solution: Solution, value: Any, key: Any, item: Any) -> None:
    """Assignment to an item."""
    value[key] = item


OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "names": names,
    "call": call,
    "next": following,
    "set attribute": set_attribute,
    "set item": set_item,
    "attribute": lambda _, value, name: getattr(value, name),
    "item": lambda _, value, key: value[key],
    "iterate": lambda _, value: Kept(iter(value)),
    "length": lambda _, value: len(value),
    "truth": lambda _, value: bool(value),
    "str": lambda _, value: str(value),
    "repr": lambda _, value: repr(value),
}


def main() -> None:
    """Answer questions until the parent ends this process."""
    channel = pipe.Pipe()
    channel.send(b"ready")
    solution = Solution()
    solution.load(*codec.decode(channel.receive()))
    while True:
        channel.send(solution.answer(channel.receive()))


if __name__ == "__main__":
    main()
