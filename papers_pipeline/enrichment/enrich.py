"""What models write about the papers of a day: the same course for every prompt, with the prompt's own task inside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from papers_pipeline.base.per_paper import Counts, Outcome, PaperPending, Progress, per_paper
from papers_pipeline.llm.chain import Answer, Models, Spent
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt, input_hash
from papers_pipeline.records import Enrichment, PendingReason, UnreadReason

Item = TypeVar("Item", bound="HasId")
Row = TypeVar("Row", bound=Enrichment)
Output = TypeVar("Output", bound=BaseModel)


class HasId(Protocol):
    """Whatever a task is done about: a paper, or a paper with more of it."""

    @property
    def arxiv_id(self) -> str: ...


@dataclass(frozen=True)
class Unasked:
    """Why a paper is not asked about."""

    reason: PendingReason | UnreadReason


@dataclass(frozen=True)
class Task(Generic[Item, Row, Output]):
    """One prompt's part of the work.

    ``record`` is the type of its rows, ``inputs`` the assets whose rows ``items`` joins into one item a paper.
    ``texts`` gives what the prompt is told of an item (several: the next for the next model), ``judge`` the verdict on
    an answer to one of them, ``written`` the row of an answer and ``unwritten`` that of an item without one.

    A task that is done about ``one_a_day`` chooses its item by ``choose``, which is given the rows of the last build
    too. ``beside`` are tables that ``items`` takes as they are stored: nothing goes stale when they change.
    ``still_fits`` tells whether a row of the last build may stay when nothing new can be had.
    """

    prompt: Prompt
    record: type[Row]
    output: type[Output]
    inputs: tuple[str, ...]
    items: Callable[..., Sequence[Item]]
    texts: Callable[[Item], Sequence[Mapping[str, Any]] | Unasked]
    judge: Callable[[Output, Mapping[str, Any]], Verdict]
    written: Callable[[Item, Answer[Output]], Row]
    unwritten: Callable[[Item, Outcome[Row]], Row]
    one_a_day: bool = False
    beside: tuple[str, ...] = ()
    choose: Callable[[Sequence[Item], Sequence[Row]], Sequence[Item]] = lambda items, earlier: items
    still_fits: Callable[[Item, Row], bool] = lambda item, row: True


def answered(prompt: Prompt, text: Mapping[str, Any], answer: Answer[Any]) -> dict[str, Any]:
    """What every row of an answer has in common; ``text`` is the first that was told."""
    return {
        "state": "done",
        "source": "model",
        "provider": answer.provider,
        "model": answer.model,
        "prompt_version": prompt.version,
        "input_hash": input_hash(**text),
        "created_at": answer.created_at,
    }


def unanswered(prompt: Prompt, text: Mapping[str, Any], outcome: Outcome[Any]) -> dict[str, Any]:
    """What every row without an answer has in common."""
    return {
        "state": outcome.state,
        "reason": outcome.reason,
        "detail": outcome.detail,
        "prompt_version": prompt.version,
        "input_hash": input_hash(**text),
    }


async def enrich(
    task: Task[Item, Row, Output],
    items: Sequence[Item],
    *,
    models: Models,
    earlier: Sequence[Row] = (),
    day: str | None = None,
    concurrency: int,
    progress: Progress,
) -> tuple[list[Row], Counts, Spent]:
    """One row an item, in the given order, the counts, and what was spent. ``earlier`` are the rows of the last build:
    what a model wrote stays when nothing new can be had."""
    by_id = {item.arxiv_id: item for item in items}
    before = {
        row.arxiv_id: row
        for row in earlier
        if row.state == "done"
        and row.arxiv_id in by_id
        and task.still_fits(by_id[row.arxiv_id], row)
    }

    async with models.chain(task.prompt, task.output, task.judge, day) as chain:

        async def write(arxiv_id: str) -> tuple[Row, bool]:
            item = by_id[arxiv_id]
            texts = task.texts(item)
            if isinstance(texts, Unasked):
                raise PaperPending(texts.reason)
            answer = await chain.ask(arxiv_id, *texts)
            return task.written(item, answer), answer.reused

        outcomes, counts = await per_paper(
            task.prompt.asset, list(by_id), write, concurrency=concurrency, progress=progress
        )
    rows = [
        outcome.value
        or before.get(outcome.arxiv_id)
        or task.unwritten(by_id[outcome.arxiv_id], outcome)
        for outcome in outcomes
    ]
    return rows, counts, chain.spent


async def ask_again(
    task: Task[Item, Row, Output], item: Item, *, models: Models, day: str | None = None
) -> Answer[Output]:
    """A new answer about one item, past the cache; the old one is kept beside it. Raises what `Chain.ask` raises, and
    then the old answer stays in force."""
    texts = task.texts(item)
    if isinstance(texts, Unasked):
        raise PaperPending(texts.reason)
    async with models.chain(task.prompt, task.output, task.judge, day) as chain:
        return await chain.ask(item.arxiv_id, *texts, again=True)
