"""Words that are cut at the end of a line."""

import re
from collections.abc import Sequence

from papers_pipeline.documents.pdf.lines import Line


def join_lines(text: str, following: str) -> str:
    """Two lines as one; a word that was cut at the end of the first is whole again, 'Ada-' 'Bo' is 'Ada-Bo'."""
    if text.endswith("-") and following[:1].isalpha():
        return (text[:-1] if following[:1].islower() else text) + following
    return f"{text} {following}"


class Hyphenation:
    """Joins lines to text. A word that is cut at the end of a line is written as the paper writes it elsewhere."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._known: set[str] = set()
        for line in lines:
            self._known.update(re.findall(r"\w[\w-]*\w", line.text.lower()))

    def text(self, lines: Sequence[Line], skip: int = 0) -> str:
        """The text of the lines, one block a line, without the first ``skip`` characters."""
        pieces: list[str] = []
        block = None
        for line in lines:
            text, skip = line.text[skip:], 0
            if pieces and self._cut(pieces[-1], text):
                pieces[-1] = self._mended(pieces[-1], text)
            else:
                if pieces:
                    pieces.append("\n" if (line.page, line.block) != block else " ")
                pieces.append(text)
            block = line.page, line.block
        return "".join(pieces)

    def _cut(self, before: str, after: str) -> bool:
        return before.endswith("-") and before[-2:-1].isalnum() and after[:1].isalnum()

    def _mended(self, before: str, after: str) -> str:
        """'exam-' 'ple' is 'example'; 'state-of-the-' 'art', 'GPT-' '4' and 'Llama3-' 'based' keep their hyphens."""
        head = before[:-1].rsplit(None, 1)[-1].lstrip("([{\"'“‘").lower()
        tail = re.split(r"\W", after.lower(), maxsplit=1)[0]
        if f"{head}{tail}" in self._known and not tail[:1].isdigit():
            return before[:-1] + after
        compound = (
            "-" in head
            or head[-1:].isdigit()
            or not after[:1].islower()
            or f"{head}-{tail}" in self._known
        )
        return before + after if compound else before[:-1] + after
