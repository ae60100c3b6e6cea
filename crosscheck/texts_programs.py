"""Texts to be scored as answers to humaneval and mbpp.

Programs made from a dataset's own solutions are marked to be run; everything else only shows
whether both sides take the same program out of a text.
"""

from __future__ import annotations

import re

from crosscheck.exchange import Text
from evaluation.benchmarks.humaneval import HumanevalRow
from evaluation.benchmarks.mbpp import MbppRow

# A number that stands alone, outside of names.
NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
DEFINITION = re.compile(r"^def\s+(\w+)\s*\(", re.MULTILINE)


def humaneval(index: int, name: str, row: HumanevalRow, *, changed: bool) -> list[Text]:
    """Bodies that complete the prompt, with what a model may write after them.

    `changed` has the changed programs run as well, not only the right one.
    """
    body = row.canonical_solution
    run = {
        "gold": body,
        "returns None": "    return None\n",
        "returns an argument": "    return [*locals().values()][0]\n",
        "raises": "    raise ValueError\n",
        "other number": other_number(body),
        "not Python": "    return (\n",
        "prints first": f"    print('PASSED')\n{body}",
    }
    read = {
        "cut off": body[: len(body) // 2],
        "then function": f"{body}\ndef other():\n    return 1\n",
        "then class": f"{body}\nclass Other:\n    pass\n",
        "then comment": f"{body}\n# That is all.\n",
        "then main": f'{body}\nif __name__ == "__main__":\n    pass\n',
        "then print": f"{body}\nprint(1)\n",
        "then indented comment": f"{body}    # That is all.\n",
        "then fence": f"{body}```\nThis is the function.\n",
        "then unicode": f"{body}\n日本語\u202e\n",
        "whole program": f"```python\n{row.prompt}{body}```",
        "empty": "",
    }
    return texts(index, name, run, read, changed=changed)


# Around the solution of a task, here `{name}`.
WRAPPED = """{code}
_solution = {name}
def {name}(*arguments, **named):
    result = _solution(*arguments, **named)
    return {result}
"""


def mbpp(index: int, name: str, row: MbppRow, *, changed: bool) -> list[Text]:
    """Programs, with what a model may write after them; `changed` as above."""
    code = row.code
    run = {
        "gold": code,
        "gold, end marker": f"{code}\n[DONE]\nprint(",
        "raises": f"{code}\nraise ValueError\n",
        "other number": other_number(code),
        "not Python": "def f(\n",
    }
    tested = [name for name in DEFINITION.findall(code) if f"{name}(" in row.test_list[0]]
    for function in tested[:1]:
        for kind, result in {
            "returns None": "None",
            "integers as floats": "float(result) if type(result) is int else result",
            "lists as tuples": "tuple(result) if type(result) is list else result",
            "tuples as lists": "list(result) if type(result) is tuple else result",
            "in a list": "[result]",
            "prints first": "print('PASSED') or result",
        }.items():
            run[kind] = WRAPPED.format(code=code, name=function, result=result)
    read = {
        "then next task": f"{code}\n[DONE]\n\nYou are an expert Python programmer, and here is",
        "then end marker": f"{code}[DONE]",
        "then fence": f"{code}\n```\nThis is the function.",
        "then unicode": f"{code}\n# 日本語\u202e\n",
        "fenced": f"```python\n{code}\n```",
        "begin marker": f"[BEGIN]\n{code}\n[DONE]",
        "cut off": code[: len(code) // 2],
        "empty": "",
    }
    return texts(index, name, run, read, changed=changed)


def texts(
    index: int, name: str, run: dict[str, str], read: dict[str, str], *, changed: bool
) -> list[Text]:
    """The texts of a row: those to be run first."""
    return [
        *(
            Text(index=index, id=name, kind=kind, text=text, run=changed or kind == "gold")
            for kind, text in run.items()
        ),
        *(Text(index=index, id=name, kind=kind, text=text) for kind, text in read.items()),
    ]


def other_number(code: str) -> str:
    """The program with one more in its last number, or unchanged if it has none."""
    numbers = list(NUMBER.finditer(code))
    if not numbers:
        return code
    last = numbers[-1]
    return f"{code[: last.start()]}{int(last[0]) + 1}{code[last.end() :]}"
