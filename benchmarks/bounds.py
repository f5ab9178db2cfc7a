"""Lower bounds: the time below which no program can do the work, whatever its code.

A bound knows the limits and latencies of the scenario, the start of Python and Dagster, and the
time of bare PyMuPDF. All are measured or set in the same run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.scenario import Scenario
from papers_pipeline.llm.models import WINDOW_SECONDS

LISTS, LISTS_SECONDS = 500, 300
"""Hugging Face's limit without a token: https://huggingface.co/docs/hub/rate-limits."""


@dataclass(frozen=True)
class Work:
    """What a row has to do.

    - `days`: lists to fetch.
    - `files`: PDFs and HTML to fetch from arXiv.
    - `calls`: model calls, if every first answer is good.
    - `parse_seconds`: bare text extraction from all PDFs, on all processors.
    - `start_seconds`: Python, Dagster and a run of one empty step.
    """

    start_seconds: float
    days: int = 0
    files: int = 0
    calls: int = 0
    parse_seconds: float = 0.0


@dataclass(frozen=True)
class Bound:
    """A lower bound in seconds, the sum in words, and the name of the slowest resource."""

    seconds: float
    formula: str
    slowest: str


def lower_bound(work: Work, scenario: Scenario) -> Bound:
    """start + first list + the slowest resource + last answer.

    The resources work side by side, so only the slowest counts:

    - lists: (days - 500) / 500 × 5 minutes, since the first 500 may go at once
    - arXiv: files / files per second
    - models: calls / calls at once × seconds per call
    - limit: the whole minutes before the last call's, since no more calls than the limit are in any
      minute, and those of one minute may go at once
    - parse: seconds of bare PyMuPDF

    The last answer is a call that begins when the slowest resource is done, as that about the
    institutions of the last PDF does.
    """
    per_minute = scenario.requests_per_minute
    resources = {
        "lists": max(0, work.days - LISTS) / LISTS * LISTS_SECONDS,
        "arXiv": work.files / scenario.arxiv_files_per_second,
        "models": work.calls / scenario.concurrency * scenario.model_seconds,
        "limit": max(0, work.calls - 1) // per_minute * 60.0,
        "parse": work.parse_seconds,
    }
    slowest = max(resources, key=lambda name: resources[name])
    parts = {"start": work.start_seconds}
    if work.days:
        parts["list"] = scenario.list_seconds
    if resources[slowest]:
        parts[slowest] = resources[slowest]
    if work.calls:
        parts["last answer"] = scenario.model_seconds
    formula = " + ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
    return Bound(sum(parts.values()), formula, slowest)


def sustained_per_minute(arrivals: Sequence[float]) -> float | None:
    """Requests a minute in the whole windows of the limit that they fill; None if they fill none.

    Arrivals are in seconds, in order. A limit lets the requests of a window go at once, so parts of
    windows say nothing about a rate.
    """
    if not arrivals:
        return None
    first, last = arrivals[0], arrivals[-1]
    windows = int((last - first) // WINDOW_SECONDS)
    if not windows:
        return None
    seconds = windows * WINDOW_SECONDS
    within = sum(1 for at in arrivals if at - first < seconds)
    return within / seconds * 60
