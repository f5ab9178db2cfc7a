"""Open Graph cards: the preview image that chat and social apps show for a link to a paper.

PyMuPDF draws them with fonts from packages: FiraGO (Latin, Cyrillic, Greek) from `pymupdf-fonts`,
and Droid Sans Fallback (Chinese) from PyMuPDF itself. The machine's fonts are not used, so the same
words give the same bytes everywhere.
"""

import io
import logging
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import regex
from PIL import Image

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.loaded_once import loaded_once
from papers_pipeline.site.catalogue import digest

if TYPE_CHECKING:
    import pymupdf

WIDTH, HEIGHT = 1200, 630
"""Pixels, as sites that show cards recommend: https://ogp.me."""
VERSION = "1"
"""Part of each fingerprint: raise it when the drawing changes."""
MARGIN, RULE, BASELINE = 80, 158, 566
WIDEST = WIDTH - 2 * MARGIN
SLOGAN_SIZES = range(68, 32, -4)
SLOGAN_TOP, SLOGAN_BOTTOM = 192, 455
SLOGAN_LEADING, ORIGINAL_LEADING = 1.28, 1.35
ORIGINAL_SIZE, ORIGINAL_LINES = 27, 2
SMALL = 29
INK, ACCENT, PAPER = (0x1C, 0x20, 0x24), (0x0A, 0x58, 0x68), (0xFC, 0xFC, 0xFA)
BLACK, SOFT, FAINT = 0.0, 0.36, 0.82
"""Shades from ink (0) to paper (1)."""
LEVELS = 16
"""Colours from ink to paper: enough for smooth edges."""

# A line can break at a space, after a hyphen, and next to a Chinese character, except before marks
# that cannot begin a line and after those that cannot end one
# (https://www.w3.org/TR/clreq/#line_composition_rules).
_PIECES = regex.compile(
    r"[（《「『“‘【]*(?:\p{Han}|\p{Bopomofo}|[\u3040-\u30ff])[，。、；：？！）》」』”’】…—·%％]*"
    r"|[^ \p{Han}\p{Bopomofo}\u3040-\u30ff（《「『【-]+-?[，。、；：？！）》」』”’】…]*"
    r"|-|[（《「『【]+| +"
)

# A dash stays with the word before it, a short Russian word with the word after it.
_TIED = regex.compile(r" (?=— )|(?<=\b\p{Cyrillic}{1,2}) ")

logger = logging.getLogger(__name__)


class Face:
    """A font with a fallback for letters that it lacks."""

    def __init__(self, font: "pymupdf.Font", fallback: "pymupdf.Font") -> None:
        self._fonts = (font, fallback)
        self._letters: dict[str, tuple[pymupdf.Font | None, float]] = {}

    def has(self, letter: str) -> bool:
        """Whether either font has this letter."""
        return self._letter(letter)[0] is not None

    def width(self, text: str, size: float) -> float:
        """The width of a line in pixels; letters that neither font has count nothing."""
        return size * sum(self._letter(letter)[1] for letter in text)

    def runs(self, text: str) -> list[tuple[str, "pymupdf.Font"]]:
        """The text split into runs of one font, without letters that neither font has."""
        runs = groupby(text, lambda letter: self._letter(letter)[0])
        return [("".join(letters), font) for font, letters in runs if font]

    def _letter(self, letter: str) -> tuple["pymupdf.Font | None", float]:
        if letter not in self._letters:
            self._letters[letter] = self._found(letter)
        return self._letters[letter]

    def _found(self, letter: str) -> tuple["pymupdf.Font | None", float]:
        for font in self._fonts:
            if font.has_glyph(ord(letter)):
                return font, font.glyph_advance(ord(letter))
        return None, 0.0


@dataclass(frozen=True)
class Fonts:
    """The fonts of a card: for slogan and site name, and for the rest."""

    slogan: Face
    plain: Face


@loaded_once
def load_fonts() -> Fonts | None:
    """The fonts of the cards. If a package is missing: None, and one warning."""
    import pymupdf

    try:
        bold = pymupdf.Font("figbo")
        plain = pymupdf.Font("figo")
        chinese = pymupdf.Font("cjk")
    except Exception as error:  # PyMuPDF raises whatever the missing font file leads to
        logger.warning(
            "link cards are not drawn, a font is missing (%s): install pymupdf-fonts", error
        )
        return None
    return Fonts(Face(bold, chinese), Face(plain, chinese))


@dataclass(frozen=True)
class LinkCard:
    """The words on a card. `original` is the paper's title, if the slogan is a different text."""

    slogan: str
    original: str | None
    site: str
    date: str

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the image shows."""
        return digest([VERSION, *astuple(self)])

    def can_be_drawn(self, fonts: Fonts) -> bool:
        """Whether the fonts have all letters, so that the slogan is not a row of boxes."""
        letters = [letter for letter in self.slogan + self.site + self.date if letter.isalpha()]
        return bool(letters) and all(map(fonts.slogan.has, letters))

    def png(self) -> bytes:
        """The image, some 20 kB, drawn in some 20 ms. Raises RuntimeError without fonts."""
        import pymupdf

        fonts = load_fonts()
        if fonts is None:
            raise RuntimeError("cannot draw a link card without fonts")
        with pymupdf.open() as document:
            page = document.new_page(width=WIDTH, height=HEIGHT)
            page.draw_rect(
                pymupdf.Rect(MARGIN, RULE, WIDTH - MARGIN, RULE + 1.5),
                color=None,
                fill=(FAINT,) * 3,
            )
            _write(page, self.site, fonts.slogan, SMALL, (MARGIN, 112), BLACK)
            date = one_line(self.date)
            right = WIDTH - MARGIN - fonts.plain.width(date, SMALL)
            _write(page, date, fonts.plain, SMALL, (right, 112), BLACK)
            lines, size = self._slogan(fonts.slogan)
            for number, line in enumerate(lines):
                base = SLOGAN_TOP + size * (0.95 + SLOGAN_LEADING * number)
                _write(page, line, fonts.slogan, size, (MARGIN, base), BLACK)
            lines = wrapped(self.original or "", fonts.plain, ORIGINAL_SIZE, ORIGINAL_LINES)
            for number, line in enumerate(reversed(lines)):
                base = BASELINE - ORIGINAL_SIZE * ORIGINAL_LEADING * number
                _write(page, line, fonts.plain, ORIGINAL_SIZE, (MARGIN, base), SOFT)
            grey = page.get_pixmap(colorspace=pymupdf.csGRAY, alpha=False)
            return _duotone(np.frombuffer(grey.samples, np.uint8).reshape(HEIGHT, WIDTH))

    def _slogan(self, face: Face) -> tuple[list[str], int]:
        """The slogan's lines at the largest size that fits it; at the smallest size it is cut."""
        space = (SLOGAN_BOTTOM if self.original else BASELINE) - SLOGAN_TOP
        for size in SLOGAN_SIZES:
            most = int(space // (size * SLOGAN_LEADING))
            if len(wrapped(self.slogan, face, size, most + 1)) <= most:
                break
        lines = wrapped(self.slogan, face, size, most)
        # As narrow as this number of lines allows: a last line of one word looks lost.
        for width in range(WIDEST, WIDEST // 2, -WIDEST // 20):
            narrower = wrapped(self.slogan, face, size, len(lines) + 1, width)
            if len(narrower) <= len(lines):
                lines = narrower
        return lines, size


def wrapped(text: str, face: Face, size: float, most: int, width: float = WIDEST) -> list[str]:
    """The text in at most `most` lines of at most `width`, cut with an ellipsis."""
    known = "".join(filter(face.has, one_line(text)))
    drawn = _TIED.sub("\N{NO-BREAK SPACE}", one_line(known))
    lines = [""]
    for piece in _pieces(drawn, face, size, width):
        if face.width((lines[-1] + piece).rstrip(), size) <= width:
            lines[-1] += piece
        elif len(lines) > most:
            break
        else:
            lines.append(piece.lstrip())
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) > most:
        last = lines[most - 1]
        while face.width(last + "…", size) > width:
            last = last[:-1]
        lines = [*lines[: most - 1], last.rstrip(" ,.;:，。；：") + "…"]
    return lines


def _pieces(text: str, face: Face, size: float, width: float) -> Iterator[str]:
    """The parts between which a line can break. Only a word wider than a line is cut."""
    for piece in _PIECES.findall(text):
        while face.width(piece, size) > width:
            end = len(piece) - 1
            while end > 1 and face.width(piece[:end], size) > width:
                end -= 1
            yield piece[:end]
            piece = piece[end:]
        yield piece


def _write(
    page: "pymupdf.Page", text: str, face: Face, size: float, at: tuple[float, float], shade: float
) -> None:
    """Draw a line of text whose baseline begins at a point."""
    import pymupdf

    writer = pymupdf.TextWriter(page.rect)
    for run, font in face.runs(text):
        _, at = writer.append(at, run, font=font, fontsize=size)
    writer.write_text(page, color=(shade,) * 3)


def _duotone(grey: Any) -> bytes:
    """A grey image as a PNG of few colours: accent above the rule, ink below.

    PyMuPDF writes 24 bits a pixel, which is three times as large.
    """
    levels = grey // (256 // LEVELS)
    levels[:RULE] += LEVELS
    image = Image.fromarray(levels).convert("P")
    image.putpalette([*_shades(INK), *_shades(ACCENT)])
    file = io.BytesIO()
    image.save(file, "png", compress_level=6)
    return file.getvalue()


def _shades(ink: tuple[int, int, int]) -> Iterator[int]:
    """Red, green and blue of each level from ink to paper."""
    for level in range(LEVELS):
        for dark, light in zip(ink, PAPER, strict=True):
            yield round(dark + (light - dark) * level / (LEVELS - 1))
