"""The vocabulary as a file for Anki."""

import csv

from papers_pipeline.records import (
    IssueMeaning,
    IssueReadingTask,
    IssueTranslation,
    IssueVocabularyWord,
    ReadingSentence,
    ReadingWord,
)
from papers_pipeline.site.parts.reading_pages import ANKI_COLUMNS, anki_notes


def test_no_cell_is_a_formula_for_a_spreadsheet():
    sentence = ReadingSentence(text="水壶响了。", words=[ReadingWord(text="水壶", pinyin="shuǐhú")])
    meaning = IssueMeaning(text="=cmd|'/c calc'!A1", source="model")
    translation = IssueTranslation(state="done", sentences=["@SUM(1+1)*cmd"])
    task = IssueReadingTask(
        id="2603.10001",
        title="A kettle",
        state="done",
        sentences=[sentence],
        vocabulary=[IssueVocabularyWord(word="水壶", pinyin="shuǐhú", meanings={"ru": meaning})],
        translations={"ru": translation},
    )
    lines = anki_notes(task, "ru").splitlines()
    assert lines[2] == "#columns:" + "\t".join(ANKI_COLUMNS)
    (note,) = csv.reader(lines[3:], dialect="excel-tab")
    assert note == [
        "水壶",
        "shuǐhú",
        "cmd|'/c calc'!A1",
        "",
        "水壶响了。",
        "Shuǐhú",
        "SUM(1+1)*cmd",
    ]
