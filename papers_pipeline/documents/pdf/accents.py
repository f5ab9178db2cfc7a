"""Accents that a PDF prints as signs of their own."""

import re
import unicodedata

LAST_LATIN = 0x24F
"""The last letter that a name is likely to have; behind it there is a letter for nearly every accent."""

_COMBINING = {
    "¨": "\u0308", "´": "\u0301", "`": "\u0300", "ˆ": "\u0302", "^": "\u0302", "˜": "\u0303", "ˇ": "\u030c",
    "˘": "\u0306", "˚": "\u030a", "¸": "\u0327", "¯": "\u0304", "˙": "\u0307", "˝": "\u030b", "˛": "\u0328",
}  # fmt: skip
_ACCENTS = re.compile("[¨´ˆ˜ˇ˘˚¸¯˙˝˛]|(?<=[A-Za-z])`(?=[a-z])")
_DETACHED = re.compile(
    r"(?P<before>[^\W\d_])?(?P<gap> ?)(?P<accent>[¨´`ˆ˜ˇ˘˚¸¯˙˝˛]) ?(?P<letter>[^\W\d_])"
)
_TRAILING_CEDILLA = re.compile(r"([cCsStT])¸")


def compose_accents(text: str) -> str:
    """The text with accents that were printed as signs of their own put on their letters: Universit¨at."""
    if not _ACCENTS.search(text):
        return text
    text = _TRAILING_CEDILLA.sub(
        lambda found: unicodedata.normalize("NFC", found[1] + "\u0327"), text
    )
    return _DETACHED.sub(_on_letter, text)


def _on_letter(found: re.Match[str]) -> str:
    letter = {"ı": "i", "ȷ": "j"}.get(found["letter"], found["letter"])
    whole = unicodedata.normalize("NFC", letter + _COMBINING[found["accent"]])
    if len(whole) > 1 or ord(whole) > LAST_LATIN:
        return found[0]
    before = found["before"] or ""
    # 'Universit ¨at' is one word, 'the ´Ecole' two, and so is 'the ˆy' of a formula.
    one_word = before and letter.islower() and found["accent"] not in "ˆ˜¯˙"
    return before + ("" if one_word else found["gap"]) + whole
