"""The progress of a build: bars on a terminal, plain lines anywhere else."""

from datetime import date
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from papers_pipeline.base.per_paper import Outcome


class PlainWatcher:
    """Prints a line per day and stage, and one per failed paper."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._day = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        pass

    def day(self, day: date, part: str, number: int, days: int) -> None:
        self._day = str(day)
        self.note(f"{day} {part} ({number}/{days})")

    def note(self, message: str) -> None:
        self._console.print(message, markup=False, soft_wrap=True)

    def pause(self) -> None:
        """Stop drawing, so that a question can be asked."""

    def resume(self) -> None:
        """Draw again after the question."""

    def begin(self, stage: str, total: int) -> None:
        self.note(f"{self._day} {stage}: {total} papers")

    def done(self, outcome: Outcome[Any]) -> None:
        if outcome.state == "failed":
            detail = f": {outcome.detail}" if outcome.detail else ""
            self.note(
                f"{self._day} {outcome.stage} {outcome.arxiv_id}: failed: {outcome.reason}{detail}"
            )


class TerminalWatcher(PlainWatcher):
    """Shows a bar for the days and one for the current stage."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._days = self._bars.add_task("days", total=None)
        self._stage: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def pause(self) -> None:
        self._bars.stop()

    def resume(self) -> None:
        self._bars.start()

    def day(self, day: date, part: str, number: int, days: int) -> None:
        self._day = str(day)
        self._bars.update(self._days, description=f"{day} {part}", completed=number - 1, total=days)

    def begin(self, stage: str, total: int) -> None:
        if self._stage is not None:
            self._bars.remove_task(self._stage)
        self._stage = self._bars.add_task(f"  {stage}", total=total)

    def done(self, outcome: Outcome[Any]) -> None:
        super().done(outcome)
        if self._stage is not None:
            self._bars.advance(self._stage)
