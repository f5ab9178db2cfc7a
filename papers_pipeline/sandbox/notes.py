"""The fake models' notes on full texts: written by hand for some sample papers, else made."""

from collections.abc import Sequence
from typing import Any

import yaml

from papers_pipeline.sandbox.world import SAMPLE

PARTS = ("problem", "method", "evidence", "limitations", "remember")
STATEMENTS = {
    "en": (
        "This is statement {number} of a test answer of the sandbox with the mark {code}. It "
        "stands in place of a real note and says nothing about the paper."
    ),
    "ru": (
        "Это утверждение номер {number} из тестового ответа песочницы с меткой {code}. Оно стоит "
        "вместо настоящей заметки и ничего не сообщает о статье."
    ),
    "zh": "这是沙盒测试答案的第 {number} 条，标记为 {code}，用来代替真正的笔记，并不介绍论文。",
}


def written_notes(
    arxiv_id: str | None, language: str, code: str, headings: Sequence[str]
) -> dict[str, Any]:
    """The notes on a paper, each part a list of statements.

    Made notes are marked with `code` and name the sections in turn.
    """
    path = SAMPLE / "notes" / f"{arxiv_id}.yaml"
    if arxiv_id and path.exists():
        by_hand: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        if language in by_hand:
            notes: dict[str, Any] = by_hand[language]
            return notes
    statement = STATEMENTS.get(language, STATEMENTS["en"])
    made = {}
    for place, part in enumerate(PARTS):
        text = statement.format(number=place + 1, code=code)
        section = headings[min(place, len(headings) - 1)] if headings else ""
        made[part] = [{"text": text, "section": section}]
    return made
