"""Mends what is mechanical in a model's answer, so that it need not be sent back."""

import regex

_QUOTED = regex.compile(r'"(?P<inner>[^"]*)"|“(?P<inner>[^“”]*)”|«(?P<inner>[^«»]*)»')
_FULL_STOP = regex.compile(r"(?<![.。．])[.。．｡]$")


def repaired_title(title: str) -> str:
    """The title without quotation marks around it and without a final full stop."""
    repaired = title.strip()
    quoted = _QUOTED.fullmatch(repaired)
    if quoted:
        repaired = quoted["inner"].strip()
    return str(_FULL_STOP.sub("", repaired))


def repaired_text(language: str, text: str) -> str:
    """The text with a full stop at its end, if it ends in a letter, a digit or a bracket."""
    repaired = text.strip()
    if regex.search(r"[\p{L}\p{N}%)）]$", repaired):
        repaired += "。" if language in ("zh", "ja") else "."
    return repaired
