"""Reads the printed lines of a PDF in reading order, with the styles that set headings apart.

Lines keep the order of the content stream, which TeX and word processors write column by column.
Sorting by position would interleave the side-by-side cells of a byline. Only a page of a two-column
document is sorted by position, and only if its stream jumps between the columns.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from papers_pipeline.documents.pdf.accents import compose_accents

if TYPE_CHECKING:
    import pymupdf

BOLD = re.compile(
    r"bold|medi(?!um)|heavy|black|semibold|demi|cmbx|sfbx|tb$|-bd|cmssbx|lmbx", re.IGNORECASE
)
LONG_LINE = 30
"""Characters. Shorter lines do not count when the style of the body text is determined."""
EDGE = 0.1
"""Share of a page's height. The margins at top and foot hold running heads and page numbers."""
MOST_PAGES = 1000
"""Pages that are read. The longest theses on arXiv have some 600."""
MOST_CHARACTERS = 3_000_000
"""Characters that are read: a thousand full pages. Compressed, a far longer text fits in 100 kB."""
LEFT, ACROSS, RIGHT = -1, 0, 1
"""Where a line of a two-column page lies, in reading order for lines at one height."""

_STAMP = re.compile(r"arXiv:\s*(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})v(\d+)")
_PAGE_NUMBER = re.compile(
    r"(?:page\s*)?[-–—|\s]*(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:/|of)\s*\d{1,4})?[-–—|\s]*",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")

# Every kind of space becomes a plain space, and every kind of hyphen a plain hyphen.
_SIGNS = str.maketrans(
    dict.fromkeys("\t\n\r\v\f\u00a0\u2002\u2003\u2009\u202f", " ")
    | dict.fromkeys("\u00ad\u2010\u2011", "-")
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2060\ufeff\ud800-\udfff]")

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line as MuPDF cuts it: a printed line, or one cell of a row.

    - `x0`, `y0`, `x1`, `y1`: the bounding box, in points from the page's upper left corner.
    - `font`: the font of most characters.
    - `size`, `smallest`: its largest and smallest size. They differ in small capitals.
    - `share`: the share of characters in this font, from 0 to 1.
    """

    page: int
    block: int
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    font: str
    size: float
    smallest: float
    share: float

    @property
    def bold(self) -> bool:
        return _is_bold(self.font)

    @property
    def small_capitals(self) -> bool:
        return self.smallest < 0.9 * self.size and self.text.upper() == self.text


@dataclass(frozen=True)
class Pages:
    """The lines of a document in reading order, with facts about the whole document.

    `cut` says where the text was cut, if it was.
    """

    lines: Sequence[Line]
    count: int
    width: float
    height: float
    two_columns: bool
    arxiv_version: int | None
    body_font: str
    body_size: float
    cut: str | None = None


def read_pages(document: "pymupdf.Document") -> Pages:
    """The lines of all pages, without rotated text, running heads and page numbers.

    The arXiv stamp is rotated text. Its version is kept. After `MOST_PAGES` or `MOST_CHARACTERS`
    the text is cut, and `cut` says so.
    """
    flags = _flags()
    pages: list[list[Line]] = []
    arxiv_version: int | None = None
    cut = None
    room = MOST_CHARACTERS
    for number in range(document.page_count):
        if number == MOST_PAGES:
            cut = f"text cut at {MOST_PAGES} of {document.page_count} pages"
            break
        blocks = document[number].get_text("dict", flags=flags)["blocks"]
        lines, stamped_version = _page_lines(number, blocks)
        arxiv_version = arxiv_version or stamped_version
        fitting = _fitting(lines, room)
        pages.append(fitting)
        room -= sum(len(line.text) for line in fitting)
        if len(fitting) < len(lines):
            cut = f"text cut at {MOST_CHARACTERS} characters, on page {number + 1}"
            break
    rect = document[0].rect
    pages = _without_running_heads(pages, rect.height)
    two_columns = _has_two_columns(pages, rect.width)
    if two_columns:
        pages = [_column_by_column(lines, rect.width) for lines in pages]
    all_lines = list(chain.from_iterable(pages))
    body_font, body_size = _body_style(all_lines)
    return Pages(
        lines=all_lines,
        count=document.page_count,
        width=rect.width,
        height=rect.height,
        two_columns=two_columns,
        arxiv_version=arxiv_version,
        body_font=body_font,
        body_size=body_size,
        cut=cut,
    )


def _fitting(lines: list[Line], room: int) -> list[Line]:
    """The first lines, of at most `room` characters in all."""
    for index, line in enumerate(lines):
        room -= len(line.text)
        if room < 0:
            return lines[:index]
    return lines


def _flags() -> int:
    """What MuPDF reads of a page: no images, which would take two thirds of the time.

    Without TEXT_PRESERVE_LIGATURES, it spells ligatures out.
    """
    import pymupdf

    unwanted = pymupdf.TEXT_PRESERVE_IMAGES | pymupdf.TEXT_PRESERVE_LIGATURES
    flags: int = pymupdf.TEXTFLAGS_DICT & ~unwanted
    return flags


def _page_lines(page: int, blocks: list[dict[str, Any]]) -> tuple[list[Line], int | None]:
    """The horizontal lines of a page, and the version of the arXiv stamp if it has one."""
    lines: list[Line] = []
    version = None
    for number, block in enumerate(blocks):
        for printed in block["lines"]:
            spans = printed["spans"]
            is_rotated = printed["dir"][0] < 0.99
            if is_rotated:
                printed_text = "".join(span["text"] for span in spans)
                stamp = _STAMP.match(printed_text)
                version = int(stamp[1]) if stamp else version
                continue
            line = _line(page, number, printed["bbox"], spans)
            if line is not None:
                lines.append(line)
    return lines, version


def _line(page: int, block: int, bbox: Box, spans: list[dict[str, Any]]) -> Line | None:
    """The line in the style of most of its characters, or None if it has no text."""
    characters: Counter[str] = Counter()
    smallest: dict[str, float] = {}
    largest: dict[str, float] = {}
    texts = []
    for span in spans:
        text = span["text"]
        texts.append(text)
        if text.isspace():
            continue
        font, size = span["font"], span["size"]
        characters[font] += len(text)
        smallest[font] = min(size, smallest.get(font, size))
        largest[font] = max(size, largest.get(font, size))
    text = "".join(texts).strip()
    if not (text.isascii() and text.isprintable()):
        text = compose_accents(_UNPRINTABLE.sub("", text.translate(_SIGNS))).strip()
    if not text or not characters:
        return None
    font, count = characters.most_common(1)[0]
    return Line(
        page,
        block,
        text,
        *bbox,
        font=font,
        size=largest[font],
        smallest=smallest[font],
        share=count / characters.total(),
    )


@cache
def _is_bold(font: str) -> bool:
    return BOLD.search(font) is not None


def _without_running_heads(pages: list[list[Line]], height: float) -> list[list[Line]]:
    """The lines of each page without page numbers and without lines that margins repeat."""
    pages_by_key: Counter[tuple[str, int]] = Counter()
    for lines in pages:
        margin = [line for line in lines if _is_in_margin(line, height)]
        pages_by_key.update(set(map(_head_key, margin)))
    min_pages = 3 if len(pages) > 4 else 2
    repeated = {key for key, count in pages_by_key.items() if count >= min_pages}

    def is_head(line: Line) -> bool:
        return _is_in_margin(line, height) and _head_key(line) in repeated

    def is_page_number(line: Line, following: Line | None) -> bool:
        if not _is_in_margin(line, height) or not _PAGE_NUMBER.fullmatch(line.text):
            return False
        # The number of a heading is followed by its title.
        return following is None or is_head(following) or not on_one_baseline(line, following)

    kept_pages = []
    for lines in pages:
        kept = []
        for index, line in enumerate(lines):
            following = lines[index + 1] if index + 1 < len(lines) else None
            if not is_head(line) and not is_page_number(line, following):
                kept.append(line)
        kept_pages.append(kept)
    return kept_pages


def _is_in_margin(line: Line, height: float) -> bool:
    return line.y1 < EDGE * height or line.y0 > (1 - EDGE) * height


def _head_key(line: Line) -> tuple[str, int]:
    """Equal for the same running head on different pages: its numbers differ, its height hardly."""
    return _DIGITS.sub("#", line.text), round(line.y0 / 6)


def _has_two_columns(pages: Sequence[Sequence[Line]], width: float) -> bool:
    """Whether most text of long lines lies beside the middle of the page."""
    characters_across = 0
    characters_beside = 0
    for lines in pages:
        for line in lines:
            if line.x1 - line.x0 < width / 4:
                continue
            if _side(line, width / 2) == ACROSS:
                characters_across += len(line.text)
            else:
                characters_beside += len(line.text)
    return characters_beside > characters_across


def _column_by_column(lines: list[Line], width: float) -> list[Line]:
    """The lines of a two-column page, sorted by position if the stream jumps between columns."""
    middle = width / 2
    sides = [_side(line, middle) for line in lines if line.x1 - line.x0 > width / 5]
    jumps = 0
    for side, next_side in pairwise(sides):
        if {side, next_side} == {LEFT, RIGHT}:
            jumps += 1
    if jumps <= max(5, len(sides) // 8):
        return lines
    ordered: list[Line] = []
    band: list[Line] = []  # the lines between two lines that span both columns
    for line in sorted(lines, key=lambda line: (line.y0, line.x0)):
        if _side(line, middle) == ACROSS:
            ordered += _sorted_columns(band, middle)
            ordered.append(line)
            band = []
        else:
            band.append(line)
    return ordered + _sorted_columns(band, middle)


def _side(line: Line, middle: float) -> int:
    if line.x0 < middle - 12 and line.x1 > middle + 12:
        return ACROSS
    return LEFT if line.x0 + line.x1 < 2 * middle else RIGHT


def _sorted_columns(band: list[Line], middle: float) -> list[Line]:
    return sorted(band, key=lambda line: (_side(line, middle), line.y0, line.x0))


def _body_style(lines: Sequence[Line]) -> tuple[str, float]:
    """Font and size, to half a point, of most text in long lines.

    Only the first third of the document counts, before references and tables of data.
    """
    if not lines:
        return "", 0.0
    last_page = max(3, lines[-1].page // 3)
    early = [line for line in lines if line.page <= last_page]
    long_lines = [line for line in early if len(line.text) >= LONG_LINE]
    characters: Counter[tuple[str, float]] = Counter()
    for line in long_lines or early:
        style = (line.font, round(line.size * 2) / 2)
        characters[style] += len(line.text)
    if not characters:
        return "", 0.0
    return characters.most_common(1)[0][0]


def on_one_baseline(line: Line, following: Line) -> bool:
    """Whether `following` stands to the right of `line`, at its height."""
    overlap = min(line.y1, following.y1) - max(line.y0, following.y0)
    return (
        line.page == following.page
        and following.x0 > line.x1 - 1
        and overlap > 0.6 * min(line.size, following.size)
    )


def rows(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Runs of lines on one baseline, each to the right of the one before."""
    row: list[Line] = []
    for line in lines:
        if row and not on_one_baseline(row[-1], line):
            yield row
            row = []
        row.append(line)
    if row:
        yield row
