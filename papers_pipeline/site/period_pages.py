"""The files that the run of a month or week writes."""

from collections.abc import Iterator

from papers_pipeline.records import PeriodFile
from papers_pipeline.site.periods import Period
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.writer import Site


def write_period(site: Site, period: Period) -> tuple[list[PeriodFile], int]:
    """Write the pages of a month or week; returns the files and how many changed.

    Static files are left to the days and the index: a month without days has no page.
    """
    files, changed = site.write_files(_period_files(site.renderer, period))
    previous, following = period.neighbours.previous, period.neighbours.next
    rows = []
    for file in files:
        row = PeriodFile(
            **file.model_dump(),
            previous=previous.first if previous else None,
            next=following.first if following else None,
            is_open=period.is_open,
        )
        rows.append(row)
    return rows, changed


def _period_files(renderer: Renderer, period: Period) -> Iterator[tuple[str, str]]:
    for language in renderer.languages:
        path = f"{language}/{period.span.path}"
        yield path, renderer.period_page(period, language)
