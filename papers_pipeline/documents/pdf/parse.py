"""Parses a paper's PDF into its header and its first-level sections, in reading order.

MuPDF opens, and repairs, what anyone sends. These functions therefore run in worker processes only.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from papers_pipeline.documents.pdf.header import read_header
from papers_pipeline.documents.pdf.headings import Heading, find_headings
from papers_pipeline.documents.pdf.hyphenation import Hyphenation
from papers_pipeline.documents.pdf.lines import Pages, read_pages
from papers_pipeline.records import Section

if TYPE_CHECKING:
    import pymupdf

PARSER_VERSION = "1"
"""To be raised when a change alters the text of any paper. Every paper is then parsed again."""

END_WITHIN = 2048
"""Bytes at the end of a file in which its end mark must be."""

_NO_MEMORY = re.compile(r"alloc\b.* failed|bad_alloc|out of memory")
"""MuPDF's messages for a failed allocation, from C and C++."""

PdfReason = Literal["not_a_pdf", "encrypted", "empty", "damaged"]


class PdfError(Exception):
    """A file has no readable text, for the given reason. `detail` is for the operator."""

    def __init__(self, reason: PdfReason, detail: str | None = None) -> None:
        super().__init__(reason)
        self.reason: PdfReason = reason
        self.detail = detail or reason


class ParsedPdf(BaseModel):
    """The text of a paper.

    - `header`: byline and institutions, see `read_header`.
    - `sections`: the first-level sections. Each line of a section's text is a paragraph.
    - `pages`: how many there are.
    - `arxiv_version`: from the stamp on the first page.
    - `cut`: where the text was cut, if the file has more than any paper.

    Text before the first heading is dropped unless it is part of the header.
    """

    model_config = ConfigDict(frozen=True)

    header: str
    sections: list[Section]
    pages: int
    arxiv_version: int | None
    cut: str | None = None


def count_pages(path: Path) -> int:
    """The number of pages of a PDF that arrived complete.

    Raises PdfError `encrypted` or `damaged`, and MemoryError if MuPDF runs out of memory.
    """
    with _opened(path) as document:
        pages = int(document.page_count)
        # MuPDF also opens the first half of a file, with the pages it finds there.
        if not pages or (document.is_repaired and not _has_end(path)):
            raise PdfError("damaged", "the file has no end")
        return pages


def parse_pdf(path: Path) -> ParsedPdf:
    """Parse the PDF. Raises PdfError, and MemoryError if MuPDF runs out of memory."""
    with path.open("rb") as file:
        # MuPDF also opens HTML and images, as documents of one page.
        if b"%PDF-" not in file.read(1024):
            raise PdfError("not_a_pdf")
    pages = _read(path)
    if not pages.lines:
        raise PdfError("empty")
    headings = find_headings(pages)
    return ParsedPdf(
        header=read_header(pages, headings),
        sections=_sections(pages, headings),
        pages=pages.count,
        arxiv_version=pages.arxiv_version,
        cut=pages.cut,
    )


def _read(path: Path) -> Pages:
    with _opened(path) as document:
        if document.page_count == 0:
            raise PdfError("damaged" if document.is_repaired else "empty")
        pages = read_pages(document)
        if document.is_repaired and not _is_complete(path):
            raise PdfError("damaged")
        return pages


@contextmanager
def _opened(path: Path) -> Iterator["pymupdf.Document"]:
    """The opened file. MuPDF's errors, also those of the work with it, become PdfErrors."""
    import pymupdf  # the run of a day without a new PDF does without

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        with pymupdf.open(path, filetype="pdf") as document:
            if document.needs_pass:
                raise PdfError("encrypted", "the file needs a password")
            yield document
    except (pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError) as error:
        if _NO_MEMORY.search(str(error)):
            raise MemoryError(str(error)) from error
        raise PdfError("damaged", str(error)) from error


def _has_end(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_WITHIN))
        return b"%%EOF" in file.read()


def _is_complete(path: Path) -> bool:
    """Whether no object follows the last end mark.

    MuPDF repairs a truncated file into one with fewer pages. The mark's presence proves nothing,
    because incrementally saved and web-optimized files contain an early one.
    """
    _, mark, tail = path.read_bytes().rpartition(b"%%EOF")
    return bool(mark) and b" obj" not in tail


def _sections(pages: Pages, headings: Sequence[Heading]) -> list[Section]:
    hyphenation = Hyphenation(pages.lines)
    ends = [heading.first for heading in headings[1:]] + [len(pages.lines)]
    sections = []
    for heading, end in zip(headings, ends, strict=False):
        # The line of a run-in heading also begins the text.
        first = heading.end - 1 if heading.run_in else heading.end
        text = hyphenation.text(pages.lines[first:end], skip=heading.run_in)
        sections.append(Section(title=heading.title, text=text))
    return sections
