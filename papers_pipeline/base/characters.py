"""Small helpers for text: one line, excerpts, graphemes."""

import re

import regex

_PLANES = range(0, 0x110000, 0x10000)
NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(each + 0xFFFE)}{chr(each + 0xFFFF)}" for each in _PLANES
)
"""For a class of a regular expression: code points that no text has."""
_STEERING = re.compile(
    f"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069{NONCHARACTERS}]"
)
"""Control characters, the marks by which Unicode turns a text around, noncharacters."""


def one_line(text: str) -> str:
    """The text on one line, with single spaces between its words."""
    return " ".join(text.split())


def excerpt(text: str, most: int = 60, *, whole_words: bool = False) -> str:
    """The printable text on one line, cut to at most `most` characters, "…" included.

    With `whole_words` the cut falls between two words, and no comma or colon precedes the "…".
    """
    line = fold(text)
    if len(line) <= most:
        return line
    start = line[: most - 1]
    if whole_words:
        start = start.rpartition(" ")[0].rstrip(" ,;:")
    return start + "…"


def graphemes(text: str) -> list[str]:
    """The text split into user-perceived characters."""
    return [str(grapheme) for grapheme in regex.findall(r"\X", text)]


def bare(text: str) -> str:
    """The letters and digits of a text, without case: equal for two spellings of one name."""
    return "".join(filter(str.isalnum, text.casefold()))


def encodable(text: str) -> str:
    """The text without lone surrogates, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "ignore").decode()


def printable(text: str) -> str:
    """The text without lone surrogates, noncharacters, and what steers a terminal or turns text."""
    return _STEERING.sub("", encodable(text))


def fold(text: str) -> str:
    """The printable text on one line."""
    return one_line(printable(text))
