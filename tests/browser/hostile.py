"""Texts that attack a page, and results in which every text is one of them.

Whatever runs sets `window.__hit`. Texts that are keys (names, ids, metrics, categories) become the
same attack wherever they stand, so that results still belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar, get_origin
from zlib import crc32

from pydantic import BaseModel

from evaluation.records import Result

CANARY = "__hit"
HIT = f"window.{CANARY}"

ATTACKS = (
    f"<script>{HIT}='script'</script>",
    f"</script><script>{HIT}='closed script'</script>",
    f'<img src=x onerror="{HIT}=1">',
    f"<svg/onload={HIT}=2><animate onbegin={HIT}=3 attributeName=x dur=1s>",
    f'"\'><iframe srcdoc="<script>top.{CANARY}=4</script>"></iframe>',
    f'" autofocus onfocus="{HIT}=5" onmouseover="{HIT}=6" x="',
    f"' onclick='{HIT}=7",
    f"javascript:{HIT}='link'",
    f'<a href="javascript:{HIT}=8">press</a>',
    f"`${{{HIT}=9}}`${{alert(1)}}",
    "{{ 7*7 }}{% for x in ''.__class__ %}{{ x }}{% endfor %}{# note",
    "\u202eevil\u202c \u2066hidden\u2069 \u200b\u200e\ufeff \U000e0041",
    "\x00 \x08 \x1b[31m \x7f \x9b",
    "lone \ud800 surrogates \udfff",
    "<!-- <!--<script> --!>",
    "]]> <![CDATA[ <?php ?> <!DOCTYPE x>",
    "line\u2028separator\u2029s",
    "</style><style>*{display:none!important}</style>",
    "} body{display:none} /*",
    "url(https://example.invalid/x.png) ;background:url('https://example.invalid/y')",
    '<link rel=stylesheet href="https://example.invalid/a.css"><base href="https://example.invalid">',
    '<meta http-equiv=refresh content="0;url=https://example.invalid/">',
    '<form action="https://example.invalid"><button autofocus>x</button></form>',
    "</bdi></td></table></pre></details></template></main></body></html>",
    "</title></textarea></noscript></select><plaintext>",
    "https://example.invalid/ www.example.invalid [x](https://example.invalid) $$x$$ \\(y\\)",
    "&lt;b&gt; &amp;amp; &#x3c;script&#x3e; %3Cscript%3E \\u003cscript\\u003e",
    "W" * 3000,
    "e\u0301" * 40 + "\u0336" * 60,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\U0001f3fd \U0001f1e6 \u200d",
    "tab\there\r\nand\rthere\n\n\n\n\v\f",
    "../../../etc/passwd#fragment?query=1&x=%00",
    "-1e309",
)
# What objects of a script have from birth, as keys of data.
BORN = ("__proto__", "constructor", "toString", "hasOwnProperty", "__defineGetter__")
LINE = 2**20

ModelT = TypeVar("ModelT", bound=BaseModel)
# Fields that others refer to by their text.
KEYS = frozenset({"id", "category", "metric", "model", "dataset", "tier", "name", "preset"})


def attacked(text: str, about: str = "") -> str:
    """The text with an attack behind it: the same for the same text; "" stays.

    That nothing was there is shown in a way of its own, and so is left as it is.
    """
    place = crc32(f"{about}/{text}".encode(errors="replace"))
    return f"{text[:2000]} {ATTACKS[place % len(ATTACKS)]}" if text else text


def renamed(names: Sequence[str]) -> list[str]:
    """Names of models, datasets and tiers as they stand in hostile results."""
    return [attacked(name) for name in names]


def hostile_results(results: Iterable[Result]) -> Iterator[Result]:
    """Results whose every text is an attack; the first one has lines of 1 MB too."""
    for place, result in enumerate(results):
        poisoned = poison(result)
        yield _with_born_keys(_with_long_lines(poisoned) if place == 0 else poisoned)


def poison(record: ModelT) -> ModelT:
    """The record with an attack in every text of it, but for the words of the schema."""
    changes = {
        name: _value(name, getattr(record, name))
        for name, info in type(record).model_fields.items()
        if get_origin(info.annotation) is not Literal
    }
    return record.model_copy(update=changes)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return attacked(value, "" if name in KEYS else name)
    if isinstance(value, BaseModel):
        return poison(value)
    if isinstance(value, list):
        return [_value(name, one) for one in value]
    if isinstance(value, dict):
        schema = name == "phases"
        return {k if schema else attacked(k): _value(name, v) for k, v in value.items()}
    return value


def _with_long_lines(result: Result) -> Result:
    """The result with a sample whose texts are one line of 1 MB each."""
    long = f"<b>{'x' * LINE}</b>"
    first, *others = result.samples
    turns = [
        turn.model_copy(update={"prompt": long, "response": long, "thinking": long, "error": long})
        for turn in first.turns
    ]
    texts = dict.fromkeys(("extracted", "gold", "reason"), long)
    first = first.model_copy(update={"turns": turns, **texts})
    return result.model_copy(update={"samples": [first, *others], "flags": [*result.flags, long]})


def _with_born_keys(result: Result) -> Result:
    """The result with samples, categories, metrics and packages of names that objects have."""
    samples = [
        one.model_copy(update={"id": born, "category": born, "scores": {**one.scores, born: 0.5}})
        for one, born in zip(result.samples[1:], BORN, strict=False)
    ]
    kept = [result.samples[0], *samples, *result.samples[len(samples) + 1 :]]
    origin = result.provenance.model_copy(update={"packages": dict.fromkeys(BORN, BORN[0])})
    return result.model_copy(update={"samples": kept, "provenance": origin})
