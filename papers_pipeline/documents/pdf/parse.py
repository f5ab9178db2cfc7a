"""A paper's PDF as text: its header, and its first-level sections in reading order."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pymupdf
from pydantic import BaseModel, ConfigDict

from papers_pipeline.documents.pdf.header import read_header
from papers_pipeline.documents.pdf.headings import Heading, find_headings
from papers_pipeline.documents.pdf.hyphenation import Hyphenation
from papers_pipeline.documents.pdf.lines import Pages, read_pages
from papers_pipeline.records import Section

PARSER_VERSION = "1"
"""Raised with every change that makes other text of the same PDF: it parses every paper anew."""

_NO_MEMORY = re.compile(r"alloc\b.* failed|bad_alloc|out of memory")
"""How MuPDF says that an allocation failed, in C and in C++."""

PdfReason = Literal["not_a_pdf", "encrypted", "empty", "damaged"]


class PdfError(Exception):
    """Raised for a file that gives no text, with the reason why."""

    def __init__(self, reason: PdfReason) -> None:
        super().__init__(reason)
        self.reason: PdfReason = reason


class ParsedPdf(BaseModel):
    """What a paper's PDF says; a section's text has one paragraph a line. ``header`` is described at `read_header`;
    ``arxiv_version`` is that of the stamp on the first page. Text before the first heading that is no header is not
    kept."""

    model_config = ConfigDict(frozen=True)

    header: str
    sections: list[Section]
    pages: int
    arxiv_version: int | None


def parse_pdf(path: Path) -> ParsedPdf:
    """The paper in the file. Raises PdfError."""
    with path.open("rb") as file:
        # MuPDF opens HTML and pictures too, as documents of one page.
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
    )


def _read(path: Path) -> Pages:
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        with pymupdf.open(path, filetype="pdf") as document:
            if document.needs_pass:
                raise PdfError("encrypted")
            if document.page_count == 0:
                raise PdfError("damaged" if document.is_repaired else "empty")
            pages = read_pages(document)
            if document.is_repaired and not _has_its_end(path):
                raise PdfError("damaged")
            return pages
    except (pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError) as error:
        if _NO_MEMORY.search(str(error)):
            raise MemoryError(str(error)) from error
        raise PdfError("damaged") from error


def _has_its_end(path: Path) -> bool:
    """Whether nothing of a PDF follows its last end mark: MuPDF mends a truncated file into one with fewer pages, and
    a file with several versions, or one made for the web, has an end mark early too."""
    _, mark, tail = path.read_bytes().rpartition(b"%%EOF")
    return bool(mark) and b" obj" not in tail


def _sections(pages: Pages, headings: Sequence[Heading]) -> list[Section]:
    hyphenation = Hyphenation(pages.lines)
    sections = []
    for number, heading in enumerate(headings):
        end = headings[number + 1].first if number + 1 < len(headings) else len(pages.lines)
        first = heading.end - bool(heading.run_in)
        lines = pages.lines[first:end]
        text = hyphenation.text(lines, skip=heading.run_in)
        sections.append(Section(title=heading.title, text=text))
    return sections
