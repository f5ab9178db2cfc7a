"""The published folder: which file holds what, written atomically and only when its bytes differ."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from upath import UPath

from papers_pipeline.records import DailyIssue, PeriodFile, SiteFile
from papers_pipeline.site.catalogue import digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.paper_page import PaperPage, link_card, paper_page
from papers_pipeline.site.parts.reading_pages import reading_files
from papers_pipeline.site.periods import Period
from papers_pipeline.site.render import Renderer, static_files
from papers_pipeline.store import files as storage

PACKAGE = Path(str(files("papers_pipeline")))


def template_version() -> str:
    """Twelve hex digits over every template, static file and locale: the code version of the pages."""
    sources = sorted(
        p
        for part in ("site/templates", "site/static", "locales")
        for p in (PACKAGE / part).iterdir()
        if p.is_file()
    )
    texts = [f"{path.name}\n".encode() + path.read_bytes() for path in sources]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:12]


@cache
def _code_version() -> str:
    """Hash of the code that makes pages: a release that changes it makes the index again."""
    folders = (PACKAGE / "site", PACKAGE / "text")
    sources = sorted(path for folder in folders for path in folder.rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]


class Site:
    """The site below ``root``, local or on a bucket."""

    def __init__(self, root: UPath, renderer: Renderer) -> None:
        self.root = root
        self.renderer = renderer

    def write_day(
        self,
        issue: DailyIssue,
        papers: Sequence[PaperPage] = (),
        before: Mapping[str, SiteFile] | None = None,
    ) -> tuple[list[SiteFile], int]:
        """Write a day's pages and those of its ``papers``, its JSON and the files that every page uses; returns the
        files and how many changed. A card is drawn only when it shows something else than ``before``."""
        cards, drawn = self._write_changed(self._cards(papers), before or {})
        files, changed = self._write(self._day_files(issue, papers))
        return [*cards, *files], drawn + changed

    def write_period(self, period: Period) -> tuple[list[PeriodFile], int]:
        """Write the pages of a month or week; returns the files, each with the neighbours that it leads to, and how
        many changed. What pages load is left to the days and to the index: a month without them has no page."""
        files, changed = self._write(self._period_files(period))
        beside = period.neighbours
        previous, following = (
            span.first if span else None for span in (beside.previous, beside.next)
        )
        rows = [
            PeriodFile(
                **file.model_dump(), previous=previous, next=following, is_open=period.is_open
            )
            for file in files
        ]
        return rows, changed

    def write_pages(
        self, pages: Iterable[Page], before: Mapping[str, SiteFile]
    ) -> tuple[list[SiteFile], int]:
        """Write those pages whose making has changed since ``before``, the files of the last time by path, and remove
        what was written then and is no page now; returns all files and how many changed."""
        written, changed = self._write_changed(pages, before)
        for path in before.keys() - {file.path for file in written}:
            (self.root / path).unlink(missing_ok=True)
            changed += 1
        return written, changed

    def _write_changed(
        self, pages: Iterable[Page], before: Mapping[str, SiteFile]
    ) -> tuple[list[SiteFile], int]:
        looks = digest(
            [template_version(), _code_version(), self.renderer.site_url, self.renderer.languages]
        )
        written: list[SiteFile] = []
        changed = 0
        for page in pages:
            fingerprint = page.fingerprint if page.is_picture else f"{page.fingerprint} {looks}"
            known = before.get(page.path)
            if (
                known
                and known.fingerprint == fingerprint
                and storage.size(self.root, page.path) == known.bytes
            ):
                written.append(known)
                continue
            (file,), differs = self._write(iter([(page.path, page.make())]))
            written.append(file.model_copy(update={"fingerprint": fingerprint}))
            changed += differs
        return written, changed

    def _cards(self, papers: Sequence[PaperPage]) -> Iterator[Page]:
        for paper in papers:
            for language in self.renderer.languages:
                if card := link_card(self.renderer, paper, language):
                    yield Page(
                        paper.card_path(language), card.fingerprint, card.png, is_picture=True
                    )

    def _day_files(
        self, issue: DailyIssue, papers: Sequence[PaperPage]
    ) -> Iterator[tuple[str, bytes]]:
        yield from static_files().items()
        for language in self.renderer.languages:
            for paper in papers:
                yield (
                    f"{language}/{paper.path}",
                    paper_page(self.renderer, paper, language).encode(),
                )
            yield (
                f"{language}/d/{issue.date}.html",
                self.renderer.day_page(issue, language).encode(),
            )
        yield from reading_files(self.renderer, issue)
        yield f"d/{issue.date}.json", public_json(issue)

    def _period_files(self, period: Period) -> Iterator[tuple[str, bytes]]:
        for language in self.renderer.languages:
            yield (
                f"{language}/{period.span.path}",
                self.renderer.period_page(period, language).encode(),
            )

    def _write(self, pages: Iterator[tuple[str, bytes]]) -> tuple[list[SiteFile], int]:
        written, changed = [], 0
        for path, data in pages:
            changed += storage.write(self.root / path, data)
            written.append(
                SiteFile(path=path, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
            )
        return written, changed


def public_json(issue: DailyIssue) -> bytes:
    """The public record of a day (`d/YYYY-MM-DD.json`), schema 1."""
    record = {"schema": 1} | issue.model_dump(mode="json", exclude={"list_state"})
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()
