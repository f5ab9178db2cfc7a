"""The picture that a link to a paper's page unfolds into elsewhere: an Open Graph card of a language, drawn by PyMuPDF.

Its fonts come with packages: FiraGO (Latin, Cyrillic, Greek) with `pymupdf-fonts`, Droid Sans Fallback (Chinese) with
PyMuPDF itself. Nothing is taken from the machine, so that the same words give the same bytes anywhere.
"""

import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import regex

from papers_pipeline.site.catalogue import digest

if TYPE_CHECKING:
    import pymupdf

WIDTH, HEIGHT = 1200, 630
"""The size that the sites which show cards ask for: https://ogp.me."""
VERSION = "1"
MARGIN, RULE, BASELINE = 80, 158, 566
WIDEST = WIDTH - 2 * MARGIN
SLOGAN_SIZES = range(68, 32, -4)
SLOGAN_TOP, SLOGAN_BOTTOM = 192, 455
SLOGAN_LEADING, ORIGINAL_LEADING = 1.28, 1.35
ORIGINAL_SIZE, ORIGINAL_LINES = 27, 2
SMALL = 29
INK, ACCENT, PAPER = (0x1C, 0x20, 0x24), (0x0A, 0x58, 0x68), (0xFC, 0xFC, 0xFA)
BLACK, SOFT, FAINT = 0.0, 0.36, 0.82
"""Shades between ink and paper."""
LEVELS = 16

# A line may break at a blank, after a hyphen and beside any Chinese character, but for marks that may not begin a line
# and those that may not end one (https://www.w3.org/TR/clreq/#line_composition_rules).
_PIECES = regex.compile(
    r"[（《「『“‘【]*(?:\p{Han}|\p{Bopomofo}|[\u3040-\u30ff])[，。、；：？！）》」』”’】…—·%％]*"
    r"|[^ \p{Han}\p{Bopomofo}\u3040-\u30ff（《「『【-]+-?[，。、；：？！）》」』”’】…]*|-|[（《「『【]+| +"
)

# A dash stays with the word before it, and a short Russian word with the one after it.
_TIED = regex.compile(r" (?=— )|(?<=\b\p{Cyrillic}{1,2}) ")

logger = logging.getLogger(__name__)


class Face:
    """A font, and another for the letters that it lacks."""

    def __init__(self, font: "pymupdf.Font", other: "pymupdf.Font") -> None:
        self._fonts = (font, other)
        self._letters: dict[str, tuple[pymupdf.Font | None, float]] = {}

    def has(self, letter: str) -> bool:
        """Whether either has this letter."""
        return self._letter(letter)[0] is not None

    def width(self, text: str, size: float) -> float:
        """How wide a line is, in pixels; letters that neither font has are left out."""
        return size * sum(self._letter(letter)[1] for letter in text)

    def runs(self, text: str) -> list[tuple[str, "pymupdf.Font"]]:
        """The text in runs of one font."""
        runs = groupby(text, lambda letter: self._letter(letter)[0])
        return [("".join(letters), font) for font, letters in runs if font]

    def _letter(self, letter: str) -> tuple["pymupdf.Font | None", float]:
        if letter not in self._letters:
            font = next((it for it in self._fonts if it.has_glyph(ord(letter))), None)
            self._letters[letter] = (font, font.glyph_advance(ord(letter)) if font else 0.0)
        return self._letters[letter]


@dataclass(frozen=True)
class Fonts:
    """The faces of a card."""

    slogan: Face
    plain: Face


@lru_cache(maxsize=1)
def load_fonts() -> Fonts | None:
    """The fonts of the cards; None, and one warning, where a package that brings them is absent."""
    import pymupdf

    try:
        bold, plain, chinese = (pymupdf.Font(name) for name in ("figbo", "figo", "cjk"))
    except Exception as error:  # PyMuPDF raises what the missing font file happens to lead to
        logger.warning(
            "no cards for links are drawn: a font is missing (%s): install pymupdf-fonts, which the project names",
            error,
        )
        return None
    return Fonts(Face(bold, chinese), Face(plain, chinese))


@dataclass(frozen=True)
class LinkCard:
    """What stands on a card: ``original`` is the paper's title where the slogan is in other words."""

    slogan: str
    original: str | None
    site: str
    date: str

    @property
    def fingerprint(self) -> str:
        """A hash of all that the picture shows."""
        return digest([VERSION, *astuple(self)])

    def can_be_drawn(self, fonts: Fonts) -> bool:
        """Whether the fonts have the letters of the card's language: a slogan of boxes is none."""
        letters = [letter for letter in self.slogan + self.site + self.date if letter.isalpha()]
        return bool(letters) and all(map(fonts.slogan.has, letters))

    def png(self) -> bytes:
        """The picture: 1200 by 630, some 20 kB, in as many milliseconds. Raises RuntimeError without fonts."""
        import pymupdf

        fonts = load_fonts()
        if fonts is None:
            raise RuntimeError("a card was asked for without fonts")
        with pymupdf.open() as document:
            page = document.new_page(width=WIDTH, height=HEIGHT)
            page.draw_rect(
                pymupdf.Rect(MARGIN, RULE, WIDTH - MARGIN, RULE + 1.5),
                color=None,
                fill=(FAINT,) * 3,
            )
            _write(page, self.site, fonts.slogan, SMALL, (MARGIN, 112), BLACK)
            date = _plain(self.date)
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
        """The slogan's lines at the largest size that shows it whole, or at the smallest cut short."""
        space = (SLOGAN_BOTTOM if self.original else BASELINE) - SLOGAN_TOP
        for size in SLOGAN_SIZES:
            most = int(space // (size * SLOGAN_LEADING))
            if len(wrapped(self.slogan, face, size, most + 1)) <= most:
                break
        lines = wrapped(self.slogan, face, size, most)
        # As narrow as so many lines can be: a last line of one word looks lost.
        for width in range(WIDEST, WIDEST // 2, -WIDEST // 20):
            narrower = wrapped(self.slogan, face, size, len(lines) + 1, width)
            if len(narrower) <= len(lines):
                lines = narrower
        return lines, size


def wrapped(text: str, face: Face, size: float, most: int, width: float = WIDEST) -> list[str]:
    """The text in at most so many lines, none wider than ``width``; what is left over ends in an ellipsis."""
    drawn = _TIED.sub("\N{NO-BREAK SPACE}", _plain("".join(filter(face.has, _plain(text)))))
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


def _plain(text: str) -> str:
    """The text with plain single blanks: fonts lack some of the others."""
    return " ".join(text.split())


def _pieces(text: str, face: Face, size: float, width: float) -> Iterator[str]:
    """What may not be broken, in order; but for a word that is wider than a line."""
    for piece in _PIECES.findall(text):
        while face.width(piece, size) > width:
            fits = next(
                n for n in range(len(piece) - 1, 0, -1) if face.width(piece[:n], size) <= width
            )
            yield piece[:fits]
            piece = piece[fits:]
        yield piece


def _write(
    page: "pymupdf.Page", text: str, face: Face, size: float, at: tuple[float, float], shade: float
) -> None:
    """Write a line that begins ``at`` a point of its base."""
    import pymupdf

    writer = pymupdf.TextWriter(page.rect)
    for run, font in face.runs(text):
        _, at = writer.append(at, run, font=font, fontsize=size)
    writer.write_text(page, color=(shade,) * 3)


def _duotone(grey: Any) -> bytes:
    """A picture of greys as a PNG in a few colours: what stands above the rule in the accent, all else in ink. PyMuPDF
    writes every pixel in 24 bits, which is three times as large."""
    levels = grey // (256 // LEVELS)
    levels[:RULE] += LEVELS
    palette = bytes(
        channel
        for ink in (INK, ACCENT)
        for level in range(LEVELS)
        for channel in _between(ink, level)
    )
    rows = np.hstack(
        [np.zeros((HEIGHT, 1), np.uint8), levels]
    ).tobytes()  # each row says that it is not filtered
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", head),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(rows, 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _between(ink: tuple[int, int, int], level: int) -> tuple[int, ...]:
    return tuple(
        round(dark + (light - dark) * level / (LEVELS - 1))
        for dark, light in zip(ink, PAPER, strict=True)
    )
