"""A paper's PDF as text: its header, and its first-level sections in reading order."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pymupdf
from pydantic import BaseModel, ConfigDict

from papers_pipeline.documents.pdf.header import read_header
from papers_pipeline.documents.pdf.headings import Heading, find_headings
from papers_pipeline.documents.pdf.lines import Line, Pages, read_pages
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
    words = _Words(pages.lines)
    sections = []
    for number, heading in enumerate(headings):
        end = headings[number + 1].first if number + 1 < len(headings) else len(pages.lines)
        first = heading.end - bool(heading.run_in)
        lines = pages.lines[first:end]
        text = words.text(lines, skip=heading.run_in)
        sections.append(Section(title=heading.title, text=text))
    return sections


class _Words:
    """Joins lines to text. A word that is cut at the end of a line is written as the paper writes it elsewhere."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._known: set[str] = set()
        for line in lines:
            self._known.update(re.findall(r"\w[\w-]*\w", line.text.lower()))

    def text(self, lines: Sequence[Line], skip: int = 0) -> str:
        """The text of the lines, one block a line, without the first ``skip`` characters."""
        pieces: list[str] = []
        block = None
        for line in lines:
            text, skip = line.text[skip:], 0
            if pieces and self._cut(pieces[-1], text):
                pieces[-1] = self._mended(pieces[-1], text)
            else:
                if pieces:
                    pieces.append("\n" if (line.page, line.block) != block else " ")
                pieces.append(text)
            block = line.page, line.block
        return "".join(pieces)

    def _cut(self, before: str, after: str) -> bool:
        return before.endswith("-") and before[-2:-1].isalnum() and after[:1].isalnum()

    def _mended(self, before: str, after: str) -> str:
        """'exam-' 'ple' is 'example'; 'state-of-the-' 'art', 'GPT-' '4' and 'Llama3-' 'based' keep their hyphens."""
        head = before[:-1].rsplit(None, 1)[-1].lstrip("([{\"'“‘").lower()
        tail = re.split(r"\W", after.lower(), maxsplit=1)[0]
        if f"{head}{tail}" in self._known and not tail[:1].isdigit():
            return before[:-1] + after
        compound = (
            "-" in head
            or head[-1:].isdigit()
            or not after[:1].islower()
            or f"{head}-{tail}" in self._known
        )
        return before + after if compound else before[:-1] + after
