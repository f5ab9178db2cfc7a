"""The plain log of a run: one line a stage and a paper, for whoever reads with grep."""

from datetime import datetime
from pathlib import Path
from typing import Any

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.per_paper import Outcome, Progress


class RunLog:
    """Writes what a run does to a file, and tells ``beside`` of it as well.

    A line is the UTC time, the day or ``site``, the stage, the paper, its state, and why: `2026-03-02T08:00:01Z
    2026-03-02 summaries_ru 2602.90011 failed unreachable: …`.
    """

    def __init__(self, path: Path, of: str, clock: Clock, beside: Progress) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._of = of
        self._clock = clock
        self._beside = beside

    def begin(self, stage: str, total: int) -> None:
        self._write(f"{stage}: {total} papers")
        self._beside.begin(stage, total)

    def done(self, outcome: Outcome[Any]) -> None:
        state = "reused" if outcome.reused else outcome.state
        why = ": ".join(part for part in (outcome.reason, outcome.detail) if part)
        self._write(f"{outcome.stage} {outcome.arxiv_id} {state} {why}".rstrip())
        self._beside.done(outcome)

    def note(self, message: str) -> None:
        self._write(message)
        self._beside.note(message)

    def _write(self, text: str) -> None:
        now: datetime = self._clock.now()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{now:%Y-%m-%dT%H:%M:%SZ} {self._of} {' '.join(text.split())}\n")
