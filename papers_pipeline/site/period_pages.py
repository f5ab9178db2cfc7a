"""The files that the run of a month or week writes."""

from collections.abc import Iterator, Mapping
from functools import partial

from papers_pipeline.records import PeriodFile, SiteFile
from papers_pipeline.site.catalogue import digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.periods import Period
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.writer import Site


def write_period(
    site: Site, period: Period, before: Mapping[str, SiteFile] | None = None
) -> tuple[list[PeriodFile], int]:
    """Write the pages of a month or week that changed since `before`, the files of the last build
    by path; returns all files and how many changed.

    Static files are left to the days and the index: a month without days has no page.
    """
    files, changed = site.write_changed(_period_files(site.renderer, period), before or {})
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


def _period_files(renderer: Renderer, period: Period) -> Iterator[Page]:
    neighbours = (period.neighbours.previous, period.neighbours.next)
    linked = [span.path if span else None for span in neighbours]
    days = [(str(day.date), day.papers) for day in period.days]
    papers = [card.digest for card in period.papers]
    fingerprint = digest([period.is_open, linked, days, papers])
    for language in renderer.languages:
        make = partial(renderer.period_page, period, language)
        yield Page(f"{language}/{period.span.path}", fingerprint, make)
