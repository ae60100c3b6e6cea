"""Texts to be scored as answers to gsm8k, math and ifeval: right, wrong and malformed ones.

Each function makes the texts of one row, by kind.
"""

from __future__ import annotations

from evaluation.benchmarks.gsm8k import Gsm8kRow
from evaluation.benchmarks.ifeval import IfevalRow
from evaluation.benchmarks.math import MathRow

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
CLOSING = "I hope it is correct."


def gsm8k(row: Gsm8kRow) -> dict[str, str]:
    """Ways to state the right number, another one, or none."""
    reasoning, _, number = row.answer.rpartition("#### ")
    plain = number.replace(",", "")
    other = f"{float(plain) + 1:g}"
    return {
        "gold": f" {row.answer}",
        "other number": f"{reasoning}#### {other}",
        "no marker": f"{reasoning}The answer is {number}.",
        "marker without space": f"{reasoning}####{number}",
        "marker only": f"#### {number}",
        "full stop": f"{reasoning}#### {number}.",
        "two full stops": f"{reasoning}#### {number}..",
        "decimals": f"{reasoning}#### {plain}.00",
        "dollars": f"{reasoning}#### ${number}",
        "dollars, no marker": f"She pays ${number}.",
        "thousands": f"{reasoning}#### {float(plain):,.0f}",
        "negative": f"{reasoning}#### -{number}",
        "two markers": f"#### {number}\n#### {other}",
        "other number first": f"#### {other}\n#### {number}",
        "unit": f"{reasoning}#### {number} apples",
        "unit, no marker": f"That makes {number} apples, or {other} pears",
        "percent": f"{reasoning}#### {number}%",
        "next question": f" {row.answer}\n\nQuestion: What is 2 + 2?\nAnswer: 4\n#### 4",
        "end tokens as text": f" {row.answer}</s>#### 7<|im_end|>#### 8",
        "punctuation only": f"{reasoning}#### .,.",
        "bare dollar": "It costs $ and $, in all.",
        "cut off": row.answer[: len(row.answer) // 2],
        "empty": "",
        "blank": " \n\t ",
        "full-width digits": f"#### {number.translate(FULL_WIDTH)}",
        "right-to-left": f"\u202e#### {number}\u202c",
        "control characters": f"\x00#### {number}\x00\x1b",
    }


def math(row: MathRow) -> dict[str, str]:
    """Ways to state the right answer, another one, or none, in the form of the examples."""
    solution, answer = row.solution, row.answer

    def final(stated: str, ending: str = f". {CLOSING}") -> str:
        return f" {solution}\nFinal Answer: The final answer is {stated}{ending}"

    return {
        "gold": final(f"${answer}$"),
        "no dollars": final(answer),
        "no closing sentence": final(f"${answer}$", "."),
        "closing sentence to come": final(f"${answer}$", ". "),
        "other answer": final("$-17$"),
        "sum that equals it": final(f"${answer} + 0$"),
        "equation": final(f"$x = {answer}$"),
        "unit": final(rf"${answer}\text{{ cm}}$"),
        "words": final(f"the number ${answer}$ dollars"),
        "boxed": final(rf"$\boxed{{{answer}}}$"),
        "other fraction": final(f"${answer}$".replace(r"\frac", r"\dfrac")),
        "spaces": final(f"$ {answer} $"),
        "two answers": final(f"${answer}$") + final("$3$"),
        "other answer first": final("$3$") + final(f"${answer}$"),
        "line break": final(f"${answer}\n$"),
        "broken LaTeX": final(r"$\frac{1{2}$"),
        "solution only": f" {solution}",
        "next problem": final(f"${answer}$") + "\n\nProblem:\nWhat is $1+1$?" + final("$2$"),
        "cut off": solution[: len(solution) // 2],
        "empty": "",
        "blank": " \n ",
        "typographic": final(f"${answer}$".replace("-", "−").replace(r"\pi", "π")),
    }


# What the instructions ask for, all at once; each instruction finds something to verify.
EVERYTHING = """\
<<A title>>

"Hello," she said. *One* thing and *another*, and [name] of [place], too. My answer is yes.

* First point
* Second point

SECTION 1
Once upon a time, there was a dog. It barked! Did it? It did.

***

SECTION 2
Nothing else. NOTHING AT ALL.

P.S. That was it.
P.P.S. Is there anything else I can help with?"""


def ifeval(row: IfevalRow) -> dict[str, str]:
    """Texts that follow some instructions and not others."""
    arguments = [value for given in row.kwargs for value in given.values()]
    words = [str(w) for value in arguments for w in (value if isinstance(value, list) else [value])]
    return {
        "prompt": row.prompt,
        "prompt, then an answer": f"{row.prompt}\n\nHere it is: rain falls, and I write about it.",
        "everything": EVERYTHING,
        "everything, wrapped": f"Sure, here is it:\n{EVERYTHING}\nI hope this helps.",
        "arguments": ". ".join(words) + ".",
        "arguments, capitals": ". ".join(words).upper(),
        "lower case": "this text has no capital letter and no comma, or has it? it does.".lower(),
        "quoted": f'"{" ".join(words)} and so on"',
        "json": '```json\n{"a": [1, 2, {"b": null}]}\n```',
        "two answers": "The first answer.\n******\nThe second answer.",
        "paragraphs": "\n\n".join(f"{word} begins a paragraph." for word in words or ["It"]),
        "German": "Das ist ein Satz in deutscher Sprache, der von Hunden und Katzen handelt.",
        "empty": "",
        "blank": " \n\n ",
        "unicode": "日本語の文章です。\u202eabc\u202c مرحبا بالعالم 😀",
    }
