"""Accents that a PDF prints as separate characters: 'Universit¨at' for 'Universität'."""

import re
import unicodedata

LAST_LATIN = 0x24F
"""The last code point a name is likely to contain. Beyond it, almost any accent fits any letter."""

_COMBINING = {
    "¨": "\u0308", "´": "\u0301", "`": "\u0300", "ˆ": "\u0302", "^": "\u0302", "˜": "\u0303",
    "ˇ": "\u030c", "˘": "\u0306", "˚": "\u030a", "¸": "\u0327", "¯": "\u0304", "˙": "\u0307",
    "˝": "\u030b", "˛": "\u0328",
}  # fmt: skip
_ACCENTS = re.compile("[¨´ˆ˜ˇ˘˚¸¯˙˝˛]|(?<=[A-Za-z])`(?=[a-z])")
_DETACHED = re.compile(
    r"(?P<before>[^\W\d_])?(?P<gap> ?)(?P<accent>[¨´`ˆ˜ˇ˘˚¸¯˙˝˛]) ?(?P<letter>[^\W\d_])"
)
_TRAILING_CEDILLA = re.compile(r"([cCsStT])¸")


def compose_accents(text: str) -> str:
    """The text with separate accents put back on their letters."""
    if not _ACCENTS.search(text):
        return text
    text = _TRAILING_CEDILLA.sub(_with_cedilla, text)
    return _DETACHED.sub(_with_accent, text)


def _with_cedilla(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[1] + _COMBINING["¸"])


def _with_accent(match: re.Match[str]) -> str:
    letter = {"ı": "i", "ȷ": "j"}.get(match["letter"], match["letter"])
    composed = unicodedata.normalize("NFC", letter + _COMBINING[match["accent"]])
    if len(composed) > 1 or ord(composed) > LAST_LATIN:
        return match[0]
    before = match["before"] or ""
    # 'Universit ¨at' is one word. 'the ´Ecole' is two, and so is 'the ˆy' in a formula.
    is_one_word = before and letter.islower() and match["accent"] not in "ˆ˜¯˙"
    gap = "" if is_one_word else match["gap"]
    return before + gap + composed
