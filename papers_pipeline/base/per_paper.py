"""One paper at a time: run a function over a day's papers, so that reuse, progress, retries, failures and counts look
the same in every asset, and a bad paper never fails a day."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from papers_pipeline.records import OutcomeState, PendingReason, UnreadReason

Value = TypeVar("Value")


class PaperPending(Exception):
    """Raised by a paper's work that was not begun."""

    def __init__(self, reason: PendingReason | UnreadReason) -> None:
        super().__init__(reason)
        self.reason = reason


class PaperFailed(Exception):
    """Raised by a paper's work that was tried and gave nothing: the reason as a code that pages and checks know, and
    what the operator should read of it. Only a failure that is not ``retryable`` is cached."""

    def __init__(
        self, reason: str, detail: str | None = None, *, retryable: bool = True, attempts: int = 1
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.retryable = retryable
        self.attempts = attempts


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What became of one paper in one stage: a value, or why there is none."""

    stage: str
    arxiv_id: str
    state: OutcomeState
    value: Value | None = None
    reused: bool = False
    reason: str | None = None
    detail: str | None = None
    retryable: bool = False
    attempts: int = 0


@dataclass(frozen=True)
class Counts:
    """``papers = reused + computed + failed + pending``, and the seconds it took."""

    papers: int
    reused: int
    computed: int
    failed: int
    pending: int
    seconds: float


class Progress(Protocol):
    """Told of every paper that is done, in whatever order they end, and of what holds a run up."""

    def begin(self, stage: str, total: int) -> None: ...

    def done(self, outcome: Outcome[Any]) -> None: ...

    def note(self, message: str) -> None: ...


class Silence:
    """The progress of whoever does not watch."""

    def begin(self, stage: str, total: int) -> None:
        pass

    def done(self, outcome: Outcome[Any]) -> None:
        pass

    def note(self, message: str) -> None:
        pass


async def per_paper(
    stage: str,
    arxiv_ids: Sequence[str],
    work: Callable[[str], Awaitable[tuple[Value, bool]]],
    *,
    concurrency: int,
    progress: Progress,
) -> tuple[list[Outcome[Value]], Counts]:
    """Run ``work`` for every paper, at most ``concurrency`` at once; returns the outcomes in the given order.

    ``work`` returns a value and whether it was reused, or raises PaperPending or PaperFailed. Any other exception is
    that paper's failure too, retryable, with the reason ``error``.
    """
    started = time.perf_counter()
    gate = asyncio.Semaphore(concurrency)
    progress.begin(stage, len(arxiv_ids))

    async def one(arxiv_id: str) -> Outcome[Value]:
        async with gate:
            outcome = await _outcome(stage, arxiv_id, work)
        progress.done(outcome)
        return outcome

    outcomes = list(await asyncio.gather(*(one(arxiv_id) for arxiv_id in arxiv_ids)))
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    counts = Counts(
        papers=len(outcomes),
        reused=sum(outcome.reused for outcome in done),
        computed=sum(not outcome.reused for outcome in done),
        failed=sum(outcome.state == "failed" for outcome in outcomes),
        pending=sum(outcome.state == "pending" for outcome in outcomes),
        seconds=round(time.perf_counter() - started, 3),
    )
    return outcomes, counts


async def _outcome(
    stage: str, arxiv_id: str, work: Callable[[str], Awaitable[tuple[Value, bool]]]
) -> Outcome[Value]:
    try:
        value, reused = await work(arxiv_id)
    except PaperPending as pending:
        return Outcome(stage, arxiv_id, "pending", reason=pending.reason)
    except PaperFailed as failed:
        return Outcome(
            stage,
            arxiv_id,
            "failed",
            reason=failed.reason,
            detail=failed.detail,
            retryable=failed.retryable,
            attempts=failed.attempts,
        )
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        return Outcome(
            stage, arxiv_id, "failed", reason="error", detail=detail, retryable=True, attempts=1
        )
    return Outcome(stage, arxiv_id, "done", value, reused)
