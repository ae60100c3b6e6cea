"""MT-Bench: two-turn open questions that a judge rates (Zheng et al. 2023, arXiv 2306.05685).

A row:
    category: "math", prompt: ["What is 12 % of 250?", "And of twice that number?"],
    reference: ["30", "60"], prompt_id: 900000

A judge rates each of the two answers from 1 to 10 (mt_bench_judge.py). A sample's `rating` is the
mean of its turns' ratings. A rating that cannot be read is left out of the means; what it could
have changed is shown by `rating_lower` and `rating_upper`, which put 1 and 10 in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from evaluation.benchmarks.base import (
    AnyRequest,
    Benchmark,
    Card,
    Evidence,
    HubFiles,
    PromptSettings,
    Row,
)
from evaluation.benchmarks.mt_bench_judge import (
    HIGHEST,
    LOWEST,
    judge_messages,
    read_rating,
    read_ratings,
    retry,
)
from evaluation.records import GenerateRequest, Message, Response, Sample, SampleScore, Score
from evaluation.statistics import bootstrap

TURNS = 2
NO_JUDGE = "no judge"
# Share of the ratings, in percent, that must be readable for the mean to be one.
NEEDED = 95

# FastChat's sampling temperatures: open categories are sampled, exact ones decoded greedily.
TEMPERATURES = {
    "writing": 0.7,
    "roleplay": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}


class MtBenchRow(Row):
    """Columns of HuggingFaceH4/mt_bench_prompts; `reference` is empty or has one per turn."""

    category: str
    prompt: list[str]
    reference: list[str]
    prompt_id: int


class MtBench(Benchmark[MtBenchRow]):
    """Both turns are asked and kept; they are rated if there is a judge."""

    card = Card(
        name="mt_bench",
        title="MT-Bench",
        measures="helpfulness in two-turn conversations",
        paper="https://arxiv.org/abs/2306.05685",
        hub_id="HuggingFaceH4/mt_bench_prompts",
        revision="e3a795c5e9a82ee40611c416b8a7786c73198991",
        licence="Apache-2.0",
        files=HubFiles(split="train", patterns=("data/train-*", "README.md")),
        protocols=("chat",),
        max_new_tokens={"chat": 1024},
        metrics=(
            "rating",
            "rating_turn_1",
            "rating_turn_2",
            "rating_lower",
            "rating_upper",
            "parse_rate",
        ),
        primary="rating",
        judged=True,
    )
    row_type = MtBenchRow

    def identify(self, row: MtBenchRow, index: int) -> str:
        return f"mt_bench/{row.prompt_id}"

    def categorise(self, row: MtBenchRow) -> str:
        return row.category

    def check(self, row: MtBenchRow) -> str:
        if row.category not in TEMPERATURES:
            return f"the category {row.category!r} is not one of {', '.join(TEMPERATURES)}"
        if len(row.prompt) != TURNS:
            return f"{len(row.prompt)} turns instead of {TURNS}"
        if not all(p.strip() for p in row.prompt):
            return "a turn is empty"
        paired = len(row.reference) in (0, TURNS)
        return "" if paired else f"{len(row.reference)} references for {TURNS} turns"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        return [self._ask(sample, settings, [])]

    def follow_up(
        self,
        sample: Sample,
        few_shot: Sequence[Sample],
        settings: PromptSettings,
        answers: Sequence[str],
    ) -> GenerateRequest | None:
        return self._ask(sample, settings, answers) if len(answers) < TURNS else None

    def _ask(
        self, sample: Sample, settings: PromptSettings, answers: Sequence[str]
    ) -> GenerateRequest:
        """The turn after `answers`, with the conversation so far."""
        row = self.row(sample)
        turn = len(answers)
        messages: list[Message] = []
        for prompt, answer in zip(row.prompt, answers, strict=False):
            messages += [
                Message(role="user", content=prompt),
                Message(role="assistant", content=answer),
            ]
        return GenerateRequest(
            sample_id=sample.id,
            turn=turn,
            messages=(*messages, Message(role="user", content=row.prompt[turn])),
            max_new_tokens=settings.max_new_tokens,
            temperature=TEMPERATURES[row.category],
            seed=settings.seed,
        )

    # ---- the judge (see judging.Judged) ----

    def judge_requests(
        self, sample: Sample, evidence: Evidence, max_new_tokens: int
    ) -> list[GenerateRequest]:
        """One request an answer, whose turn is the request's `repeat`; none if one is missing."""
        if len(evidence.answers) != TURNS or any(r.error for r in evidence.responses):
            return []
        row = self.row(sample)
        return [
            GenerateRequest(
                sample_id=sample.id,
                repeat=turn,
                messages=judge_messages(
                    row.category, row.prompt, evidence.answers[: turn + 1], row.reference
                ),
                max_new_tokens=max_new_tokens,
            )
            for turn in range(TURNS)
        ]

    def judge_follow_up(
        self, first: GenerateRequest, replies: Sequence[str]
    ) -> GenerateRequest | None:
        """One retry, a further turn of the same conversation, if no rating can be read."""
        unreadable = len(replies) == 1 and read_rating(replies[0]) is None
        return retry(first, replies[0]) if unreadable else None

    def ratings(self, judgments: Sequence[Response]) -> dict[int, float | None]:
        """The rating of each answer, None where none could be read."""
        return read_ratings(judgments)

    # ---- scores ----

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        gold = references(self.row(sample))
        if not evidence.judgments:
            return SampleScore(gold=gold, reason=NO_JUDGE)
        ratings = read_ratings(evidence.judgments)
        read = {turn: rating for turn, rating in ratings.items() if rating is not None}
        missing = " and ".join(str(turn + 1) for turn in ratings if turn not in read)
        reason = f"the judge's rating of turn {missing} could not be read" if missing else ""
        if not read:
            return SampleScore(gold=gold, reason=reason)
        return SampleScore(
            scores={
                "rating": fmean(read.values()),
                **{f"rating_turn_{turn + 1}": rating for turn, rating in read.items()},
                "rating_lower": fmean(read.get(turn, LOWEST) for turn in ratings),
                "rating_upper": fmean(read.get(turn, HIGHEST) for turn in ratings),
                "parse_rate": len(read) / len(ratings),
            },
            extracted=", ".join(f"turn {turn + 1}: {rating:g}" for turn, rating in read.items()),
            gold=gold,
            reason=reason,
        )

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """Means over the questions; the primary one is empty if too few ratings could be read."""
        verdicts = [verdict for _, verdict in scored]
        if all(verdict.reason == NO_JUDGE for verdict in verdicts):
            return [_unrated(f"not scored: {NO_JUDGE}" if verdicts else "")]
        # A sample without scores is one of whose ratings none could be read.
        worst = {"rating_lower": float(LOWEST), "rating_upper": float(HIGHEST), "parse_rate": 0.0}
        rows = [verdict.scores or worst for verdict in verdicts]
        asked = TURNS * len(rows)
        parsed = round(TURNS * sum(row["parse_rate"] for row in rows))
        rating, *others = (
            _mean(metric, [row[metric] for row in rows if metric in row])
            for metric in self.card.metrics
            if metric != "parse_rate"
        )
        if 100 * parsed < NEEDED * asked:
            # Never rounded to what is needed.
            percent = min(NEEDED - 1, round(100 * parsed / asked))
            rating = _unrated(
                f"invalid: the judge's rating could be read from {parsed} of {asked} answers "
                f"({percent}%), {NEEDED}% are needed"
            )
        # A count of this run's answers, which has no interval.
        parse_rate = Score(metric="parse_rate", value=parsed / asked, n=asked)
        return [rating.model_copy(update={"primary": True}), *others, parse_rate]


def _unrated(reason: str) -> Score:
    return Score(metric="rating", value=None, n=0, primary=True, reason=reason)


def _mean(metric: str, values: Sequence[float]) -> Score:
    """A mean rating; resampling whole questions keeps the two turns of one together."""
    if not values:
        return Score(metric=metric, value=None, n=0)
    return Score(
        metric=metric, value=fmean(values), n=len(values), interval=bootstrap(values, fmean)
    )


def references(row: MtBenchRow) -> str:
    """The reference answers by turn; some turns have none."""
    return "\n\n".join(f"Turn {i}: {r}" for i, r in enumerate(row.reference, start=1) if r)


BENCHMARK = MtBench()
