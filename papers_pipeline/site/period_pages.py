"""The files that the run of a month or week writes: its pages, and of a month its data."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from papers_pipeline.issue.export import json_lines, parquet
from papers_pipeline.records import ExportedPaper, PeriodFile, SiteFile
from papers_pipeline.site.catalogue import digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.periods import Period
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.writer import Site


def write_period(
    site: Site,
    period: Period,
    before: Mapping[str, SiteFile] | None = None,
    data: Sequence[ExportedPaper] = (),
) -> tuple[list[PeriodFile], int]:
    """Write the files of a month or week that changed since `before`, the files of the last build
    by path; returns all files and how many changed.

    `data` are the rows of a month's data files. Static files are left to the days and the index: a
    month without days has no page.
    """
    files, changed = site.write_changed(_period_files(site.renderer, period, data), before or {})
    previous, following = period.neighbours.previous, period.neighbours.next
    rows = []
    for file in files:
        row = PeriodFile(
            **file.model_dump(include=set(SiteFile.model_fields)),
            previous=previous.first if previous else None,
            next=following.first if following else None,
            is_open=period.is_open,
        )
        rows.append(row)
    return rows, changed


def _period_files(
    renderer: Renderer, period: Period, data: Sequence[ExportedPaper]
) -> Iterator[Page]:
    neighbours = (period.neighbours.previous, period.neighbours.next)
    linked = [span.path if span else None for span in neighbours]
    days = [(str(day.date), day.papers) for day in period.days]
    papers = [card.digest for card in period.papers]
    fingerprint = digest([period.is_open, linked, days, papers])
    for language in renderer.languages:
        make = partial(renderer.period_page, period, language)
        yield Page(f"{language}/{period.span.path}", fingerprint, make)
    if data:
        lines = json_lines(data)
        month = f"{period.span.first:%Y-%m}"
        fingerprint = hashlib.sha256(lines).hexdigest()
        yield Page(f"data/{month}.jsonl", fingerprint, lambda: lines, is_plain=True)
        yield Page(f"data/{month}.parquet", fingerprint, partial(parquet, data), is_plain=True)
