"""What models write about the papers of a day: the same course for every prompt, with the prompt's own task inside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from papers_pipeline.core.guardrails import Verdict
from papers_pipeline.core.llm import Answer, Models, Spent
from papers_pipeline.core.per_paper import Counts, Outcome, PaperPending, Progress, per_paper
from papers_pipeline.core.prompts import Prompt
from papers_pipeline.records import Enrichment, Paper, PendingReason

Row = TypeVar("Row", bound=Enrichment)
Output = TypeVar("Output", bound=BaseModel)


@dataclass(frozen=True)
class Unasked:
    """Why a paper is not asked about."""

    reason: PendingReason


@dataclass(frozen=True)
class Task(Generic[Row, Output]):
    """One prompt's part of the work.

    ``record`` is the type of its rows. ``texts`` gives what the prompt is told of a paper (several: the next for the
    next model), ``judge`` the verdict on an answer to one of them, ``written`` the row of an answer and ``unwritten``
    that of a paper without one.
    """

    prompt: Prompt
    record: type[Row]
    output: type[Output]
    texts: Callable[[Paper], Sequence[Mapping[str, str]] | Unasked]
    judge: Callable[[Output, Mapping[str, str]], Verdict]
    written: Callable[[Paper, Answer[Output]], Row]
    unwritten: Callable[[Paper, Outcome[Row]], Row]


async def enrich(
    task: Task[Row, Output],
    papers: Sequence[Paper],
    *,
    models: Models,
    earlier: Sequence[Row] = (),
    day: str | None = None,
    concurrency: int,
    progress: Progress,
) -> tuple[list[Row], Counts, Spent]:
    """One row a paper, in the given order, the counts, and what was spent. ``earlier`` are the rows of the last build:
    what a model wrote stays when nothing new can be had."""
    by_id = {paper.arxiv_id: paper for paper in papers}
    before = {row.arxiv_id: row for row in earlier if row.state == "done"}

    async with models.chain(task.prompt, task.output, task.judge, day) as chain:

        async def write(arxiv_id: str) -> tuple[Row, bool]:
            paper = by_id[arxiv_id]
            texts = task.texts(paper)
            if isinstance(texts, Unasked):
                raise PaperPending(texts.reason)
            answer = await chain.ask(arxiv_id, *texts)
            return task.written(paper, answer), answer.reused

        outcomes, counts = await per_paper(
            task.prompt.asset, list(by_id), write, concurrency=concurrency, progress=progress
        )
    rows = [
        outcome.value or before.get(outcome.arxiv_id) or task.unwritten(by_id[outcome.arxiv_id], outcome)
        for outcome in outcomes
    ]
    return rows, counts, chain.spent


async def ask_again(
    task: Task[Row, Output], paper: Paper, *, models: Models, day: str | None = None
) -> Answer[Output] | Unasked:
    """A new answer about one paper, past the cache; the old one is kept beside it. Raises what `Chain.ask` raises, and
    then the old answer stays in force."""
    texts = task.texts(paper)
    if isinstance(texts, Unasked):
        return texts
    async with models.chain(task.prompt, task.output, task.judge, day) as chain:
        return await chain.ask(paper.arxiv_id, *texts, again=True)
