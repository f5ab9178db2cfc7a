"""Joins lines to text, and mends words that are hyphenated at the end of a line."""

import re
from collections.abc import Sequence

from papers_pipeline.documents.pdf.lines import Line


def join_lines(text: str, following: str) -> str:
    """The lines in one. 'exam-' 'ple' becomes 'example', while 'Ada-' 'Bo' becomes 'Ada-Bo'."""
    if not text.endswith("-") or not following[:1].isalpha():
        return f"{text} {following}"
    if following[0].islower():
        return text[:-1] + following
    return text + following


class Hyphenation:
    """Joins the lines of one paper.

    A word hyphenated at the end of a line is spelled as it appears elsewhere in the paper.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._known_words: set[str] = set()
        for line in lines:
            self._known_words.update(re.findall(r"\w[\w-]*\w", line.text.lower()))

    def text(self, lines: Sequence[Line], skip: int = 0) -> str:
        """The lines' text, one block per line, without the first `skip` characters."""
        pieces: list[str] = []
        previous_block = None
        for line in lines:
            text = line.text[skip:]
            skip = 0
            block = (line.page, line.block)
            if not pieces:
                pieces.append(text)
            elif _is_hyphenated(pieces[-1], text):
                pieces[-1] = self._mended(pieces[-1], text)
            else:
                pieces.append(" " if block == previous_block else "\n")
                pieces.append(text)
            previous_block = block
        return "".join(pieces)

    def _mended(self, before: str, after: str) -> str:
        """'exam-' 'ple' becomes 'example'.

        Compounds keep the hyphen: 'state-of-the-' 'art', 'GPT-' '4', 'Llama3-' 'based'.
        """
        head = before[:-1].rsplit(None, 1)[-1].lstrip("([{\"'“‘").lower()
        tail = re.split(r"\W", after.lower(), maxsplit=1)[0]
        if f"{head}{tail}" in self._known_words and not tail[:1].isdigit():
            return before[:-1] + after
        is_compound = (
            "-" in head
            or head[-1:].isdigit()
            or not after[:1].islower()
            or f"{head}-{tail}" in self._known_words
        )
        return before + after if is_compound else before[:-1] + after


def _is_hyphenated(before: str, after: str) -> bool:
    return before.endswith("-") and before[-2:-1].isalnum() and after[:1].isalnum()
