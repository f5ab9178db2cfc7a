"""The papers themselves: their PDFs, the text of these, and the figures of their HTML, each had once.

A PDF is kept for some days after it was parsed, and fetched again only when a newer parser wants it. What cannot be had
now leaves the row of the last build in place.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import urlsplit

from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.per_paper import (
    Counts,
    Outcome,
    PaperFailed,
    PaperPending,
    Progress,
    per_paper,
)
from papers_pipeline.documents.arxiv import ArxivClient, ArxivError
from papers_pipeline.documents.figures import FIGURES_VERSION, read_figures
from papers_pipeline.documents.pdf.parse import PARSER_VERSION
from papers_pipeline.documents.pool import WORKERS, Parsers
from papers_pipeline.records import Figure, Paper, PaperFigures, PaperPdf, ParsedPaper, StageRow
from papers_pipeline.store import files as storage
from papers_pipeline.store.cache import Cache, CachedFailure, CacheEntry

DOWNLOADS = 4
"""Papers asked for at once; the client's limit spaces the requests."""
PDF_VERSION = "1"
ARXIV = "https://arxiv.org"
"""Where readers follow links; the pipeline asks the endpoint of the settings."""
HTML_COMES_WITHIN = timedelta(days=14)

Row = TypeVar("Row", bound=StageRow)


class Documents:
    """Documents of papers below ``data``, fetched through ``client``."""

    def __init__(
        self,
        client: ArxivClient,
        *,
        data: UPath,
        cache: Cache,
        clock: Clock,
        keep: timedelta,
        make_parsers: Callable[[], Parsers] = Parsers,
    ) -> None:
        self._client = client
        self._blobs = data / "blobs" / "pdf"
        self._cache = cache
        self._clock = clock
        self._keep = keep
        self._make_parsers = make_parsers
        self._throttled: str | None = None

    # PDFs

    async def pdfs(
        self, papers: Sequence[Paper], *, earlier: Sequence[PaperPdf], progress: Progress
    ) -> tuple[list[PaperPdf], Counts]:
        """Where each paper's PDF lies, one row a paper in the given order, and the counts."""

        async def fetch(arxiv_id: str) -> tuple[PaperPdf, bool]:
            entry, reused = await self._cache.get_or_compute(
                "paper_pdfs", _pdf_identity(arxiv_id), lambda: self._fetched(arxiv_id)
            )
            return PaperPdf(arxiv_id=arxiv_id, state="done", **_value(entry)), reused

        return await _rows("paper_pdfs", papers, fetch, PaperPdf, earlier, DOWNLOADS, progress)

    async def _fetched(self, arxiv_id: str) -> CacheEntry:
        identity = _pdf_identity(arxiv_id)
        try:
            pdf = await self._ask(lambda: self._client.fetch_pdf(arxiv_id))
        except ArxivError as error:
            return self._final(error, "paper_pdfs", identity)
        blob = f"{arxiv_id.replace('/', '_')}-{pdf.sha256[:12]}.pdf"
        storage.write(self._blobs / blob, pdf.content)
        value = {"blob": blob, "sha256": pdf.sha256, "bytes": len(pdf.content), "pages": pdf.pages}
        return CacheEntry(
            asset="paper_pdfs", identity=identity, created_at=self._clock.now(), value=value
        )

    # Text

    async def parsed(
        self, pdfs: Sequence[PaperPdf], *, earlier: Sequence[ParsedPaper], progress: Progress
    ) -> tuple[list[ParsedPaper], Counts]:
        """The text of each PDF, one row a paper in the given order, and the counts."""
        by_id = {pdf.arxiv_id: pdf for pdf in pdfs}
        parsers: list[Parsers] = []

        async with AsyncExitStack() as stack:

            def workers() -> Parsers:
                if not parsers:  # two processes are not started for a day that is parsed already
                    parsers.append(stack.enter_context(self._make_parsers()))
                return parsers[0]

            async def parse(arxiv_id: str) -> tuple[ParsedPaper, bool]:
                pdf = by_id[arxiv_id]
                if pdf.sha256 is None:
                    raise PaperPending("no_pdf")
                entry, reused = await self._cache.get_or_compute(
                    "parsed_text", _parse_identity(pdf.sha256), lambda: self._parse(pdf, workers())
                )
                made = {
                    "sha256": entry.identity["sha256"],
                    "parser_version": entry.identity["version"],
                }
                return ParsedPaper(arxiv_id=arxiv_id, state="done", **made, **_value(entry)), reused

            return await _rows("parsed_text", pdfs, parse, ParsedPaper, earlier, WORKERS, progress)

    async def _parse(self, pdf: PaperPdf, parsers: Parsers) -> CacheEntry:
        async with self._file(pdf) as (path, sha256):
            identity = _parse_identity(sha256)
            try:
                parsed = await parsers.parse(path)
            except PaperFailed as error:
                failure = CachedFailure(
                    stage="parsed_text", reason=error.reason, detail=error.detail, attempts=1
                )
                return self._cache.final_failure("parsed_text", identity, failure)
            finally:
                if not self._keep:
                    (self._blobs / str(pdf.blob)).unlink(missing_ok=True)
        value = {
            "header": parsed.header,
            "sections": [section.model_dump() for section in parsed.sections],
            "pages": parsed.pages,
            "version": parsed.arxiv_version,
        }
        return CacheEntry(
            asset="parsed_text", identity=identity, created_at=self._clock.now(), value=value
        )

    @asynccontextmanager
    async def _file(self, pdf: PaperPdf) -> AsyncIterator[tuple[Path, str]]:
        """A PDF as a file of this machine, fetched again when it was pruned, and its sha256: arXiv may have a newer
        version by then."""
        blob, sha256 = pdf.blob, pdf.sha256
        if not blob or not (self._blobs / blob).exists():
            entry = await self._fetched(pdf.arxiv_id)
            value = _value(entry)
            self._cache.put(entry)
            blob, sha256 = value["blob"], value["sha256"]
        path = self._blobs / str(blob)
        if storage.is_local(path):
            yield Path(path.path), str(sha256)
            return
        with TemporaryDirectory() as folder:
            copy = Path(folder) / str(blob)
            copy.write_bytes(path.read_bytes())
            yield copy, str(sha256)

    # Figures

    async def figures(
        self, papers: Sequence[Paper], *, earlier: Sequence[PaperFigures], progress: Progress
    ) -> tuple[list[PaperFigures], Counts]:
        """The figures of each paper, one row a paper in the given order, and the counts."""
        by_id = {paper.arxiv_id: paper for paper in papers}

        async def read(arxiv_id: str) -> tuple[PaperFigures, bool]:
            identity = {"version": FIGURES_VERSION, "arxiv_id": arxiv_id}
            entry, reused = await self._cache.get_or_compute(
                "figures", identity, lambda: self._read_figures(by_id[arxiv_id], identity)
            )
            return PaperFigures(arxiv_id=arxiv_id, state="done", **_value(entry)), reused

        return await _rows("figures", papers, read, PaperFigures, earlier, DOWNLOADS, progress)

    async def _read_figures(self, paper: Paper, identity: dict[str, str]) -> CacheEntry:
        now = self._clock.now()
        try:
            found = await self._ask(lambda: self._client.fetch_html(paper.arxiv_id))
            if found is None:
                failure = CachedFailure(stage="figures", reason="not_found", attempts=1)
                entry = self._cache.final_failure("figures", identity, failure)
                is_late = now - (paper.published_at or paper.first_seen_at) > HTML_COMES_WITHIN
                return (
                    entry.model_copy(update={"expires_at": now + timedelta(days=30)})
                    if is_late
                    else entry
                )
            html, url = found
            links = read_figures(html, ARXIV + urlsplit(url).path)
            figures = await self._ask(lambda: self._without_dead_links(links, url))
        except ArxivError as error:
            return self._final(error, "figures", identity)
        value = {"figures": [figure.model_dump() for figure in figures]}
        return CacheEntry(asset="figures", identity=identity, created_at=now, value=value)

    def _without_dead_links(self, figures: list[Figure], page: str) -> list[Figure]:
        """The figures, those marked whose link gives nothing. They lie in one folder: when the first is there the
        others are believed, and arXiv is not asked for each of them."""
        checked: list[Figure] = []
        for figure in figures:
            if checked and not any(earlier.is_dead for earlier in checked):
                return checked + figures[len(checked) :]
            here = (
                urlsplit(page)
                ._replace(path=urlsplit(figure.url).path, query="", fragment="")
                .geturl()
            )
            checked.append(figure.model_copy(update={"is_dead": self._client.alive(here) is False}))
        return checked

    # Both

    async def _ask(self, request: Callable[[], Any]) -> Any:
        """The answer of arXiv, waited for in a thread. Once it has told this run to stop, it is not asked again."""
        if self._throttled:
            raise PaperFailed("throttled", self._throttled)
        try:
            return await asyncio.to_thread(request)
        except ArxivError as error:
            if error.reason == "throttled":
                self._throttled = error.detail
            raise

    def _final(self, error: ArxivError, asset: str, identity: dict[str, str]) -> CacheEntry:
        """The entry of a failure that asking again would only repeat. Raises PaperFailed for one that may pass."""
        if error.retryable:
            raise PaperFailed(error.reason, error.detail)
        failure = CachedFailure(stage=asset, reason=error.reason, detail=error.detail, attempts=1)
        return self._cache.final_failure(asset, identity, failure)

    def prune(self) -> list[str]:
        """Delete the PDFs that were parsed, or found unreadable, long enough ago; returns their names."""
        done = [path for path in sorted(self._blobs.glob("*.pdf")) if self._is_done(path)]
        for path in done:
            path.unlink()
        return [path.name for path in done]

    def _is_done(self, path: UPath) -> bool:
        entry = self._cache.get("parsed_text", _parse_identity(storage.sha256(path)))
        return entry is not None and entry.created_at + self._keep <= self._clock.now()


async def _rows(
    stage: str,
    papers: Sequence[Any],
    work: Callable[[str], Any],
    record: type[Row],
    earlier: Sequence[Row],
    concurrency: int,
    progress: Progress,
) -> tuple[list[Row], Counts]:
    ids = [paper.arxiv_id for paper in papers]
    before = {row.arxiv_id: row for row in earlier if row.state == "done"}
    outcomes, counts = await per_paper(stage, ids, work, concurrency=concurrency, progress=progress)
    return [o.value or before.get(o.arxiv_id) or _without(record, o) for o in outcomes], counts


def _without(record: type[Row], outcome: Outcome[Row]) -> Row:
    """The row of a paper that has nothing."""
    extra = {"parser_version": PARSER_VERSION} if record is ParsedPaper else {}
    about = {"state": outcome.state, "reason": outcome.reason, "detail": outcome.detail}
    return record.model_validate({"arxiv_id": outcome.arxiv_id, **about, **extra})


def _value(entry: CacheEntry) -> dict[str, Any]:
    """The value of an entry. Raises PaperFailed for that of a failure."""
    if entry.failure or entry.value is None:
        failure = entry.failure or CachedFailure(stage=entry.asset, reason="error", attempts=1)
        raise PaperFailed(
            failure.reason, failure.detail, retryable=False, attempts=failure.attempts
        )
    return entry.value


def _pdf_identity(arxiv_id: str) -> dict[str, str]:
    return {"version": PDF_VERSION, "arxiv_id": arxiv_id}


def _parse_identity(sha256: str) -> dict[str, str]:
    return {"version": PARSER_VERSION, "sha256": sha256}
