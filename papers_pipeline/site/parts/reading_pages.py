"""The reading tasks made into pages: a day's page and its words for Anki in every language, and the index by level."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from papers_pipeline.enrichment.reading import pinyin_of
from papers_pipeline.enrichment.stages.reading_translation import DICTIONARY_LANGUAGE
from papers_pipeline.prompts.prompt import is_chinese
from papers_pipeline.records import (
    DailyIssue,
    FailureReason,
    IssueReadingTask,
    IssueTranslation,
    IssueVocabularyWord,
    PendingReason,
)
from papers_pipeline.site.catalogue import ReadingCard
from papers_pipeline.site.render import Renderer
from papers_pipeline.text.chinese import HSK_BAND

ANKI_COLUMNS = ("Word", "Pinyin", "Meaning", "HSK", "Sentence", "Sentence pinyin", "Translation")


@dataclass(frozen=True)
class Meaning:
    """What a word means on a page, and in which language that is said; ``is_marked`` when a model says it among
    meanings from the dictionary."""

    text: str
    language: str
    is_marked: bool


def reading_files(renderer: Renderer, issue: DailyIssue) -> Iterator[tuple[str, bytes]]:
    """The pages of a day's task in every language, `<lang>/reading/YYYY-MM-DD.html`, with its words for Anki beside;
    none for a day without a task."""
    task = issue.reading_task
    for language in renderer.languages if task else ():
        assert task
        yield (
            f"{language}/reading/{issue.date}.html",
            reading_page(renderer, issue, task, language).encode(),
        )
        if task.sentences:
            yield f"{language}/reading/{issue.date}.tsv", anki_notes(task, language).encode()


def reading_page(
    renderer: Renderer, issue: DailyIssue, task: IssueReadingTask, language: str
) -> str:
    """The page of a day's task. A Chinese page has no translation, and the English meanings of the dictionary."""
    vocabulary = [(word, meaning_of(word, language)) for word in task.vocabulary]
    by_model = [
        word for word, it in vocabulary if it and word.meanings[it.language].source == "model"
    ]
    return renderer.page(
        "reading.html.j2",
        language,
        f"reading/{issue.date}.html",
        issue=issue,
        task=task,
        translation=translation_of(task, language),
        vocabulary=vocabulary,
        meanings_by_model=bool(by_model),
        hsk=hsk,
        reason=reason,
    )


def reading_index(renderer: Renderer, tasks: Sequence[ReadingCard], language: str) -> str:
    """The tasks of all days by level, for `<lang>/reading/index.html`."""
    return renderer.page(
        "reading_index.html.j2",
        language,
        "reading/index.html",
        levels=tasks_by_level(tasks),
        hsk=hsk,
    )


def translation_of(task: IssueReadingTask, language: str) -> IssueTranslation | None:
    """The translation that a page shows or explains; None where none is wanted."""
    if is_chinese(language) or not task.sentences:
        return None
    return task.translations.get(language) or IssueTranslation(state="pending", reason="not_built")


def meaning_of(word: IssueVocabularyWord, language: str) -> Meaning | None:
    """A word's meaning in the page's language, else in English."""
    for code in (language, DICTIONARY_LANGUAGE):
        if code in word.meanings:
            meaning = word.meanings[code]
            return Meaning(
                meaning.text, code, meaning.source == "model" and code == DICTIONARY_LANGUAGE
            )
    return None


def reason(row: IssueReadingTask | IssueTranslation) -> str:
    """The code of why something is not there, one that the locales explain."""
    known = get_args(FailureReason) if row.state == "failed" else get_args(PendingReason)
    return (
        str(row.reason)
        if row.reason in known
        else "error"
        if row.state == "failed"
        else "not_built"
    )


def hsk(level: int) -> str:
    """A level as it is written."""
    return "7–9" if level == HSK_BAND else str(level)


def anki_notes(task: IssueReadingTask, language: str) -> str:
    """The vocabulary as a text file that Anki imports: a note a word, with the first sentence that has it
    (https://docs.ankiweb.net/importing/text-files.html)."""
    translation = translation_of(task, language)
    told = io.StringIO()
    told.write("#separator:tab\n#html:false\n#columns:" + "\t".join(ANKI_COLUMNS) + "\n")
    notes = csv.writer(told, dialect="excel-tab", lineterminator="\n")
    for word in task.vocabulary:
        meaning = meaning_of(word, language)
        place = next(
            n
            for n, it in enumerate(task.sentences)
            if word.word in [part.text for part in it.words]
        )
        translated = translation.sentences[place] if translation and translation.sentences else ""
        sentence = task.sentences[place]
        notes.writerow(
            [
                *(
                    word.word,
                    word.pinyin,
                    meaning.text if meaning else "",
                    hsk(word.level) if word.level else "",
                ),
                *(sentence.text, pinyin_of(sentence), translated),
            ]
        )
    return told.getvalue()


def tasks_by_level(tasks: Sequence[ReadingCard]) -> list[tuple[int, list[ReadingCard]]]:
    """The tasks of each level, the easiest first, and in it the newest first."""
    newest = sorted(tasks, key=lambda task: task.day, reverse=True)
    return [
        (level, [it for it in newest if it.level == level])
        for level in sorted({it.level for it in tasks})
    ]
