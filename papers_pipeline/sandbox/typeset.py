"""The PDF of a sample paper, set as a preprint is: byline with marks, columns, hyphens, floats, arXiv's stamp.

The same paper gives the same bytes: no dates, no random ids, and drawings made of the captions. Words are placed one by
one without spaces, as TeX places them. pymupdf is not safe in threads: the caller holds the lock.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Literal

import pymupdf

WIDTH, HEIGHT = 612, 792
BODY, SMALL, LEADING = 10.0, 8.0, 1.18
SUPERSCRIPT, RISE = 0.7, 0.36
FIGURE_HEIGHT = 96
LONGEST_GAP = 0.9
"""In ems: a line that would need wider gaps than this is left ragged."""
FALLBACKS = ("Noto Serif", "cjk")
STYLES = {"roman": "tiro", "bold": "tibo", "italic": "tiit", "cjk": "cjk"}
BREAK = re.compile(r"(?<=[aeiouy])(?=[bcdfghjklmnpqrstvwxz][aeiouy])")
GREY = (0.5, 0.5, 0.5)

Layout = Literal["one_column", "two_columns", "team_only", "broken"]
Style = Literal["roman", "bold", "italic"]


@dataclass(frozen=True)
class Author:
    """A name of the byline and its marks, such as "1,2"."""

    name: str
    marks: str = ""


@dataclass(frozen=True)
class Institution:
    """An institution as the paper prints it, and its mark."""

    mark: str
    name: str


@dataclass(frozen=True)
class Section:
    """A first-level section; empty lines part its paragraphs."""

    title: str
    text: str


@dataclass(frozen=True)
class SampleFigure:
    """A figure, and the title of the section that it stands in."""

    caption: str
    section: str


@dataclass(frozen=True)
class SamplePaper:
    """All that a sample paper's PDF and HTML are made of."""

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
        """What arXiv prints up the left margin of the first page."""
        day = f"{self.published.day} {self.published:%b %Y}"
        return f"arXiv:{self.arxiv_id}v1 [{self.category}] {day}"


@dataclass(frozen=True)
class Piece:
    """Letters of a word in one style; ``raised`` sets a mark."""

    text: str
    style: Style = "roman"
    raised: bool = False


Word = tuple[Piece, ...]


@cache
def _font(name: str) -> pymupdf.Font:
    # Noto Serif has no short name; it is the fallback of the Latin script.
    return pymupdf.Font(script=0) if name == "Noto Serif" else pymupdf.Font(STYLES[name])


@lru_cache(maxsize=1 << 14)
def _runs(text: str, style: str) -> list[tuple[str, str]]:
    """The text in pieces that one font can show: Times lacks dots below and Chinese."""
    fonts = (style, *FALLBACKS)
    names = [
        next((font for font in fonts if _font(font).has_glyph(ord(letter))), style)
        for letter in text
    ]
    pairs = groupby(zip(text, names, strict=True), key=itemgetter(1))
    return [("".join(letter for letter, _ in run), name) for name, run in pairs]


@cache
def _advance(letter: str, font: str) -> float:
    return float(_font(font).glyph_advance(ord(letter)))


def _length(run: str, font: str, size: float) -> float:
    return size * sum(_advance(letter, font) for letter in run)


@lru_cache(maxsize=1 << 14)
def _width(word: Word, size: float) -> float:
    return sum(
        _length(run, font, size * (SUPERSCRIPT if piece.raised else 1))
        for piece in word
        for run, font in _runs(piece.text, piece.style)
    )


def words(text: str, style: Style = "roman") -> list[Word]:
    """The words of a text, all in one style."""
    return [(Piece(word, style),) for word in text.split()]


def _hyphenated(word: Word, room: float, size: float) -> tuple[Word, Word] | None:
    """The word in two, the first with its hyphen and as long as the room allows."""
    if (
        len(word) != 1
        or len(word[0].text) < 7
        or not re.fullmatch(r"[A-Za-z]?[a-z]+[.,;]?", word[0].text)
    ):
        return None
    text, style = word[0].text, word[0].style
    places = [
        found.start() for found in BREAK.finditer(text) if 2 <= found.start() <= len(text) - 3
    ]
    for place in reversed(places):
        first: Word = (Piece(f"{text[:place]}-", style),)
        if _width(first, size) <= room:
            return first, (Piece(text[place:], style),)
    return None


def _lines(text: Iterable[Word], width: float, size: float, hyphens: bool) -> Iterator[list[Word]]:
    gap, left = 0.25 * size, list(text)
    while left:
        line, room = [], width
        while left and (needed := _width(left[0], size)) <= room:
            line.append(left.pop(0))
            room -= needed + gap
        if left and hyphens and (halves := _hyphenated(left[0], room, size)):
            line.append(halves[0])
            left[0] = halves[1]
        if not line:  # a word wider than the column
            line.append(left.pop(0))
        yield line


class _Ink:
    """The words of one page, until they are written to it."""

    def __init__(self) -> None:
        self._writer = pymupdf.TextWriter(pymupdf.Rect(0, 0, WIDTH, HEIGHT))

    def line(self, line: Sequence[Word], x: float, y: float, size: float, gap: float) -> None:
        for word in line:
            for piece in word:
                for run, name in _runs(piece.text, piece.style):
                    height = size * (SUPERSCRIPT if piece.raised else 1)
                    at = (x, y - (size * RISE if piece.raised else 0))
                    self._writer.append(at, run, font=_font(name), fontsize=height)
                    x += _length(run, name, height)
            x += gap

    def dry(self, page: pymupdf.Page) -> None:
        self._writer.write_text(page)


class _Press:
    """Sets text from column to column and from page to page."""

    def __init__(self, paper: SamplePaper) -> None:
        self._paper = paper
        self._document = pymupdf.open()
        self._inks: list[_Ink] = []
        self._two = paper.layout == "two_columns"
        self._columns: list[tuple[float, float, float]] = []
        self._new_page(72)

    def _new_page(self, top: float) -> None:
        self._document.new_page(width=WIDTH, height=HEIGHT)
        self._inks.append(_Ink())
        self.bottom = [HEIGHT - 72.0, HEIGHT - 72.0]
        self._set_columns(top, whole=False)

    def _set_columns(self, top: float, whole: bool) -> None:
        if not self._two:
            self._columns = [(108, 504, top)]
        elif whole:
            self._columns = [(54, 558, top)]
        else:
            self._columns = [(54, 294, top), (318, 558, top)]
        self._column = 0
        self.y = top

    @property
    def _sides(self) -> tuple[float, float]:
        return self._columns[self._column][:2]

    @property
    def _page(self) -> pymupdf.Page:
        # Fetched anew each time: a page that is added makes the objects of all others useless.
        return self._document[-1]

    def wide(self) -> None:
        """From here on, set across the whole page."""
        self._set_columns(self.y, whole=True)

    def narrow(self) -> None:
        """From here on, set in columns again, below what stands on the page."""
        self._set_columns(self.y, whole=False)

    def room(self, height: float) -> None:
        """Go on to the next column or page unless this much fits below."""
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
        left, right = self._sides
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
        """Set a paragraph, justified unless centred."""
        leading = size * LEADING
        left, right = self._sides
        lines = list(_lines(text, right - left - 2 * indent, size, hyphens and not centred))
        for number, line in enumerate(lines):
            self.room(leading)
            left, right = (
                side + inset for side, inset in zip(self._sides, (indent, -indent), strict=True)
            )
            natural = sum(_width(word, size) for word in line)
            gap = 0.25 * size
            start = left + (right - left - natural - gap * (len(line) - 1)) / 2 if centred else left
            if not centred and number + 1 < len(lines) and len(line) > 1:
                stretched = (right - left - natural) / (len(line) - 1)
                gap = stretched if stretched <= LONGEST_GAP * size else gap
            self.y += leading
            self._inks[-1].line(line, start, self.y - 0.25 * size, size, gap)

    def heading(self, number: str, title: str, size: float = 12) -> None:
        self.room(4 * size)
        self.space(size * 0.7)
        self.text(words(f"{number} {title}", "bold"), size, hyphens=False)
        self.space(size * 0.3)

    def figure(self, number: int, caption: str) -> None:
        self.room(FIGURE_HEIGHT + 50)
        left, right = self._sides
        self.space(6)
        draw_figure(
            self._page, pymupdf.Rect(left + 12, self.y, right - 12, self.y + FIGURE_HEIGHT), caption
        )
        self.space(FIGURE_HEIGHT + 6)
        self.text(words(f"Figure {number}: {caption}"), 9, hyphens=True)
        self.space(8)

    def footnotes(self, notes: Sequence[Sequence[Word]]) -> None:
        """Set notes at the foot of this page's first column, whose text then ends above them."""
        left, right = self._sides
        lines = [
            line for note in notes for line in _lines(note, right - left, SMALL, hyphens=False)
        ]
        foot = self.bottom[0] - len(lines) * SMALL * LEADING
        self._page.draw_line((left, foot - 4), (left + 96, foot - 4), width=0.4)
        for number, line in enumerate(lines):
            self._inks[-1].line(
                line, left, foot + (number + 0.8) * SMALL * LEADING, SMALL, 0.25 * SMALL
            )
        self.bottom[0] = foot - 10

    def finish(self) -> bytes:
        first = self._document[0]
        size = 20
        length = _length(self._paper.stamp, "roman", size)
        # Read upwards, centred on the page's height.
        at = (34, (HEIGHT + length) / 2)
        first.insert_text(
            at, self._paper.stamp, fontname="tiro", fontsize=size, rotate=90, color=GREY
        )
        for number, ink in enumerate(self._inks, 1):
            self._furniture(ink, number)
            ink.dry(self._document[number - 1])
        self._document.subset_fonts()
        made: bytes = self._document.tobytes(garbage=4, deflate=True, no_new_id=True)
        self._document.close()
        return made

    def _furniture(self, ink: _Ink, number: int) -> None:
        """The running head, from the second page on, and the page's number."""
        short = self._paper.title.split(":")[0]
        for text, y, wanted in ((short, 48, number > 1), (str(number), HEIGHT - 40, True)):
            if wanted:
                line = words(text, "italic" if y == 48 else "roman")
                natural = sum(_width(word, 9) for word in line) + 2.25 * (len(line) - 1)
                ink.line(line, (WIDTH - natural) / 2, y, 9, 2.25)


def draw_figure(page: pymupdf.Page, box: pymupdf.Rect, caption: str) -> None:
    """A chart of bars and a line in a frame; its values are those of the caption's hash."""
    values = [byte / 255 for byte in hashlib.sha256(caption.encode()).digest()[:8]]
    step, floor, height = box.width / (len(values) + 1), box.y1 - 10, box.height - 22
    page.draw_rect(box, color=(0.3, 0.3, 0.3), width=0.6)
    page.draw_line((box.x0 + 8, floor), (box.x1 - 8, floor), width=0.6)
    tops = []
    for number, value in enumerate(values):
        middle = box.x0 + (number + 1) * step
        top = floor - (0.15 + 0.85 * value) * height
        bar = pymupdf.Rect(middle - step * 0.3, top, middle + step * 0.3, floor)
        page.draw_rect(bar, color=(0.2, 0.35, 0.6), fill=(0.62, 0.74, 0.9), width=0.5)
        tops.append((middle, floor - (0.2 + 0.7 * values[-1 - number]) * height))
    page.draw_polyline(tops, color=(0.8, 0.3, 0.2), width=1)


def picture(caption: str, width: int = 480, height: int = 240) -> bytes:
    """The drawing of a figure as a PNG."""
    with pymupdf.open() as document:
        page = document.new_page(width=width, height=height)
        draw_figure(page, pymupdf.Rect(8, 8, width - 8, height - 8), caption)
        made: bytes = page.get_pixmap().tobytes("png")
    return made


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
    figures = dict(enumerate(paper.figures, 1))
    for number, section in enumerate(paper.sections, 1):
        press.heading(str(number), section.title)
        here = [place for place, figure in figures.items() if figure.section == section.title]
        for place, paragraph in enumerate(re.split(r"\n\s*\n", section.text)):
            press.text(words(paragraph))
            press.space(BODY * 0.4)
            for figure in here if place == 0 else ():
                press.figure(figure, figures.pop(figure).caption)
    _references(press, paper)
    return press.finish()


def _title(press: _Press, paper: SamplePaper) -> None:
    if paper.layout != "two_columns":
        press.rule(3)
    press.space(14)
    press.text(words(paper.title, "bold"), 17, centred=True)
    press.space(8)
    if paper.layout != "two_columns":
        press.rule(1)
    press.space(14)
    press.text(_byline(paper.authors), 10.5, centred=True)
    press.space(4)
    if paper.layout != "two_columns":
        for institution in paper.institutions:
            press.text(_note(institution), 9.5, centred=True)
    press.space(16)


def _byline(authors: Sequence[Author]) -> Iterator[Word]:
    for number, author in enumerate(authors):
        *first, last = author.name.split()
        yield from words(" ".join(first), "bold")
        comma = "," if number + 1 < len(authors) else ""
        marks = (Piece(author.marks, raised=True),) if author.marks else ()
        yield (Piece(last, "bold"), *marks, *((Piece(comma, "bold"),) if comma else ()))


def _note(institution: Institution) -> list[Word]:
    first, *rest = words(institution.name)
    mark = (Piece(institution.mark, raised=True),) if institution.mark else ()
    return [(*mark, *first), *rest]


def _abstract(press: _Press, paper: SamplePaper) -> None:
    if not paper.abstract:
        return
    press.text(words("Abstract", "bold"), 12, centred=True)
    press.space(6)
    style: Style = "italic" if paper.layout == "two_columns" else "roman"
    press.text(
        words(paper.abstract, style), BODY, indent=0 if paper.layout == "two_columns" else 36
    )
    press.space(8)


def _references(press: _Press, paper: SamplePaper) -> None:
    if not paper.references:
        return
    press.heading("", "References")
    for number, reference in enumerate(paper.references, 1):
        press.text(words(f"[{number}] {reference}"), 9)
        press.space(3)
