"""The printed lines of a PDF in reading order, with the styles that tell a heading from a sentence.

Each page is extracted once. The order is that of the content stream, which TeX and word processors write column by
column: sorting by position would interleave side-by-side cells of a byline. Only a page of a two-column document whose
stream jumps between the columns is put in order by position.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, zip_longest
from typing import Any

import pymupdf

from papers_pipeline.documents.pdf.accents import compose_accents

# Without the flag for ligatures MuPDF spells them out; images would cost two thirds of the time.
FLAGS = pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES & ~pymupdf.TEXT_PRESERVE_LIGATURES
BOLD = re.compile(
    r"bold|medi(?!um)|heavy|black|semibold|demi|cmbx|sfbx|tb$|-bd|cmssbx|lmbx", re.IGNORECASE
)
LONG_LINE = 30
"""Characters of the shortest line that tells of the style of the text."""
EDGE = 0.1
"""The share of a page's height, at its top and at its foot, in which running heads and page numbers stand."""

_STAMP = re.compile(r"arXiv:\s*(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})v(\d+)")
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-–—|\s]*(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:/|of)\s*\d{1,4})?[-–—|\s]*",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")

# Spaces of every width, and hyphens of every name, are one sign each.
_SIGNS = str.maketrans(
    dict.fromkeys("\t\n\r\v\f\u00a0\u2002\u2003\u2009\u202f", " ")
    | dict.fromkeys("\u00ad\u2010\u2011", "-")
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2060\ufeff\ud800-\udfff]")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line as MuPDF cuts it: a printed line, or one cell of it. Places are in points from the page's upper left."""

    page: int
    block: int
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    font: str
    """Of most of its signs; ``size`` and ``smallest`` are the extremes of that font, which small capitals mix."""
    size: float
    smallest: float
    share: float
    """The share of the signs that have this font, from 0 to 1."""

    @property
    def bold(self) -> bool:
        return _is_bold(self.font)

    @property
    def small_capitals(self) -> bool:
        return self.smallest < 0.9 * self.size and self.text.upper() == self.text


@dataclass(frozen=True)
class Pages:
    """The lines of a document in reading order, and what the pages say of it as a whole."""

    lines: Sequence[Line]
    count: int
    width: float
    height: float
    two_columns: bool
    arxiv_version: int | None
    body_font: str
    body_size: float


def read_pages(document: pymupdf.Document) -> Pages:
    """The lines of every page, without the arXiv stamp, other rotated text, running heads and page numbers."""
    pages: list[list[Line]] = []
    version: int | None = None
    for number in range(document.page_count):
        page = document[number].get_text("dict", flags=FLAGS)
        lines, stamp = _lines(number, page["blocks"])
        pages.append(lines)
        version = version or stamp
    rect = document[0].rect
    pages = _without_running_heads(pages, rect.height)
    two_columns = _two_columns(pages, rect.width)
    if two_columns:
        pages = [_unwoven(lines, rect.width) for lines in pages]
    lines = [line for page in pages for line in page]
    font, size = _body_style(lines)
    return Pages(lines, len(pages), rect.width, rect.height, two_columns, version, font, size)


def _lines(page: int, blocks: list[dict[str, Any]]) -> tuple[list[Line], int | None]:
    lines: list[Line] = []
    version = None
    for number, block in enumerate(blocks):
        for line in block["lines"]:
            spans = line["spans"]
            if line["dir"][0] < 0.99:
                stamp = _STAMP.match("".join([span["text"] for span in spans]))
                version = int(stamp[1]) if stamp else version
            elif made := _line(page, number, line["bbox"], spans):
                lines.append(made)
    return lines, version


def _line(page: int, block: int, bbox: Box, spans: list[dict[str, Any]]) -> Line | None:
    """The line, styled as most of its signs are."""
    counts: dict[str, int] = {}
    sizes: dict[str, tuple[float, float]] = {}
    texts = []
    for span in spans:
        text = span["text"]
        texts.append(text)
        if text == " " or text.isspace():
            continue
        font, size = span["font"], span["size"]
        if font in counts:
            counts[font] += len(text)
            small, big = sizes[font]
            if size < small or size > big:
                sizes[font] = min(size, small), max(size, big)
        else:
            counts[font] = len(text)
            sizes[font] = size, size
    text = "".join(texts).strip()
    if not (text.isascii() and text.isprintable()):
        text = compose_accents(_UNPRINTABLE.sub("", text.translate(_SIGNS))).strip()
    if not text or not counts:
        return None
    font = next(iter(counts)) if len(counts) == 1 else max(counts, key=counts.__getitem__)
    smallest, size = sizes[font]
    share = 1.0 if len(counts) == 1 else counts[font] / sum(counts.values())
    return Line(page, block, text, *bbox, font=font, size=size, smallest=smallest, share=share)


@cache
def _is_bold(font: str) -> bool:
    return BOLD.search(font) is not None


def _without_running_heads(pages: list[list[Line]], height: float) -> list[list[Line]]:
    top, foot = EDGE * height, (1 - EDGE) * height
    seen: Counter[tuple[str, int]] = Counter()
    for lines in pages:
        seen.update({_head_key(line) for line in lines if line.y1 < top or line.y0 > foot})
    enough = 3 if len(pages) > 4 else 2
    heads = {key for key, count in seen.items() if count >= enough}

    def is_head(line: Line) -> bool:
        return (line.y1 < top or line.y0 > foot) and _head_key(line) in heads

    def is_page_number(line: Line, following: Line | None) -> bool:
        if not (line.y1 < top or line.y0 > foot) or not _PAGE_NUMBER.fullmatch(line.text):
            return False
        # The number of a heading is followed by its title.
        return following is None or is_head(following) or not on_one_baseline(line, following)

    return [
        [
            line
            for line, following in zip_longest(lines, lines[1:])
            if line and not is_head(line) and not is_page_number(line, following)
        ]
        for lines in pages
    ]


def _head_key(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text), round(line.y0 / 6)


def _two_columns(pages: Sequence[Sequence[Line]], width: float) -> bool:
    middle, across, beside = width / 2, 0, 0
    for lines in pages:
        for line in lines:
            if line.x1 - line.x0 < width / 4:
                continue
            if line.x0 < middle - 12 and line.x1 > middle + 12:
                across += len(line.text)
            else:
                beside += len(line.text)
    return beside > across


def _unwoven(lines: list[Line], width: float) -> list[Line]:
    """The lines of a page of two columns, by position when the stream jumps between full lines of the columns."""
    middle = width / 2
    sides = [_side(line, middle) for line in lines if line.x1 - line.x0 > width / 5]
    jumps = sum(a != b and 0 not in (a, b) for a, b in pairwise(sides))
    if jumps <= max(5, len(sides) // 8):
        return lines
    ordered: list[Line] = []
    band: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.y0, line.x0)):
        if _side(line, middle) == 0:
            ordered += [*_columns(band, middle), line]
            band = []
        else:
            band.append(line)
    return ordered + _columns(band, middle)


def _side(line: Line, middle: float) -> int:
    if line.x0 < middle - 12 and line.x1 > middle + 12:
        return 0
    return -1 if line.x0 + line.x1 < 2 * middle else 1


def _columns(band: list[Line], middle: float) -> list[Line]:
    return sorted(band, key=lambda line: (_side(line, middle), line.y0, line.x0))


def _body_style(lines: Sequence[Line]) -> tuple[str, float]:
    """Font and size, to half a point, of most long lines in the first third, before references and tables of data."""
    styles: Counter[tuple[str, float]] = Counter()
    last = max(3, lines[-1].page // 3) if lines else 0
    early = [line for line in lines if line.page <= last]
    for line in [line for line in early if len(line.text) >= LONG_LINE] or early:
        styles[line.font, round(line.size * 2) / 2] += len(line.text)
    return max(styles, key=lambda style: styles[style]) if styles else ("", 0.0)


def on_one_baseline(line: Line, following: Line) -> bool:
    """Whether a line stands to the right of another one, at its height."""
    overlap = min(line.y1, following.y1) - max(line.y0, following.y0)
    return (
        line.page == following.page
        and following.x0 > line.x1 - 1
        and overlap > 0.6 * min(line.size, following.size)
    )


def rows(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Runs of lines that stand on one baseline, each to the right of the one before."""
    row: list[Line] = []
    for line in lines:
        if row and not on_one_baseline(row[-1], line):
            yield row
            row = []
        row.append(line)
    if row:
        yield row
