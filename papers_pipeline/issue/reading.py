"""The reading task in the public record of a day."""

from collections.abc import Mapping, Sequence

from papers_pipeline.enrichment.stages.reading_task import sentence_texts
from papers_pipeline.enrichment.stages.reading_translation import DICTIONARY_LANGUAGE
from papers_pipeline.records import (
    IssueMeaning,
    IssueReadingTask,
    IssueTranslation,
    IssueVocabularyWord,
    ReadingTask,
    ReadingTranslation,
    VocabularyWord,
)

SHARED_FIELDS = {"state", "reason", "provider", "model", "prompt_version", "created_at"}

Translations = Mapping[str, ReadingTranslation | None]
"""The row of each language; None if it has none for this text."""


def issue_reading_task(
    tasks: Sequence[ReadingTask],
    translations: Mapping[str, Sequence[ReadingTranslation]],
    titles: Mapping[str, str],
) -> IssueReadingTask | None:
    """The day's reading task; None on a day without one.

    `translations` are the stored rows by language. `titles` are those of the papers that the day
    shows. A translation of an earlier text does not count.
    """
    task = _shown_task(tasks, titles)
    if task is None:
        return None
    fitting: dict[str, ReadingTranslation | None] = {}
    public: dict[str, IssueTranslation] = {}
    for language, rows in translations.items():
        row = _fitting(task, rows)
        fitting[language] = row
        public[language] = _translation(row)
    return IssueReadingTask(
        arxiv_id=task.arxiv_id,
        title=titles[task.arxiv_id],
        level=task.level,
        sentences=task.sentences,
        vocabulary=[_word(word, fitting) for word in task.vocabulary],
        translations=public if task.sentences else {},
        **task.model_dump(include=SHARED_FIELDS | {"unverified"}),
    )


def _shown_task(tasks: Sequence[ReadingTask], titles: Mapping[str, str]) -> ReadingTask | None:
    """The first task about a paper that the day shows."""
    for task in tasks:
        if task.arxiv_id in titles:
            return task
    return None


def _fitting(task: ReadingTask, rows: Sequence[ReadingTranslation]) -> ReadingTranslation | None:
    for row in rows:
        if row.arxiv_id == task.arxiv_id and row.of == sentence_texts(task):
            return row
    return None


def _word(word: VocabularyWord, translations: Translations) -> IssueVocabularyWord:
    return IssueVocabularyWord(
        word=word.word,
        pinyin=word.pinyin,
        level=word.level,
        meanings=_meanings(word, translations),
    )


def _meanings(word: VocabularyWord, translations: Translations) -> dict[str, IssueMeaning]:
    """The word's meaning by language. In English, dictionary and glossary come before a model."""
    meanings = {}
    if word.meaning and word.source:
        meanings[DICTIONARY_LANGUAGE] = IssueMeaning(text=word.meaning, source=word.source)
    for language, row in translations.items():
        text = row.meanings.get(word.word) if row else None
        if text:
            meanings.setdefault(language, IssueMeaning(text=text, source="model"))
    return meanings


def _translation(row: ReadingTranslation | None) -> IssueTranslation:
    if row is None:
        return IssueTranslation(state="pending", reason="not_built")
    return IssueTranslation.model_validate(row.model_dump(include=SHARED_FIELDS | {"sentences"}))
