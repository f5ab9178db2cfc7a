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
        self.note(f"{day} {part} ({number}/{days})")

    def of(self, subject: str) -> "PlainProgress":
        return PlainProgress(self, subject)

    def note(self, message: str) -> None:
        self._console.print(message, soft_wrap=True)

    def pause(self) -> None:
        """Stop drawing, so that a question can be asked."""

    def resume(self) -> None:
        """Draw again after the question."""


class PlainProgress:
    """The progress of one run, in lines that begin with its subject."""

    def __init__(self, watcher: PlainWatcher, subject: str) -> None:
        self._watcher = watcher
        self._subject = subject

    def begin(self, stage: str, total: int) -> None:
        self.note(f"{stage}: {total} papers")

    def done(self, outcome: Outcome[Any]) -> None:
        if outcome.state == "failed":
            detail = f": {outcome.detail}" if outcome.detail else ""
            self.note(f"{outcome.stage} {outcome.arxiv_id}: failed: {outcome.reason}{detail}")

    def note(self, message: str) -> None:
        self._watcher.note(f"{self._subject} {message}")


class TerminalWatcher(PlainWatcher):
    """Shows a bar for the days and one for each stage that is running."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<36}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._days = self.bars.add_task("days", total=None)

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.bars.stop()

    def pause(self) -> None:
        self.bars.stop()

    def resume(self) -> None:
        self.bars.start()

    def day(self, day: date, part: str, number: int, days: int) -> None:
        self.bars.update(self._days, description=f"{day} {part}", completed=number - 1, total=days)

    def of(self, subject: str) -> "TerminalProgress":
        return TerminalProgress(self, subject)


class TerminalProgress(PlainProgress):
    """The progress of one run, with a bar for each of its stages until that ends."""

    def __init__(self, watcher: TerminalWatcher, subject: str) -> None:
        super().__init__(watcher, subject)
        self._bars = watcher.bars
        self._stages: dict[str, TaskID] = {}

    def begin(self, stage: str, total: int) -> None:
        if total:
            self._stages[stage] = self._bars.add_task(f"  {self._subject} {stage}", total=total)

    def done(self, outcome: Outcome[Any]) -> None:
        super().done(outcome)
        bar = self._stages[outcome.stage]
        self._bars.advance(bar)
        if self._bars.tasks[self._bars.task_ids.index(bar)].finished:
            self._bars.remove_task(bar)
            del self._stages[outcome.stage]
