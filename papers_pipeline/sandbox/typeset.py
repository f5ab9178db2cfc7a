"""The PDF of a sample paper, typeset like a preprint: byline with marks, columns, figures, stamp.

The same paper always gives the same bytes: there are no dates and no random ids, and the captions
determine the drawings. Words are placed one by one without spaces, as TeX does. pymupdf is not
thread-safe, so the caller holds `MUPDF`.
"""

import hashlib
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Literal

import pymupdf

WIDTH, HEIGHT = 612, 792
BODY, SMALL, LEADING = 10.0, 8.0, 1.18
HEAD_SIZE, STAMP_SIZE = 9, 20
SUPERSCRIPT, RISE = 0.7, 0.36
FIGURE_HEIGHT = 96
WORD_GAP = 0.25
"""The regular gap between words, in ems."""
LONGEST_GAP = 0.9
"""In ems. A line that would need wider gaps between its words stays ragged."""
FALLBACKS = ("Noto Serif", "cjk")
STYLES = {"roman": "tiro", "bold": "tibo", "italic": "tiit", "cjk": "cjk"}
HYPHENATION_POINT = re.compile(r"(?<=[aeiouy])(?=[bcdfghjklmnpqrstvwxz][aeiouy])")
HYPHENATABLE = re.compile(r"[A-Za-z]?[a-z]+[.,;]?")
SHORTEST_HYPHENATED = 7
GREY = (0.5, 0.5, 0.5)

MUPDF = threading.Lock()
"""Held around every use of pymupdf in the sandbox's process, because it is not thread-safe:
https://pymupdf.readthedocs.io/en/latest/recipes-multiprocessing.html"""

Layout = Literal["one_column", "two_columns", "team_only", "broken"]
Style = Literal["roman", "bold", "italic"]


@dataclass(frozen=True)
class Author:
    """A name in the byline and its marks, such as "1,2"."""

    name: str
    marks: str = ""


@dataclass(frozen=True)
class Institution:
    """An institution as the paper prints it, and its mark."""

    mark: str
    name: str


@dataclass(frozen=True)
class Section:
    """A first-level section."""

    title: str
    text: str

    @property
    def paragraphs(self) -> list[str]:
        """The text's paragraphs, which empty lines separate."""
        return re.split(r"\n\s*\n", self.text)


@dataclass(frozen=True)
class SampleFigure:
    """A figure, and the title of the section that contains it."""

    caption: str
    section: str


@dataclass(frozen=True)
class SamplePaper:
    """The contents of a sample paper's PDF and HTML."""

    arxiv_id: str
    layout: Layout
    title: str
    authors: tuple[Author, ...]
    institutions: tuple[Institution, ...]
    sections: tuple[Section, ...]
    figures: tuple[SampleFigure, ...]
    abstract: str = ""
    published: date = date(2026, 1, 1)
    category: str = "cs.LG"
    references: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """The text that arXiv prints along the left margin of the first page."""
        day = f"{self.published.day} {self.published:%b %Y}"
        return f"arXiv:{self.arxiv_id}v1 [{self.category}] {day}"


@dataclass(frozen=True)
class Piece:
    """A part of a word in one style. Marks are `raised`."""

    text: str
    style: Style = "roman"
    raised: bool = False


Word = tuple[Piece, ...]


@cache
def _font(name: str) -> pymupdf.Font:
    # pymupdf has no short name for Noto Serif. It is the fallback font for the Latin script.
    return pymupdf.Font(script=0) if name == "Noto Serif" else pymupdf.Font(STYLES[name])


def _font_name(letter: str, style: str) -> str:
    """The first font that has the letter. Times lacks dots below and Chinese."""
    for name in (style, *FALLBACKS):
        if _font(name).has_glyph(ord(letter)):
            return name
    return style


@lru_cache(maxsize=1 << 14)
def _runs(text: str, style: str) -> list[tuple[str, str]]:
    """The text cut into runs of one font each, with the font's name."""
    runs: list[tuple[str, str]] = []
    for letter in text:
        name = _font_name(letter, style)
        if runs and runs[-1][1] == name:
            runs[-1] = (runs[-1][0] + letter, name)
        else:
            runs.append((letter, name))
    return runs


@cache
def _advance(letter: str, font: str) -> float:
    return float(_font(font).glyph_advance(ord(letter)))


def _run_width(run: str, font: str, size: float) -> float:
    return size * sum(_advance(letter, font) for letter in run)


@lru_cache(maxsize=1 << 14)
def _width(word: Word, size: float) -> float:
    width = 0.0
    for piece in word:
        piece_size = size * (SUPERSCRIPT if piece.raised else 1)
        for run, font in _runs(piece.text, piece.style):
            width += _run_width(run, font, piece_size)
    return width


def _total_width(line: Sequence[Word], size: float) -> float:
    """The width of a line's words, without the gaps between them."""
    return sum(_width(word, size) for word in line)


def words(text: str, style: Style = "roman") -> list[Word]:
    """The words of a text, all in one style."""
    return [(Piece(word, style),) for word in text.split()]


def _hyphenated(word: Word, room: float, size: float) -> tuple[Word, Word] | None:
    """The word cut in two, the first part with a hyphen and as wide as fits; None if none fits."""
    if len(word) != 1:
        return None
    text, style = word[0].text, word[0].style
    if len(text) < SHORTEST_HYPHENATED or not HYPHENATABLE.fullmatch(text):
        return None
    points = [found.start() for found in HYPHENATION_POINT.finditer(text)]
    for point in reversed(points):
        first: Word = (Piece(f"{text[:point]}-", style),)
        if 2 <= point <= len(text) - 3 and _width(first, size) <= room:
            return first, (Piece(text[point:], style),)
    return None


def _lines(text: Iterable[Word], width: float, size: float, hyphens: bool) -> Iterator[list[Word]]:
    """The text broken into lines that fit the width. A word that is too wide has its own line."""
    gap = WORD_GAP * size
    remaining = list(text)
    while remaining:
        line = []
        room = width
        while remaining and _width(remaining[0], size) <= room:
            word = remaining.pop(0)
            line.append(word)
            room -= _width(word, size) + gap
        halves = _hyphenated(remaining[0], room, size) if remaining and hyphens else None
        if halves:
            line.append(halves[0])
            remaining[0] = halves[1]
        if not line:
            line.append(remaining.pop(0))
        yield line


class _Ink:
    """Collects the words of one page until they are written to it."""

    def __init__(self) -> None:
        self._writer = pymupdf.TextWriter(pymupdf.Rect(0, 0, WIDTH, HEIGHT))

    def line(self, line: Sequence[Word], x: float, y: float, size: float, gap: float) -> None:
        for word in line:
            for piece in word:
                for run, name in _runs(piece.text, piece.style):
                    piece_size = size * (SUPERSCRIPT if piece.raised else 1)
                    position = (x, y - (size * RISE if piece.raised else 0))
                    self._writer.append(position, run, font=_font(name), fontsize=piece_size)
                    x += _run_width(run, name, piece_size)
            x += gap

    def write_to(self, page: pymupdf.Page) -> None:
        self._writer.write_text(page)


class _Press:
    """Typesets text from column to column and from page to page."""

    def __init__(self, paper: SamplePaper) -> None:
        self._paper = paper
        self._document = pymupdf.open()
        self._inks: list[_Ink] = []
        self._has_two_columns = paper.layout == "two_columns"
        self._columns: list[tuple[float, float, float]] = []
        self._new_page(72)

    def _new_page(self, top: float) -> None:
        self._document.new_page(width=WIDTH, height=HEIGHT)
        self._inks.append(_Ink())
        self.bottom = [HEIGHT - 72.0, HEIGHT - 72.0]
        self._set_columns(top, whole=False)

    def _set_columns(self, top: float, whole: bool) -> None:
        if not self._has_two_columns:
            self._columns = [(108, 504, top)]
        elif whole:
            self._columns = [(54, 558, top)]
        else:
            self._columns = [(54, 294, top), (318, 558, top)]
        self._column = 0
        self.y = top

    @property
    def _margins(self) -> tuple[float, float]:
        """The left and right edges of the current column."""
        return self._columns[self._column][:2]

    @property
    def _page(self) -> pymupdf.Page:
        # Fetched each time: adding a page invalidates the objects of all other pages.
        return self._document[-1]

    def wide(self) -> None:
        """From here on, typeset across the whole page."""
        self._set_columns(self.y, whole=True)

    def narrow(self) -> None:
        """From here on, typeset in columns, below the text so far."""
        self._set_columns(self.y, whole=False)

    def room(self, height: float) -> None:
        """Go on to the next column or page unless this height is left in the column."""
        if self.y + height <= self.bottom[self._column]:
            return
        if self._column + 1 < len(self._columns):
            self._column += 1
            self.y = self._columns[self._column][2]
        else:
            self._new_page(72)

    def space(self, height: float) -> None:
        self.y += height

    def rule(self, thickness: float) -> None:
        left, right = self._margins
        self._page.draw_line((left, self.y), (right, self.y), width=thickness)

    def text(
        self,
        text: Iterable[Word],
        size: float = BODY,
        *,
        centred: bool = False,
        indent: float = 0,
        hyphens: bool = True,
    ) -> None:
        """Typeset a paragraph, justified unless centred."""
        leading = size * LEADING
        left, right = self._margins
        lines = list(_lines(text, right - left - 2 * indent, size, hyphens and not centred))
        for number, line in enumerate(lines, 1):
            self.room(leading)
            left, right = self._margins
            left, right = left + indent, right - indent
            natural = _total_width(line, size)
            gap = WORD_GAP * size
            gaps = len(line) - 1
            start = left
            if centred:
                start += (right - left - natural - gap * gaps) / 2
            elif number < len(lines) and gaps:
                stretched = (right - left - natural) / gaps
                if stretched <= LONGEST_GAP * size:
                    gap = stretched
            self.y += leading
            self._inks[-1].line(line, start, self.y - 0.25 * size, size, gap)

    def heading(self, number: str, title: str, size: float = 12) -> None:
        self.room(4 * size)
        self.space(size * 0.7)
        self.text(words(f"{number} {title}", "bold"), size, hyphens=False)
        self.space(size * 0.3)

    def figure(self, number: int, caption: str) -> None:
        self.room(FIGURE_HEIGHT + 50)
        left, right = self._margins
        self.space(6)
        box = pymupdf.Rect(left + 12, self.y, right - 12, self.y + FIGURE_HEIGHT)
        draw_figure(self._page, box, caption)
        self.space(FIGURE_HEIGHT + 6)
        self.text(words(f"Figure {number}: {caption}"), 9, hyphens=True)
        self.space(8)

    def footnotes(self, notes: Sequence[Sequence[Word]]) -> None:
        """Typeset notes at the foot of this page's first column; its text then ends above them."""
        left, right = self._margins
        lines: list[list[Word]] = []
        for note in notes:
            lines += _lines(note, right - left, SMALL, hyphens=False)
        top = self.bottom[0] - len(lines) * SMALL * LEADING
        self._page.draw_line((left, top - 4), (left + 96, top - 4), width=0.4)
        for number, line in enumerate(lines):
            y = top + (number + 0.8) * SMALL * LEADING
            self._inks[-1].line(line, left, y, SMALL, WORD_GAP * SMALL)
        self.bottom[0] = top - 10

    def finish(self) -> bytes:
        """Add the stamp, running heads and page numbers, and return the PDF."""
        self._stamp()
        running_head = self._paper.title.split(":")[0]
        for number, ink in enumerate(self._inks, 1):
            if number > 1:
                _centred_line(ink, words(running_head, "italic"), 48)
            _centred_line(ink, words(str(number)), HEIGHT - 40)
            ink.write_to(self._document[number - 1])
        self._document.subset_fonts()
        pdf: bytes = self._document.tobytes(garbage=4, deflate=True, no_new_id=True)
        self._document.close()
        return pdf

    def _stamp(self) -> None:
        """Print the stamp up the margin of the first page, centred on its height."""
        stamp = self._paper.stamp
        length = _run_width(stamp, "roman", STAMP_SIZE)
        self._document[0].insert_text(
            (34, (HEIGHT + length) / 2),
            stamp,
            fontname="tiro",
            fontsize=STAMP_SIZE,
            rotate=90,
            color=GREY,
        )


def _centred_line(ink: _Ink, line: Sequence[Word], y: float) -> None:
    """Typeset a running head or page number, centred on the page's width."""
    gap = WORD_GAP * HEAD_SIZE
    width = _total_width(line, HEAD_SIZE) + gap * (len(line) - 1)
    ink.line(line, (WIDTH - width) / 2, y, HEAD_SIZE, gap)


def draw_figure(page: pymupdf.Page, box: pymupdf.Rect, caption: str) -> None:
    """Draw a framed chart of bars and a line, with values from the caption's hash."""
    values = [byte / 255 for byte in hashlib.sha256(caption.encode()).digest()[:8]]
    step = box.width / (len(values) + 1)
    floor = box.y1 - 10
    height = box.height - 22
    page.draw_rect(box, color=(0.3, 0.3, 0.3), width=0.6)
    page.draw_line((box.x0 + 8, floor), (box.x1 - 8, floor), width=0.6)
    points = []
    for number, value in enumerate(values):
        middle = box.x0 + (number + 1) * step
        top = floor - (0.15 + 0.85 * value) * height
        bar = pymupdf.Rect(middle - step * 0.3, top, middle + step * 0.3, floor)
        page.draw_rect(bar, color=(0.2, 0.35, 0.6), fill=(0.62, 0.74, 0.9), width=0.5)
        points.append((middle, floor - (0.2 + 0.7 * values[-1 - number]) * height))
    page.draw_polyline(points, color=(0.8, 0.3, 0.2), width=1)


def picture(caption: str, width: int = 480, height: int = 240) -> bytes:
    """The drawing of a figure as a PNG."""
    with pymupdf.open() as document:
        page = document.new_page(width=width, height=height)
        draw_figure(page, pymupdf.Rect(8, 8, width - 8, height - 8), caption)
        png: bytes = page.get_pixmap().tobytes("png")
    return png


@lru_cache(maxsize=64)
def typeset(paper: SamplePaper) -> bytes:
    """The PDF of a paper."""
    press = _Press(paper)
    press.wide()
    _title(press, paper)
    press.narrow()
    if paper.layout == "two_columns":
        press.footnotes([_note(institution) for institution in paper.institutions])
    _abstract(press, paper)
    for number, section in enumerate(paper.sections, 1):
        press.heading(str(number), section.title)
        first, *others = section.paragraphs
        _paragraph(press, first)
        for figure_number, figure in enumerate(paper.figures, 1):
            if figure.section == section.title:
                press.figure(figure_number, figure.caption)
        for paragraph in others:
            _paragraph(press, paragraph)
    _references(press, paper)
    return press.finish()


def _paragraph(press: _Press, text: str) -> None:
    press.text(words(text))
    press.space(BODY * 0.4)


def _title(press: _Press, paper: SamplePaper) -> None:
    """The title and the byline. In one column, rules and institutions come with them."""
    is_one_column = paper.layout != "two_columns"
    if is_one_column:
        press.rule(3)
    press.space(14)
    press.text(words(paper.title, "bold"), 17, centred=True)
    press.space(8)
    if is_one_column:
        press.rule(1)
    press.space(14)
    press.text(_byline(paper.authors), 10.5, centred=True)
    press.space(4)
    if is_one_column:
        for institution in paper.institutions:
            press.text(_note(institution), 9.5, centred=True)
    press.space(16)


def _byline(authors: Sequence[Author]) -> Iterator[Word]:
    """The authors' names with their marks, separated by commas."""
    for number, author in enumerate(authors, 1):
        *first_names, last_name = author.name.split()
        yield from words(" ".join(first_names), "bold")
        pieces = [Piece(last_name, "bold")]
        if author.marks:
            pieces.append(Piece(author.marks, raised=True))
        if number < len(authors):
            pieces.append(Piece(",", "bold"))
        yield tuple(pieces)


def _note(institution: Institution) -> list[Word]:
    """An institution with its mark."""
    first, *rest = words(institution.name)
    mark = (Piece(institution.mark, raised=True),) if institution.mark else ()
    return [(*mark, *first), *rest]


def _abstract(press: _Press, paper: SamplePaper) -> None:
    if not paper.abstract:
        return
    press.text(words("Abstract", "bold"), 12, centred=True)
    press.space(6)
    if paper.layout == "two_columns":
        press.text(words(paper.abstract, "italic"))
    else:
        press.text(words(paper.abstract), indent=36)
    press.space(8)


def _references(press: _Press, paper: SamplePaper) -> None:
    if not paper.references:
        return
    press.heading("", "References")
    for number, reference in enumerate(paper.references, 1):
        press.text(words(f"[{number}] {reference}"), 9)
        press.space(3)
