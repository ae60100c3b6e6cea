"""What passes, what fails and why, in each sandbox that works here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evaluation.config import SandboxSettings
from evaluation.errors import EvaluationError
from evaluation.sandbox import Program, SandboxUnavailable, open_sandbox
from evaluation.sandbox.backends import Backend
from evaluation.sandbox.harness import judge
from evaluation.sandbox.limits import Limits
from tests.sandbox.judging import judged

DOUBLE = "def f(x):\n    return 2 * x"
QUICK = Limits(wall_seconds=0.5, cpu_seconds=2, memory_mb=256, output_kb=64)
PATIENT = QUICK.model_copy(update={"wall_seconds": 60, "cpu_seconds": 61})


@pytest.mark.parametrize(
    ("solution", "kind", "reason"),
    [
        (DOUBLE, "passed", ""),
        ("def f(x): return 4", "failed", "assert f(3) == 6 (last answer: 4)"),
        ("def f(x): return [x]", "failed", "assert f(2) == 4 (last answer: [2])"),
        ("def f(x): pass", "failed", "assert f(2) == 4 (last answer: None)"),
        ("def f(x): return 1 / 0", "error", "the program raised ZeroDivisionError: division by"),
        ("def f(): return 1", "error", "the program raised TypeError: f() takes 0 positional"),
        ("def f(x): return g(x)", "error", "the program raised NameError: name 'g' is not"),
        ("def f(x): return input()", "error", "the program raised EOFError"),
        ("raise KeyError('k')", "error", "the program raised KeyError: 'k'"),
        ("class Own(Exception): pass\ndef f(x): raise Own('!')", "error", "raised Own: !"),
        ("def f(x)\n    return", "error", "the program raised SyntaxError: expected ':'"),
        ("def f(x):\nreturn", "error", "raised IndentationError"),
        ("f\0", "error", "the program raised"),
        ("\ud800", "error", "the program raised"),
        ("", "error", "the program does not define 'f'"),
        ("def g(x): return 2 * x", "error", "the program does not define 'f'"),
        ("f = 4", "failed", "TypeError: 'int' object is not callable in: assert f(2) == 4"),
        ("import os\nos._exit(3)", "error", "the program ended the process (exit code 3)"),
        ("import os\nos.abort()", "error", "the program ended the process (signal "),
        ("def f(x): return f(x)", "error", "raised RecursionError"),
        ("def f(x): return ' ' * 10**9", "memory", "out of memory"),
        ("def f(x): return ' ' * 10**6", "error", "wrote too much output (over 64 kB)"),
        ("while True: print('again')", "error", "wrote too much output (over 64 kB)"),
        ("while True: pass", "timeout", "timed out after 0.5 s"),
        ("def f(x):\n    while True: pass", "timeout", "timed out after 0.5 s"),
        ("import time\ntime.sleep(600)", "timeout", "timed out after 0.5 s"),
    ],
)
def test_every_failure_has_its_kind_and_its_reason(
    backend: Backend, solution: str, kind: str, reason: str
) -> None:
    limits = QUICK if kind == "timeout" else PATIENT
    verdict = judged(backend, solution, "assert f(2) == 4\nassert f(3) == 6", limits=limits)
    assert verdict.kind == kind
    assert reason in verdict.reason
    assert verdict.passed is (kind == "passed")
    assert verdict.reason.isprintable()
    assert verdict.seconds > 0


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ("assert (", "SyntaxError: '(' was never closed"),
        ("assert f(unknown) == 1", "NameError: name 'unknown' is not defined"),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("assert f(lambda x: x) == 1", "CannotCross: a value of type function cannot be passed"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
    ],
)
def test_tests_that_cannot_be_run_are_the_datasets_fault(
    backend: Backend, tests: str, reason: str
) -> None:
    verdict = judged(backend, DOUBLE, tests)
    assert (verdict.kind, verdict.passed) == ("tests", False)
    assert verdict.reason.startswith("the tests could not be run: ")
    assert reason in verdict.reason
    setup = judged(backend, DOUBLE, "assert f(2) == 4", setup=tests)
    assert (setup.kind, setup.passed) == ("tests", False)


def test_a_program_that_hangs_up_and_stays_is_at_fault(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend.name.startswith("bubblewrap"):
        pytest.skip("bubblewrap holds the line")
    monkeypatch.setattr("evaluation.sandbox.channel._GRACE", 0.2)
    hang_up = "import os\nfor number in range(3, 30):\n    try: os.close(number)\n"
    solution = f"{hang_up}    except OSError: pass\nwhile True: pass"
    verdict = judged(backend, solution, "assert f(2) == 4", limits=PATIENT)
    assert (verdict.kind, verdict.reason) == ("error", "the program closed the connection")


def test_tests_that_end_their_process_do_not_pass(backend: Backend) -> None:
    verdict = judged(backend, DOUBLE, "import os; os._exit(0)")
    assert (verdict.kind, verdict.passed) == ("tests", False)
    assert verdict.reason == "the tests ended the process (exit code 0)"


def test_a_broken_verdict_is_none(backend: Backend) -> None:
    tests = """
import os
for descriptor in range(3, 9):
    try:
        os.write(descriptor, bytes([0, 0, 0, 2]) + b"!?")
    except OSError:
        pass
"""
    verdict = judged(backend, DOUBLE, tests)
    assert (verdict.kind, verdict.reason) == ("tests", "the tests sent no verdict")


def test_a_test_that_asserts_nothing_of_the_program_still_needs_its_functions(
    backend: Backend,
) -> None:
    assert judged(backend, DOUBLE, "pass").passed
    assert not judged(backend, "", "pass").passed


@pytest.mark.parametrize(
    ("returned", "test"),
    [
        ("(1, [2.5, {'a': None}], {3}, b'b')", "f() == (1, [2.5, {'a': None}], {3}, b'b')"),
        ("10**5000", "f() == 10**5000"),
        ("float('nan')", "f() != f()"),
        ("True", "f() is True"),
        ("'\\ud800'", "f() == '\\ud800'"),
        ("range(3)", "f() == range(3) and f() != [0, 1, 2] and list(f()) == [0, 1, 2]"),
        ("{1: 2}.keys()", "f() == {1}"),
        ("{1: 2}.values()", "list(f()) == [2]"),
        ("{1: 2}.items()", "f() == {(1, 2)}"),
        ("map(str, [1, 2])", "list(f()) == ['1', '2']"),
        ("(x for x in 'ab')", "'b' in f() and next(f()) == 'a' and [*zip(f(), f())][1][1] == 'b'"),
        ("iter([])", "list(f()) == [] and next(f(), 7) == 7"),
        ("__import__('re').search('b', 'abc')", "f() and f().start() == 1 and f()[0] == 'b'"),
        ("__import__('fractions').Fraction(1, 2)", "f() == 0.5 and f() + 1 == 1.5"),
        ("__import__('decimal').Decimal('0.5')", "f() == 0.5 and str(f()) == '0.5'"),
        ("__import__('collections').Counter('aab')", "f() == {'a': 2, 'b': 1} and f()['c'] == 0"),
        ("__import__('collections').deque([1])", "f().popleft() == 1"),
        ("__import__('collections').namedtuple('P', 'x y')(1, 2)", "f() == (1, 2)"),
        ("__import__('enum').IntEnum('E', 'A').A", "f() == 1"),
        ("__import__('datetime').date(2024, 1, 2)", "f().isoformat() == '2024-01-02'"),
        ("int", "f() is int"),
        (
            "type('Own', (), {'__len__': lambda self: 3, 'a': [1]})()",
            "len(f()) == 3 == f().a[0] + 2",
        ),
        ("type('Own', (), {'__str__': lambda self: 'me'})()", "str(f()) == f'{f()}' == 'me'"),
    ],
)
def test_values_reach_the_tests_as_what_they_are(
    backend: Backend, returned: str, test: str
) -> None:
    verdict = judged(backend, f"def f(): return {returned}", f"assert {test}")
    assert verdict.passed, verdict.reason


@pytest.mark.parametrize(
    "argument",
    [
        "[1, (2, {3: 4})]",
        "{'a', 'b', 'c', 'd'}",
        "int",
        "len",
        "range(9)",
        "bytearray(b'x')",
        "collections.deque([1], maxlen=2)",
        "collections.defaultdict(list, a=[1])",
        "collections.OrderedDict(a=1)",
    ],
)
def test_arguments_reach_the_program_as_what_they_are(backend: Backend, argument: str) -> None:
    solution = "def f(x, *, named): return repr(x), repr(named)"
    tests = f"import collections\nx = {argument}\nassert f(x, named=[x]) == (repr(x), repr([x]))"
    verdict = judged(backend, solution, tests)
    assert verdict.passed, verdict.reason


@pytest.mark.parametrize("argument", ["lambda: 1", "{1}.union", "object()", "print", "iter([])"])
def test_what_cannot_cross_is_refused(backend: Backend, argument: str) -> None:
    verdict = judged(backend, "def f(x): return 1", f"assert f({argument}) == 1")
    assert verdict.kind == "tests"
    assert "cannot be passed" in verdict.reason


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("ValueError('no')", "ValueError"),
        ("KeyError('k')", "LookupError"),
        ("type('Own', (ValueError,), {})('no')", "ValueError"),
        ("type('Own', (Exception,), {})('no')", "Exception"),
        ("AssertionError('no')", "AssertionError"),
        ("UnicodeDecodeError('utf-8', b'', 0, 1, 'no')", "ValueError"),
        ("ExceptionGroup('no', [ValueError()])", "Exception"),
        ("StopIteration()", "Exception"),
    ],
)
def test_tests_can_catch_what_the_program_raises(
    backend: Backend, raised: str, caught: str
) -> None:
    tests = f"try:\n    f()\nexcept {caught}:\n    pass\nelse:\n    assert False"
    verdict = judged(backend, f"def f(): raise {raised}", tests)
    assert verdict.passed, verdict.reason
    missed = judged(backend, f"def f(): raise {raised}", tests.replace(caught, "ZeroDivisionError"))
    assert missed.kind == "error"


@pytest.mark.parametrize("raised", ["SystemExit(0)", "KeyboardInterrupt()", "GeneratorExit()"])
def test_a_program_that_leaves_is_not_caught_as_an_error(backend: Backend, raised: str) -> None:
    tests = "try:\n    f()\nexcept Exception:\n    pass"
    assert judged(backend, f"def f(): raise {raised}", tests).kind == "error"


def test_classes_of_the_program_are_used_from_afar(backend: Backend) -> None:
    solution = """
class Node:
    def __init__(self, value):
        self.value, self.left = value, None

    def add(self, number):
        self.value += number
        return self

    def __setitem__(self, key, value):
        setattr(self, key, value)

class Pair(tuple):
    a = property(lambda self: self[0])

def depth(node):
    return 1 + depth(node.left) if node else 0

def first(pairs):
    return [pair.a for pair in pairs]
"""
    tests = """
assert depth(root) == 3
assert root.left.value == 2 and root.add(4).value == 5
root["colour"] = "red"
assert root.colour == "red" and not hasattr(root, "other")
assert first([Pair((1, 2)), Pair((3, 4))]) == [1, 3]
assert depth(None) == 0
"""
    setup = "root = Node(1)\nroot.left = Node(2)\nroot.left.left = Node(3)"
    verdict = judged(backend, solution, tests, "depth", "Node", "Pair", "first", setup=setup)
    assert verdict.passed, verdict.reason
    wrong = judged(backend, solution, "assert depth(root) == 2", "depth", "Node", setup=setup)
    assert (wrong.kind, wrong.reason) == ("failed", "assert depth(root) == 2 (last answer: 3)")


def test_classes_of_the_dataset_exist_on_both_sides(backend: Backend) -> None:
    shared = """
from collections import namedtuple
from dataclasses import dataclass
Item = namedtuple("Item", "price count")

@dataclass
class Point:
    x: int
    y: int = 0

    def length(self):
        return abs(self.x) + abs(self.y)
"""
    solution = """
def total(items): return sum(item.price * item.count for item in items)
def cheapest(items): return min(items)
def mirrored(point): return Point(point.y, point.x)
def longest(points): return max(points, key=Point.length)
"""
    tests = """
items = [Item(3, 1), Item(2, 2)]
assert total(items) == 7
assert cheapest(items).price == 2 and cheapest(items) == Item(2, 2)
assert mirrored(Point(1, 2)) == Point(2, 1)
assert longest([Point(1), Point(1, -2)]).length() == 3
"""
    names = ("total", "cheapest", "mirrored", "longest")
    verdict = judged(backend, solution, tests, *names, shared=shared)
    assert verdict.passed, verdict.reason
    wrong = solution.replace("Point(point.y, point.x)", "Point(point.x, point.y)")
    assert judged(backend, wrong, tests, *names, shared=shared).kind == "failed"


def test_dataclasses_and_typing_work_in_programs(backend: Backend) -> None:
    solution = """
from __future__ import annotations
import dataclasses, typing

@dataclasses.dataclass
class Point:
    x: int

def f(x: typing.Optional[int]) -> int:
    return typing.get_type_hints(Point)["x"](Point(x).x)
"""
    verdict = judged(backend, solution, "assert f(2) == 2", shared="from typing import List")
    assert verdict.passed, verdict.reason


def test_stand_ins_of_the_set_up_do_not_hide_the_program(backend: Backend) -> None:
    setup = "def helper(x): return x + 1\ndef f(x): return helper(x)"
    tests = "assert f(1) == 7 and helper(1) == 2"
    assert judged(backend, "def f(x): return 7", tests, setup=setup).passed


def test_printing_and_reading_harm_nothing(backend: Backend) -> None:
    solution = """
import sys
print("loaded", flush=True)
def f(x):
    print(x, file=sys.stdout), sys.stdout.write("!"), print(x, file=sys.stderr)
    return sys.stdin.read() + x
"""
    verdict = judged(backend, solution, "print('a' * 99999)\nassert f('b') == 'b'\nprint('c')")
    assert verdict.passed, verdict.reason


def test_arguments_cannot_be_changed_from_afar(backend: Backend) -> None:
    tests = "values = [3, 1]\nassert f(values) == [1, 3]\nassert values == [3, 1]"
    assert judged(backend, "def f(x):\n    x.sort()\n    return x", tests).passed


def test_a_verdict_does_not_depend_on_the_run(backend: Backend) -> None:
    """Hashes and random numbers are the same each time, and in each thread."""
    solution = "import random\ndef f():\n    return list({'a', 'b', 'c', 'd'}), random.random()"
    tests = "assert f() == 0"
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda _: judged(backend, solution, tests), range(8)))
    assert len({verdict.reason for verdict in verdicts}) == 1
    assert "last answer: (['" in verdicts[0].reason


def test_many_threads_judge_at_once(backend: Backend) -> None:
    def verdict(number: int) -> bool:
        solution = f"def f(x): return x + {number % 3}"
        return judged(backend, solution, "assert f(1) == 2").passed

    with ThreadPoolExecutor(6) as pool:
        passed = list(pool.map(verdict, range(24)))
    assert passed == [number % 3 == 1 for number in range(24)]


def test_no_process_and_no_descriptor_is_left(backend: Backend) -> None:
    before = descriptors(), children()
    for solution in (DOUBLE, "while True: pass", "import os; os._exit(0)", "print('x' * 10**6)"):
        judged(backend, solution, "assert f(2) == 4", limits=QUICK)
    assert (descriptors(), children()) == before


def descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def children() -> set[str]:
    return {
        child
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
    }


class Broken:
    """A backend whose processes end at once."""

    name = "broken"

    def start(
        self,
        program: Path,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        modules: Sequence[Path] = (),
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.exit('no namespaces left')"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


def test_a_sandbox_that_does_not_start_is_no_verdict() -> None:
    program = Program(tests="pass", names=(), solution="")
    with pytest.raises(EvaluationError, match="did not start: no namespaces left"):
        judge(program, Broken(), Limits())


def test_a_configuration_opens_its_sandbox() -> None:
    try:
        sandbox = open_sandbox(SandboxSettings(wall_seconds=3, memory_mb=300))
    except SandboxUnavailable as error:
        pytest.skip(error.what)
    assert sandbox.name == sandbox.backend.name != "none"
    assert sandbox.limits == Limits(wall_seconds=3, cpu_seconds=4, memory_mb=300)
    assert sandbox.judge(Program(tests="assert f() == 0", names=("f",), solution="f = int")).passed
