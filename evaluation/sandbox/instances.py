"""Objects of the classes that a dataset's own shared code defines, as tagged values.

The same trusted source defines such a class on both sides, so an object crosses as the class's
name and its state, and has the receiver's methods there. Objects of a solution's own classes never
cross: the tests would run methods that the solution wrote.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

TAG = "instance"


class Classes:
    """The classes of a namespace that has just run the shared code, by name.

    They are looked up again at each use: a solution may define one anew, and then means its own.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self._names: Collection[str] = {
            name
            for name, value in namespace.items()
            if isinstance(value, type) and value.__module__ == namespace["__name__"]
        }

    def take_apart(self, value: Any) -> tuple[str, Any] | None:
        """The tag and state of an object of one of the classes, else None."""
        kind = type(value)
        if self._class(kind.__name__) is not kind:
            return None
        if tuple in kind.__mro__:
            return TAG, (kind.__name__, list(tuple.__iter__(value)))
        return TAG, (kind.__name__, dict(value.__dict__))

    def put_together(self, contents: Any) -> Any:
        """The object of a class's name and a state; raises TypeError where they do not fit."""
        name, state = contents
        kind = self._class(name)
        if kind is None:
            raise TypeError(f"no class {name!r} in the set-up")
        if tuple in kind.__mro__:
            return tuple.__new__(kind, state)
        for key in state:
            # A method must stay the class's, for the state may come from a solution.
            if type(key) is not str or key.startswith("__") or callable(getattr(kind, key, None)):
                raise TypeError(f"no attribute {key!r} in an object of {name}")
        value: Any = object.__new__(kind)
        value.__dict__.update(state)
        return value

    def _class(self, name: str) -> type | None:
        kind = self._namespace.get(name) if name in self._names else None
        return kind if isinstance(kind, type) else None
