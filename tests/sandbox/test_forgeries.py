"""Solutions that try to pass without being right. Each runs inside a sandbox backend only.

The tests they face are passed by an honest solution (the first test here), so a forgery that does
not pass is not just a broken one.
"""

from __future__ import annotations

import textwrap

import pytest

from evaluation.sandbox.backends import Backend
from evaluation.sandbox.limits import Limits
from tests.sandbox.judging import judged

# What a forger would have to know: sums, of several kinds, compared in several ways.
SHARED = """
class Total:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value

    def is_same(self, other):
        return self == other
"""
TESTS = """
def check(candidate):
    assert candidate([1, 2]) == 3
    assert candidate([1, 2]) != 4
    assert candidate([20, 22]) in (42, 43)
    assert abs(candidate([0.5, 0.25]) - 0.75) < 1e-6
    assert candidate(["a", "b"]) == "ab"
    assert candidate([[1], [2]]) == [1, 2]
    assert not candidate([])
    assert all(map(lambda pair: pair[0] == candidate(pair[1]), [(5, [2, 3]), (7, [3, 4])]))
    assert list(map(candidate, [[1], [2]])) == [1, 2]
    try:
        candidate(None)
    except TypeError:
        pass
    else:
        assert False, "no TypeError"


check(f)
"""
HONEST = """
def f(values):
    total = 0
    for number, value in enumerate(values):
        total = total + value if number else value
    return total
"""

# An answer frame's parts, for forgers who write their own.
FRAME = """
import os, sys
codec = sys.modules["codec"]

def frame(value):
    payload = codec.encode(value, lambda other: other.pair)
    return len(payload).to_bytes(4, "big") + payload

class Tagged:
    def __init__(self, tag, contents):
        self.pair = tag, contents

def everywhere(data):
    for descriptor in range(20):
        try:
            os.write(descriptor, data)
        except OSError:
            pass
"""

ALWAYS = """
class Always{base_name}({base}):
    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = lambda self: hash(3)
    __bool__ = lambda self: True
    __sub__ = __rsub__ = __abs__ = __add__ = __radd__ = lambda self, *other: self
    __contains__ = lambda self, item: True
    __getattr__ = lambda self, name: (lambda *arguments: True)
    __call__ = lambda self, *arguments: True
    __float__ = lambda self: 0.75
    __index__ = lambda self: 3
    __len__ = lambda self: 2
"""


def always(base: str) -> str:
    """A class, derived from `base`, whose objects equal everything."""
    return ALWAYS.format(base=base, base_name=base.title())


FORGERIES = {
    "nothing": "",
    "returns nothing": "def f(values): pass",
    "leaves when loaded": "import sys; sys.exit(0)",
    "leaves hard when loaded": "import os; os._exit(0)",
    "leaves when called": "import sys\ndef f(values): sys.exit(0)",
    "leaves hard when called": "import os\ndef f(values): os._exit(0)",
    "leaves by a signal": "import os\ndef f(values): os.kill(os.getpid(), 9)",
    "raises SystemExit for TypeError": HONEST
    + "\nsum_up = f\ndef f(values):\n    if values is None: raise SystemExit(0)\n"
    "    return sum_up(values)",
    "interrupts": "def f(values): raise KeyboardInterrupt",
    "stops iterations": "def f(values): raise StopIteration",
    "stops iterations of its own kind": "class Stop(StopIteration): pass\n"
    "def f(values): raise Stop",
    "ends generators": "def f(values): raise GeneratorExit",
    "raises the expected error always": "def f(values): raise TypeError",
    "raises an AssertionError": "def f(values): raise AssertionError",
    "asks for no asserts": "import sys, builtins\nbuiltins.__dict__['__debug__'] = False\n"
    "def f(values): pass",
    "prints markers": "for word in ('passed', 'PASSED', 'OK', '!', 'ok 1', 'True'): print(word)\n"
    "def f(values): print('passed'); return 0",
    "says so at exit": "import atexit, os\natexit.register(lambda: os._exit(0))\n"
    "def f(values): raise SystemExit",
    "takes assertions away": "import builtins\n"
    "class Quiet(Exception):\n    def __new__(cls, *a): raise SystemExit(0)\n"
    "builtins.AssertionError = Quiet\ndef f(values): return 0",
    "changes builtins": "import builtins\n"
    "builtins.all = builtins.abs = builtins.isinstance = builtins.list = lambda *a: True\n"
    "builtins.map = lambda *a: []\ndef f(values): return 0",
    "is always equal": always("object") + "\ndef f(values): return AlwaysObject()",
    "is the class that is always equal": "class Meta(type):\n"
    "    __eq__ = lambda self, other: True\n    __hash__ = type.__hash__\n"
    "class f(metaclass=Meta):\n    def __init__(self, values): pass\n"
    "    __eq__ = lambda self, other: True",
    **{
        f"is an always equal {base}": always(base)
        + f"\ndef f(values): return Always{base.title()}()"
        for base in ("int", "str", "float", "list", "dict", "tuple", "set", "complex")
    },
    "holds what is always equal": always("object")
    + "\ndef f(values): return [AlwaysObject(), AlwaysObject()] if values else AlwaysObject()",
    "compares through a member": always("object")
    + "\nfrom fractions import Fraction\ndef f(values):\n    total = Fraction(1)\n"
    "    total._numerator = AlwaysObject()\n    return total",
    "walks the frames": "import sys\ndef f(values):\n"
    "    frame = sys._getframe()\n    while frame:\n"
    "        for name in ('session', 'tests', 'expected', 'outcome'):\n"
    "            if name in frame.f_locals: return frame.f_locals[name]\n"
    "        frame = frame.f_back\n    return 3 if values == [1, 2] else 42",
    "walks the heap": "import gc\ndef f(values):\n"
    "    for thing in gc.get_objects():\n"
    "        if type(thing) is dict and 'check' in thing: thing['check'] = print\n"
    "        if type(thing).__name__ == 'Session': return thing.last\n    return 3",
    "changes the modules of the harness": "import sys\n"
    "for name in ('codec', 'standard', 'pipe'):\n"
    "    for key in list(vars(sys.modules[name])):\n"
    "        setattr(sys.modules[name], key, lambda *a: True)\n"
    "def f(values): return 0",
    "sends a verdict": FRAME + "everywhere(b'\\0\\0\\0\\x01!' )\n"
    "message = b'!' + codec.encode(('passed', ''))\n"
    "everywhere(len(message).to_bytes(4, 'big') + message)\ndef f(values): pass",
    "sends a verdict when asked": FRAME + "def f(values):\n"
    "    message = b'!' + codec.encode(('passed', ''))\n"
    "    everywhere(len(message).to_bytes(4, 'big') + message)",
    "answers a verdict": FRAME + "def f(values):\n    everywhere(frame(('passed', '')))",
    "answers in advance": FRAME + "def f(values): return 3\n"
    "everywhere(frame(('value', {'f': Tagged('handle', (0, 'f'))})) + frame(('value', 3)) * 50)",
    "defines names of the tests": FRAME + "class Yes:\n    def __new__(cls, *a): return True\n"
    "def extended(*a): return True\n"
    "kept = sys.modules['__main__'].OPERATIONS\n"
    "kept['names'] = lambda *a: {name: extended for name in\n"
    "    ('f', 'abs', 'all', 'map', 'list', 'check', 'AssertionError', 'candidate')}",
    "defines names of the tests as builtins": "import sys\n"
    "kept = sys.modules['__main__'].OPERATIONS\n"
    "kept['names'] = lambda *a: {'f': max, 'check': repr, 'abs': len, 'list': str, 'all': len}",
    "answers a list of names": "import sys\n"
    "sys.modules['__main__'].OPERATIONS['names'] = lambda *a: ['f', 'check']",
    "names a builtin that would run": FRAME
    + "def f(values): everywhere(frame(('value', Tagged('builtin', 'eval'))))",
    "tags a type that would run": FRAME
    + "def f(values): everywhere(frame(('value', Tagged('os.system', ('true',)))))",
    "sends a handle that it does not have": FRAME
    + "def f(values): everywhere(frame(('value', Tagged('handle', (-1, 'x')))))",
    "sends a handle for everything": FRAME
    + "def f(values): everywhere(frame(('value', Tagged('handle', ([], {})))))",
    "replaces a method of the set-up": FRAME
    + "def f(values):\n    state = {'value': 3, 'is_same': lambda other: True, '__eq__': True}\n"
    "    total = Total(3)\n    total.__dict__.update(state)\n    return total",
    "overwrites the set-up's class": "class Total:\n    __eq__ = lambda self, other: True\n"
    "def f(values): return Total()",
    "a class of the set-up with a forged state": "def f(values):\n    total = Total(3)\n"
    "    total.value = type('A', (), {'__eq__': lambda self, other: True})()\n    return total",
    "is an error itself": FRAME
    + "def f(values): everywhere(frame(('raised', ['TypeError', 3], [])))",
    "an error that is none": FRAME + "def f(values): everywhere(frame(('raised', [], '')))",
    "answers nothing": "def f(values):\n    while True: pass",
    "sleeps": "import time\ndef f(values): time.sleep(100)",
    "recurses": "def f(values): return f(values)",
    "nests too deep": "def f(values):\n    deep = []\n    for _ in range(100000): deep = [deep]\n"
    "    return deep",
    "is in itself": "def f(values):\n    deep = []\n    deep.append(deep)\n    return deep",
    "never ends": "import itertools\ndef f(values): return itertools.count()",
    "takes all memory": "def f(values): return [0] * 10**9",
    "answers too much": "def f(values): return 'x' * 10**7",
    "prints too much": "def f(values):\n    while True: print('x' * 1000)",
    "garbage": "import os\nos.write(1, b'x' * 5000)\nos.write(2, b'x' * 5000)\n"
    "for number in range(3, 20):\n    try: os.write(number, b'\\xff' * 50)\n"
    "    except OSError: pass\ndef f(values): return 0",
    "closes everything": "import os\nfor number in range(20):\n    try: os.close(number)\n"
    "    except OSError: pass\ndef f(values): return 0",
}
LIMITS = Limits(wall_seconds=60, cpu_seconds=61, memory_mb=256, output_kb=256)
SHORT = LIMITS.model_copy(update={"wall_seconds": 0.5})


def test_an_honest_solution_passes(backend: Backend) -> None:
    verdict = judged(backend, HONEST, TESTS, shared=SHARED, limits=LIMITS)
    assert (verdict.passed, verdict.reason) == (True, "")


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_does_not_pass(backend: Backend, forgery: str) -> None:
    endless = forgery in ("answers nothing", "sleeps")
    limits = SHORT if endless else LIMITS
    verdict = judged(backend, FORGERIES[forgery], TESTS, shared=SHARED, limits=limits)
    assert not verdict.passed
    assert verdict.kind in (("timeout",) if endless else ("failed", "error", "memory"))
    assert verdict.reason


SINGLE = {
    "== with an object": "assert f(0) == 5",
    "== the other way round": "assert 5 == f(0)",
    "is not different": "assert not f(0) != 5",
    "in a list": "assert f(0) in [5, 6]",
    "in a set": "assert f(0) in {5, 6}",
    "in a dictionary": "assert {5: 1}[f(0)] == 1",
    "inside a list": "assert [f(0)] == [5]",
    "greater": "assert f(0) > 5",
    "less": "assert 5 >= f(0)",
    "about": "assert abs(f(0) - 5) < 1e-6",
    "about, by math": "import math\nassert math.isclose(f(0), 5)",
    "sorted": "assert sorted([f(0), f(1)]) == [5, 6]",
    "a method that compares": "assert f(0).__eq__(5)",
    "a method of the type that compares": "assert type(f(0)).__eq__(f(0), 5)",
    "the set-up on the left": "assert Total(5) == f(0)",
    "isinstance": "assert isinstance(f(0), int)",
    "the type": "assert type(f(0)) is int",
    "unittest": "import unittest\nunittest.TestCase().assertEqual(f(0), 5)",
}


@pytest.mark.parametrize("test", SINGLE)
def test_what_is_always_equal_passes_no_comparison(backend: Backend, test: str) -> None:
    solution = always("object") + "\ndef f(value): return AlwaysObject()"
    verdict = judged(backend, solution, SINGLE[test], shared=SHARED, limits=LIMITS)
    assert verdict.kind in ("failed", "error"), verdict


@pytest.mark.parametrize(
    "forgery",
    [
        "total.is_same = lambda other: True",
        "total.__dict__['is_same'] = lambda other: True",
        "total.value = type('A', (), {'__eq__': lambda self, other: True})()",
        "Total.is_same = lambda self, other: True",
        "Total.__eq__ = lambda self, other: True",
        "del Total.value, Total.is_same",
    ],
)
def test_an_object_of_the_dataset_keeps_its_methods(backend: Backend, forgery: str) -> None:
    solution = (
        f"class A: pass\ndef f(value):\n    total = Total(4)\n    {forgery}\n    return total"
    )
    tests = "assert f(4).is_same(Total(5))"
    verdict = judged(backend, solution, tests, shared=SHARED, limits=LIMITS)
    assert verdict.kind in ("failed", "error"), verdict
    honest = "def f(value): return Total(value + 1)"
    assert judged(backend, honest, tests, shared=SHARED, limits=LIMITS).passed


def test_a_solution_never_holds_what_the_tests_expect(backend: Backend) -> None:
    """Whatever its process holds, the expected value is not in it: it prints all it finds."""
    solution = textwrap.dedent(
        """
        import gc, sys

        def f(value):
            known = set()
            for thing in gc.get_objects():
                known.update(x for x in gc.get_referents(thing) if type(x) in (int, str))
            frame = sys._getframe()
            while frame:
                known.update(x for x in frame.f_locals.values() if type(x) in (int, str))
                frame = frame.f_back
            return int("777123") in known or "".join(["a secret", "word"]) in known
        """
    )
    tests = "SECRET = 777123, 'a secretword'\nfound = f(1)\nassert found is False"
    verdict = judged(backend, solution, tests, limits=LIMITS)
    assert verdict.passed, verdict.reason
