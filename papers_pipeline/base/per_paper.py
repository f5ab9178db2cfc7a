"""Runs a function over a day's papers, one outcome per paper.

Reuse, progress, failures and counts look the same in every asset. A bad paper never fails a day.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from papers_pipeline.records import OutcomeState, PendingReason, UnreadReason

Value = TypeVar("Value")


class PaperPending(Exception):
    """Raised for a paper whose work has not started."""

    def __init__(self, reason: PendingReason | UnreadReason) -> None:
        super().__init__(reason)
        self.reason = reason


class PaperFailed(Exception):
    """Raised for a paper whose work was tried and gave no result.

    `reason` is a code that pages and checks know, `detail` is for the operator. A failure is cached
    unless it is `retryable`.
    """

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
    """The result of one stage for one paper: a value, or the reason why there is none."""

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
    """Papers by outcome, and the duration: `papers = reused + computed + failed + pending`."""

    papers: int
    reused: int
    computed: int
    failed: int
    pending: int
    seconds: float


class Progress(Protocol):
    """Receives a callback for each finished paper, in completion order, and for delays."""

    def begin(self, stage: str, total: int) -> None: ...

    def done(self, outcome: Outcome[Any]) -> None: ...

    def note(self, message: str) -> None: ...


class RunWatcher(Protocol):
    """Gives each run a progress of its own: runs of several days may go on at once."""

    def of(self, subject: str) -> Progress:
        """The progress of a run about `subject`: a day, or `site`."""
        ...


class NullProgress:
    """Ignores all progress, of any run."""

    def of(self, subject: str) -> Progress:
        return self

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
    """Run `work` for every paper, at most `concurrency` at once. Outcomes keep the given order.

    `work` returns a value and whether it was reused, or raises PaperPending or PaperFailed. Any
    other exception is a retryable failure of that paper, with the reason `error`.
    """
    started = time.perf_counter()
    slots = asyncio.Semaphore(concurrency)
    progress.begin(stage, len(arxiv_ids))

    async def one(arxiv_id: str) -> Outcome[Value]:
        async with slots:
            outcome = await _outcome(stage, arxiv_id, work)
        progress.done(outcome)
        return outcome

    outcomes = list(await asyncio.gather(*map(one, arxiv_ids)))
    return outcomes, _counts(outcomes, time.perf_counter() - started)


def _counts(outcomes: Sequence[Outcome[Any]], seconds: float) -> Counts:
    states = Counter(outcome.state for outcome in outcomes)
    reused = sum(outcome.reused for outcome in outcomes)
    return Counts(
        papers=len(outcomes),
        reused=reused,
        computed=states["done"] - reused,
        failed=states["failed"],
        pending=states["pending"],
        seconds=round(seconds, 3),
    )


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
