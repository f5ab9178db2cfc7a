"""Small helpers for text: one line, excerpts, graphemes."""

import re

import regex


def one_line(text: str) -> str:
    """The text on one line, with single spaces between its words."""
    return " ".join(text.split())


def excerpt(text: str, most: int = 60, *, whole_words: bool = False) -> str:
    """The text on one line, cut to at most `most` characters, "…" included.

    With `whole_words` the cut falls between two words, and no comma or colon precedes the "…".
    """
    line = one_line(text)
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


def fold(text: str) -> str:
    """The text on one line, without control characters and lone surrogates."""
    valid = text.encode("utf-8", "ignore").decode()
    return one_line(re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", "", valid))
