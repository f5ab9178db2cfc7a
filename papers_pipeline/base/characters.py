"""Small things about text that several guardrails need."""

import re

import regex


def excerpt(piece: str, most: int = 60) -> str:
    """The piece on one line, cut at ``most`` characters."""
    folded = " ".join(piece.split())
    return folded if len(folded) <= most else folded[: most - 1] + "…"


def graphemes(text: str) -> list[str]:
    """The text in characters as a reader counts them."""
    return [str(grapheme) for grapheme in regex.findall(r"\X", text)]


def bare(text: str) -> str:
    """Letters and digits alone, without case: what two spellings of a name share."""
    return "".join(character for character in text.casefold() if character.isalnum())


def fold(text: str) -> str:
    """The text on one line: runs of white space become one space, control characters and half surrogates go."""
    whole = text.encode("utf-8", "ignore").decode()
    return " ".join(re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", "", whole).split())
