"""The plain-text log of a run, made for grep: one line per stage and paper."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.per_paper import Outcome, Progress

logger = logging.getLogger(__name__)


class RunLog:
    """Writes progress to a log file and passes it on to `forward_to`.

    Notes also go to `show_note`, such as the log in Dagster's UI. A file that cannot be written, as
    on a full disk, is named once and stops nothing.

    A line has the UTC time, the day or `site`, the stage, the paper, its state, and the reason:

        2026-03-02T08:00:01Z 2026-03-02 summaries_ru 2602.90011 failed unreachable: …
    """

    def __init__(
        self,
        path: Path,
        subject: str,
        clock: Clock,
        forward_to: Progress,
        show_note: Callable[[str], None] = lambda message: None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._subject = subject
        self._clock = clock
        self._forward_to = forward_to
        self._show_note = show_note
        self._has_failed = False

    def begin(self, stage: str, total: int) -> None:
        self._write(f"{stage}: {total} papers")
        self._forward_to.begin(stage, total)

    def done(self, outcome: Outcome[Any]) -> None:
        state = "reused" if outcome.reused else outcome.state
        reason = ": ".join(filter(None, [outcome.reason, outcome.detail]))
        self._write(f"{outcome.stage} {outcome.arxiv_id} {state} {reason}".rstrip())
        self._forward_to.done(outcome)

    def note(self, message: str) -> None:
        self._write(message)
        self._show_note(message)
        self._forward_to.note(message)

    def _write(self, text: str) -> None:
        now = self._clock.now()
        line = f"{now:%Y-%m-%dT%H:%M:%SZ} {self._subject} {' '.join(text.split())}\n"
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            if not self._has_failed:
                logger.warning("the log of this run is not complete: %s", error)
            self._has_failed = True
