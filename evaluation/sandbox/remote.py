"""The tests' side of the solution: questions to it, and handles to the objects it keeps.

A handle passes calls, attributes, items and iteration on, and gets plain values (or handles) back.
What it never does is compare: the operand would tell the solution what the tests expect, and its
answer would be the verdict. Comparing one raises, and so does hashing it. (Tests that hand what
they expect to a method of such an object, as in `result.same_as(5)`, would still ask the program
for its own verdict. Those of HumanEval and MBPP do not.)
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from evaluation.sandbox import codec, instances, pipe, standard
else:
    import codec
    import instances
    import standard


NOTHING = object()


class CannotCross(TypeError):  # noqa: N818 - shown to people
    """The tests hand the solution something without a plain form, such as a function of theirs."""


class Ended(BaseException):
    """What the solution raised is no ordinary exception (SystemExit), or it broke the protocol.

    Not an Exception, so that no `except Exception` of a test makes nothing of it.
    """


class Session:
    """One solution, asked over a pipe."""

    def __init__(self, channel: pipe.Pipe) -> None:
        self._pipe = channel
        self.classes: instances.Classes | None = None
        self.open = True
        self.raised: BaseException | None = None
        self.problem = ""
        self.last: Any = NOTHING

    def ask(self, operation: str, *operands: Any) -> Any:
        """The solution's answer; raises what the solution raised, or Ended."""
        self._pipe.send(b"?" + codec.encode((operation, *operands), self._extend))
        try:
            kind, *contents = codec.decode(self._pipe.receive(), self._restore)
            if kind == "value":
                (value,) = contents
                self.last = value
                return value
            error = self._rebuilt(*contents)
        except Exception as broken:
            self.problem = f"gave an answer that is no value: {broken}"
            error = Ended(self.problem)
        self.raised = error
        raise error

    def _rebuilt(self, names: list[str], text: str) -> BaseException:
        """The nearest of Python's own exceptions; one that would end a loop unseen never is."""
        if {type(text), *map(type, names)} != {str}:
            raise TypeError("an exception without a name")
        self.problem = f"raised {names[0]}: {text}" if text else f"raised {names[0]}"
        if "Exception" not in names:
            return Ended(self.problem)
        kind = next((EXCEPTIONS[name] for name in names if name in EXCEPTIONS), RuntimeError)
        return kind(text)

    def _extend(self, value: Any) -> tuple[str, Any]:
        if type(value) is Handle:
            return "handle", object.__getattribute__(value, "_Handle__number")
        taken = standard.take_apart(value)
        if taken is None and self.classes is not None:
            taken = self.classes.take_apart(value)
        taken = taken or standard.plain(value)
        if taken is None:
            raise CannotCross(f"a value of type {type(value).__name__} cannot be passed")
        return taken

    def _restore(self, tag: str, contents: Any) -> Any:
        if tag == "handle":
            number, kind = contents
            return Handle(self, number, str(kind))
        if tag == instances.TAG and self.classes is not None:
            return self.classes.put_together(contents)
        return standard.put_together(tag, contents)


# StopIteration from a function would end a `map` over the tests early; the Unicode errors and
# groups cannot be made from a text.
EXCEPTIONS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(
        kind, (StopIteration, StopAsyncIteration, UnicodeError, BaseExceptionGroup, Warning)
    )
}


class Handle:
    """An object of the solution's process."""

    __slots__ = ("__kind", "__number", "__session")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, session: Session, number: int, kind: str) -> None:
        # Around the assignment below; the names are private so that no attribute is hidden.
        object.__setattr__(self, "_Handle__session", session)
        object.__setattr__(self, "_Handle__number", number)
        object.__setattr__(self, "_Handle__kind", kind)

    def __call__(self, /, *arguments: Any, **named: Any) -> Any:
        """Call the object with plain values or handles."""
        return self.__session.ask("call", self, list(arguments), named)

    def __getattr__(self, name: str) -> Any:
        _check(name)
        return self.__session.ask("attribute", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _check(name)
        self.__session.ask("set attribute", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self.__session.ask("item", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.__session.ask("set item", self, key, value)

    def __iter__(self) -> Iterator[Any]:
        # One at a time, as the solution may never stop.
        iterator = self.__session.ask("iterate", self)
        while items := self.__session.ask("next", iterator):
            yield items[0]

    def __next__(self) -> Any:
        for item in self.__session.ask("next", self):
            return item
        raise StopIteration

    def __len__(self) -> int:
        return self.__session.ask("length", self)  # type: ignore[no-any-return] # Python checks

    def __bool__(self) -> bool:
        return self.__session.ask("truth", self)  # type: ignore[no-any-return] # Python checks

    def __str__(self) -> str:
        return self.__session.ask("str", self)  # type: ignore[no-any-return] # Python checks

    def __repr__(self) -> str:
        if not self.__session.open:
            return f"<{self.__kind} object>"
        return self.__session.ask("repr", self)  # type: ignore[no-any-return] # Python checks

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError(f"an object of the program ({self.__kind}) is compared")

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__


def _check(name: str) -> None:
    """Special methods are not asked for: that would be a way around `_compare`."""
    if name.startswith("__"):
        raise AttributeError(name)
