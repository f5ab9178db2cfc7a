"""Downloads and caches the documents of papers: PDFs, their text, and the figures in their HTML.

A PDF is deleted some days after parsing, and downloaded again only for a newer parser. If a
document is unavailable now, the paper keeps its row from the last build.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import urlsplit

from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.notes import Note
from papers_pipeline.base.per_paper import (
    Counts,
    Outcome,
    PaperFailed,
    PaperPending,
    Progress,
    per_paper,
)
from papers_pipeline.documents.arxiv import ArxivClient, ArxivError, DownloadedPdf
from papers_pipeline.documents.figures import FIGURES_VERSION, read_figure_file
from papers_pipeline.documents.pdf.parse import PARSER_VERSION, count_pages, parse_pdf
from papers_pipeline.documents.pool import WORKERS, Workers
from papers_pipeline.records import Figure, Paper, PaperFigures, PaperPdf, ParsedPaper, StageRow
from papers_pipeline.store import files as storage
from papers_pipeline.store.purchases import FinalFailure, Purchase, Purchases

logger = logging.getLogger(__name__)

DOWNLOADS = 8
"""Papers requested at once, for PDFs and for HTML: arXiv's limit of two seconds. If there were
fewer, PDFs would leave the beginning of each two seconds to HTML. The client spaces the requests.
"""
PDF_VERSION = "1"
ARXIV = "https://arxiv.org"
"""The site that figure links point to, whichever endpoint the settings name."""
HTML_EXPECTED_WITHIN = timedelta(days=14)
"""Time after publication in which arXiv usually adds a paper's HTML."""
LATE_HTML_RETRY = timedelta(days=30)

Row = TypeVar("Row", bound=StageRow)
Result = TypeVar("Result")


class Documents:
    """The documents of papers, downloaded from arXiv and stored below `data`.

    - `client`: asks arXiv.
    - `data`: the data folder, local or a bucket. PDFs lie in its `blobs/pdf`.
    - `purchases`: remembers results and final failures.
    - `keep`: how long a PDF stays after parsing. Zero deletes it immediately.
    - `workers`: read what was downloaded. This process never opens it.
    """

    def __init__(
        self,
        client: ArxivClient,
        *,
        data: UPath,
        purchases: Purchases,
        clock: Clock,
        keep: timedelta,
        workers: Workers | None = None,
    ) -> None:
        self._client = client
        self._blobs = data / "blobs" / "pdf"
        self._purchases = purchases
        self._clock = clock
        self._keep = keep
        self._workers = workers or Workers()
        self._throttled: str | None = None

    async def pdfs(
        self, papers: Sequence[Paper], *, earlier: Sequence[PaperPdf], progress: Progress
    ) -> tuple[list[PaperPdf], Counts]:
        """One row per paper with the place of its PDF, in the given order; and the counts."""
        note = progress.note

        async def pdf_row(arxiv_id: str) -> tuple[PaperPdf, bool]:
            entry, reused = await self._purchases.get_or_compute(
                "paper_pdfs",
                _pdf_identity(arxiv_id),
                lambda: self._download_pdf(arxiv_id, note),
                note=note,
            )
            return PaperPdf(arxiv_id=arxiv_id, state="done", **_value(entry)), reused

        with self._workers:
            return await _rows(
                "paper_pdfs",
                papers,
                pdf_row,
                record=PaperPdf,
                earlier=earlier,
                concurrency=DOWNLOADS,
                progress=progress,
            )

    async def parsed(
        self, pdfs: Sequence[PaperPdf], *, earlier: Sequence[ParsedPaper], progress: Progress
    ) -> tuple[list[ParsedPaper], Counts]:
        """One row per PDF with its text, in the given order; and the counts."""
        note = progress.note
        pdf_by_id = {pdf.arxiv_id: pdf for pdf in pdfs}

        async def text_row(arxiv_id: str) -> tuple[ParsedPaper, bool]:
            pdf = pdf_by_id[arxiv_id]
            if pdf.sha256 is None:
                raise PaperPending("no_pdf")
            entry, reused = await self._purchases.get_or_compute(
                "parsed_text",
                _parse_identity(pdf.sha256),
                lambda: self._parse(pdf, note),
                note=note,
            )
            row = ParsedPaper(
                arxiv_id=arxiv_id,
                state="done",
                sha256=entry.identity["sha256"],
                parser_version=entry.identity["version"],
                **_value(entry),
            )
            return row, reused

        with self._workers:
            return await _rows(
                "parsed_text",
                pdfs,
                text_row,
                record=ParsedPaper,
                earlier=earlier,
                concurrency=WORKERS,
                progress=progress,
            )

    async def figures(
        self, papers: Sequence[Paper], *, earlier: Sequence[PaperFigures], progress: Progress
    ) -> tuple[list[PaperFigures], Counts]:
        """One row per paper with its figures, in the given order; and the counts."""
        note = progress.note
        paper_by_id = {paper.arxiv_id: paper for paper in papers}

        async def figures_row(arxiv_id: str) -> tuple[PaperFigures, bool]:
            paper = paper_by_id[arxiv_id]
            entry, reused = await self._purchases.get_or_compute(
                "figures",
                _figures_identity(arxiv_id),
                lambda: self._read_figures(paper, note),
                note=note,
            )
            return PaperFigures(arxiv_id=arxiv_id, state="done", **_value(entry)), reused

        with self._workers:
            return await _rows(
                "figures",
                papers,
                figures_row,
                record=PaperFigures,
                earlier=earlier,
                concurrency=DOWNLOADS,
                progress=progress,
            )

    def prune(self) -> list[str]:
        """Delete PDFs parsed, or found unreadable, long enough ago. Returns their names."""
        deleted = []
        for name in storage.names(self._blobs):
            if name.endswith(".pdf") and self._may_be_deleted(self._blobs / name):
                storage.delete(self._blobs / name)
                deleted.append(name)
        return deleted

    def _may_be_deleted(self, path: UPath) -> bool:
        entry = self._purchases.get("parsed_text", _parse_identity(storage.sha256(path)))
        return entry is not None and entry.created_at + self._keep <= self._clock.now()

    async def _download_pdf(self, arxiv_id: str, note: Note) -> Purchase:
        """Download and store a PDF. Returns the purchase that says where it is."""
        identity = _pdf_identity(arxiv_id)
        try:
            pdf, pages = await self._sound_pdf(arxiv_id, note)
        except PaperFailed as error:
            return self._final_failure("paper_pdfs", identity, error)
        blob = f"{arxiv_id.replace('/', '_')}-{pdf.sha256[:12]}.pdf"
        # Before the entry that names it: an empty file would be taken for a damaged PDF.
        await asyncio.to_thread(storage.write, self._blobs / blob, pdf.content, durable=True)
        value = {"blob": blob, "sha256": pdf.sha256, "bytes": len(pdf.content), "pages": pages}
        return self._entry("paper_pdfs", identity, value)

    async def _sound_pdf(self, arxiv_id: str, note: Note) -> tuple[DownloadedPdf, int]:
        """A PDF that arrived complete and opens, and the number of its pages.

        A damaged file is downloaded once more. The failure is final if the same bytes come again.
        """
        damaged_sha256 = None
        while True:
            pdf = await self._ask_arxiv(lambda: self._client.fetch_pdf(arxiv_id, note))
            try:
                with _scratch_file(pdf.content) as path:
                    return pdf, await self._workers.run(count_pages, path)
            except PaperFailed as error:
                if error.reason != "damaged":
                    raise
                if damaged_sha256 is not None:
                    changed = damaged_sha256 != pdf.sha256
                    raise PaperFailed("damaged", error.detail, retryable=changed) from None
                damaged_sha256 = pdf.sha256

    async def _parse(self, pdf: PaperPdf, note: Note) -> Purchase:
        """Parse a PDF. Returns the purchase with its text, or with the failure."""
        blob, sha256 = await self._stored_pdf(pdf, note)
        identity = _parse_identity(sha256)
        try:
            with _local_copy(self._blobs / blob) as path:
                parsed = await self._workers.run(parse_pdf, path)
        except PaperFailed as error:
            return self._final_failure("parsed_text", identity, error)
        finally:
            if not self._keep:
                storage.delete(self._blobs / str(pdf.blob))
        value = {
            "header": parsed.header,
            "sections": [section.model_dump() for section in parsed.sections],
            "pages": parsed.pages,
            "version": parsed.arxiv_version,
        }
        if parsed.cut:
            value["detail"] = parsed.cut
        return self._entry("parsed_text", identity, value)

    async def _stored_pdf(self, pdf: PaperPdf, note: Note) -> tuple[str, str]:
        """The name and sha256 of the stored PDF.

        A PDF that was pruned, or damaged on the disk, is downloaded again. arXiv may have a newer
        version by then, so the hash can differ from the row's.
        """
        if pdf.blob and pdf.sha256 and self._is_sound(pdf.blob, pdf.sha256):
            return pdf.blob, pdf.sha256
        entry = await self._download_pdf(pdf.arxiv_id, note)
        value = _value(entry)
        # No lock is held for this entry, so another machine may have written it meanwhile.
        storage.forget(self._purchases.path(entry.asset, entry.identity))
        self._purchases.put(entry)
        return str(value["blob"]), str(value["sha256"])

    def _is_sound(self, blob: str, sha256: str) -> bool:
        """Whether the stored PDF is there and as it was downloaded. Another is named in the log."""
        path = self._blobs / blob
        data = storage.read(path)
        if data is None:
            return False
        is_sound = storage.sha256_of(data) == sha256
        if not is_sound:
            logger.warning("%s is damaged: it is downloaded again", path)
        return is_sound

    async def _read_figures(self, paper: Paper, note: Note) -> Purchase:
        """Read a paper's HTML. Returns the purchase with its figures, or with the failure."""
        identity = _figures_identity(paper.arxiv_id)
        try:
            answer = await self._ask_arxiv(lambda: self._client.fetch_html(paper.arxiv_id, note))
            if answer is None:
                return self._missing_html(paper)
            html, url = answer
            with _scratch_file(html) as path:
                links = await self._workers.run(read_figure_file, path, ARXIV + urlsplit(url).path)
            figures = await self._ask_arxiv(lambda: self._with_dead_links_marked(links, url, note))
        except PaperFailed as error:
            return self._final_failure("figures", identity, error)
        value = {"figures": [figure.model_dump() for figure in figures]}
        return self._entry("figures", identity, value)

    def _missing_html(self, paper: Paper) -> Purchase:
        """The purchase of a paper without HTML. An old paper is asked about less often."""
        failure = FinalFailure(stage="figures", reason="not_found", attempts=1)
        entry = self._purchases.final_failure("figures", _figures_identity(paper.arxiv_id), failure)
        now = self._clock.now()
        age = now - (paper.published_at or paper.first_seen_at)
        if age <= HTML_EXPECTED_WITHIN:
            return entry
        return entry.model_copy(update={"expires_at": now + LATE_HTML_RETRY})

    def _with_dead_links_marked(
        self, figures: Sequence[Figure], page_url: str, note: Note
    ) -> list[Figure]:
        """The figures, with dead links marked.

        All figures of a paper lie in one folder. If the first link works, the others are not
        checked, which saves arXiv a request per figure.
        """
        if not figures:
            return []
        first = self._with_link_checked(figures[0], page_url, note)
        others = list(figures[1:])
        if first.is_dead:
            others = [self._with_link_checked(figure, page_url, note) for figure in others]
        return [first, *others]

    def _with_link_checked(self, figure: Figure, page_url: str, note: Note) -> Figure:
        path = urlsplit(figure.url).path
        url = urlsplit(page_url)._replace(path=path, query="", fragment="").geturl()
        return figure.model_copy(update={"is_dead": self._client.alive(url, note) is False})

    async def _ask_arxiv(self, request: Callable[[], Result]) -> Result:
        """Run a blocking request in a thread and return its result. Raises PaperFailed.

        Once arXiv has throttled this run, every later request raises it unsent.
        """
        if self._throttled:
            raise PaperFailed("throttled", self._throttled)
        try:
            return await asyncio.to_thread(request)
        except ArxivError as error:
            if error.reason == "throttled":
                self._throttled = error.detail
            raise PaperFailed(error.reason, error.detail, retryable=error.retryable) from None

    def _entry(self, asset: str, identity: dict[str, str], value: dict[str, Any]) -> Purchase:
        return Purchase(asset=asset, identity=identity, created_at=self._clock.now(), value=value)

    def _final_failure(self, asset: str, identity: dict[str, str], error: PaperFailed) -> Purchase:
        """The purchase of a final failure. Raises the failure if a retry may succeed."""
        if error.retryable:
            raise error
        failure = FinalFailure(stage=asset, reason=error.reason, detail=error.detail, attempts=1)
        return self._purchases.final_failure(asset, identity, failure)


@contextmanager
def _scratch_file(content: bytes) -> Iterator[Path]:
    """A temporary file for a worker. A worker that dies while it reads a pipe would break it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "document"
        path.write_bytes(content)
        yield path


@contextmanager
def _local_copy(path: UPath) -> Iterator[Path]:
    """The file on this machine: itself if it is local, else a temporary copy."""
    if storage.is_local(path):
        yield Path(path.path)
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        data = storage.read(path)
        if data is None:
            raise FileNotFoundError(str(path))
        copy.write_bytes(data)
        yield copy


async def _rows(
    stage: str,
    papers: Sequence[Paper] | Sequence[PaperPdf],
    work: Callable[[str], Awaitable[tuple[Row, bool]]],
    *,
    record: type[Row],
    earlier: Sequence[Row],
    concurrency: int,
    progress: Progress,
) -> tuple[list[Row], Counts]:
    """Run `work` for every paper. Returns a row per paper in the given order, and the counts.

    A paper without a result keeps its row from `earlier`, if that one is done.
    """
    arxiv_ids = [paper.arxiv_id for paper in papers]
    done_earlier = {row.arxiv_id: row for row in earlier if row.state == "done"}
    outcomes, counts = await per_paper(
        stage, arxiv_ids, work, concurrency=concurrency, progress=progress
    )
    rows = []
    for outcome in outcomes:
        row = outcome.value or done_earlier.get(outcome.arxiv_id)
        rows.append(row or _row_without_value(record, outcome))
    return rows, counts


def _row_without_value(record: type[Row], outcome: Outcome[Row]) -> Row:
    fields = {
        "arxiv_id": outcome.arxiv_id,
        "state": outcome.state,
        "reason": outcome.reason,
        "detail": outcome.detail,
    }
    if record is ParsedPaper:
        fields["parser_version"] = PARSER_VERSION
    return record.model_validate(fields)


def _value(entry: Purchase) -> dict[str, Any]:
    """The value of a purchase. Raises PaperFailed if it holds a failure."""
    if entry.value is not None and entry.failure is None:
        return entry.value
    failure = entry.failure or FinalFailure(stage=entry.asset, reason="error", attempts=1)
    raise PaperFailed(failure.reason, failure.detail, retryable=False, attempts=failure.attempts)


def _pdf_identity(arxiv_id: str) -> dict[str, str]:
    return {"version": PDF_VERSION, "arxiv_id": arxiv_id}


def _parse_identity(sha256: str) -> dict[str, str]:
    return {"version": PARSER_VERSION, "sha256": sha256}


def _figures_identity(arxiv_id: str) -> dict[str, str]:
    return {"version": FIGURES_VERSION, "arxiv_id": arxiv_id}
