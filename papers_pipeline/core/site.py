"""The published folder: which file holds what, written atomically and only when its bytes differ."""

import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from upath import UPath

from papers_pipeline.core import storage
from papers_pipeline.core.periods import Period
from papers_pipeline.core.render import Renderer, static_files
from papers_pipeline.records import DailyIssue, PeriodFile, SiteFile

PACKAGE = Path(str(files("papers_pipeline")))


def template_version() -> str:
    """Twelve hex digits over every template, static file and locale: the code version of the pages."""
    sources = sorted(
        p for part in ("templates", "static", "locales") for p in (PACKAGE / part).iterdir() if p.is_file()
    )
    texts = [f"{path.name}\n".encode() + path.read_bytes() for path in sources]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:12]


class Site:
    """The site below ``root``, local or on a bucket."""

    def __init__(self, root: UPath, renderer: Renderer) -> None:
        self.root = root
        self._renderer = renderer

    def write_day(self, issue: DailyIssue) -> tuple[list[SiteFile], int]:
        """Write a day's pages, its JSON and the files that every page uses; returns the files and how many changed."""
        return self._write(self._day_files(issue))

    def write_index(self, newest: DailyIssue | None) -> tuple[list[SiteFile], int]:
        """Write the pages that lead to the newest day with a paper; returns the files and how many changed."""
        return self._write(self._index_files(newest))

    def write_period(self, period: Period) -> tuple[list[PeriodFile], int]:
        """Write the pages of a month or week; returns the files, each with the neighbours that it leads to, and how
        many changed. What pages load is left to the days and to the index: a month without them has no page."""
        files, changed = self._write(self._period_files(period))
        beside = period.neighbours
        previous, following = (span.first if span else None for span in (beside.previous, beside.next))
        return [PeriodFile(**file.model_dump(), previous=previous, next=following) for file in files], changed

    def _day_files(self, issue: DailyIssue) -> Iterator[tuple[str, bytes]]:
        yield from static_files().items()
        for language in self._renderer.languages:
            yield f"{language}/d/{issue.date}.html", self._renderer.day_page(issue, language).encode()
        yield f"d/{issue.date}.json", public_json(issue)

    def _period_files(self, period: Period) -> Iterator[tuple[str, bytes]]:
        for language in self._renderer.languages:
            yield f"{language}/{period.span.path}", self._renderer.period_page(period, language).encode()

    def _index_files(self, newest: DailyIssue | None) -> Iterator[tuple[str, bytes]]:
        yield from static_files().items()
        for language in self._renderer.languages:
            yield f"{language}/index.html", self._renderer.language_index(newest, language).encode()
        yield "index.html", self._renderer.root_index().encode()

    def _write(self, pages: Iterator[tuple[str, bytes]]) -> tuple[list[SiteFile], int]:
        written, changed = [], 0
        for path, data in pages:
            changed += storage.write(self.root / path, data)
            written.append(SiteFile(path=path, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)))
        return written, changed


def public_json(issue: DailyIssue) -> bytes:
    """The public record of a day (`d/YYYY-MM-DD.json`), schema 1."""
    record = {"schema": 1} | issue.model_dump(mode="json", exclude={"list_state"})
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()
