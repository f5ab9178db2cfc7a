"""Small things about text that several guardrails need."""

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
