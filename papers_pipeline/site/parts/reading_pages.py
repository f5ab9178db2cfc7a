"""A day's reading task: its page in every language, and its vocabulary for Anki."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from papers_pipeline.enrichment.reading import pinyin_of
from papers_pipeline.enrichment.stages.reading_translation import DICTIONARY_LANGUAGE
from papers_pipeline.prompts.prompt import is_chinese
from papers_pipeline.records import (
    DailyIssue,
    IssueReadingTask,
    IssueTranslation,
    IssueVocabularyWord,
)
from papers_pipeline.site.catalogue import digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer, reason_code
from papers_pipeline.text.chinese import HSK_BAND

_FORMULA_STARTS = "=+-@"
"""A spreadsheet takes a cell that begins so for a formula."""
ANKI_COLUMNS = ("Word", "Pinyin", "Meaning", "HSK", "Sentence", "Sentence pinyin", "Translation")


@dataclass(frozen=True)
class Meaning:
    """A word's meaning on a page, and the language of that meaning.

    `is_marked` if a model wrote it in a language where the others come from the dictionary.
    """

    text: str
    language: str
    is_marked: bool


def reading_files(renderer: Renderer, issue: DailyIssue) -> Iterator[Page]:
    """The pages of a day's task and its Anki notes, in every language; none without a task.

    They are `<lang>/reading/YYYY-MM-DD.html` and `.tsv`.
    """
    task = issue.reading_task
    if task is None:
        return
    fingerprint = digest(issue.model_dump(mode="json"))
    for language in renderer.languages:
        path = f"{language}/reading/{issue.date}"
        make_page = partial(reading_page, renderer, issue, task, language)
        yield Page(f"{path}.html", fingerprint, make_page)
        if task.sentences:
            yield Page(f"{path}.tsv", fingerprint, partial(anki_notes, task, language))


def reading_page(
    renderer: Renderer, issue: DailyIssue, task: IssueReadingTask, language: str
) -> str:
    """The page of a day's task.

    The Chinese page has no translation, and its meanings are the dictionary's in English.
    """
    vocabulary = []
    meanings_by_model = False
    for word in task.vocabulary:
        meaning = meaning_of(word, language)
        vocabulary.append((word, meaning))
        if meaning and word.meanings[meaning.language].source == "model":
            meanings_by_model = True
    return renderer.page(
        "reading.html.j2",
        language,
        f"reading/{issue.date}.html",
        issue=issue,
        task=task,
        translation=translation_of(task, language),
        vocabulary=vocabulary,
        meanings_by_model=meanings_by_model,
        hsk_label=hsk_label,
        reason_code=reason_code,
    )


def translation_of(task: IssueReadingTask, language: str) -> IssueTranslation | None:
    """The translation that a page shows; pending if it was never built, None if not needed."""
    if is_chinese(language) or not task.sentences:
        return None
    return task.translations.get(language) or IssueTranslation(state="pending", reason="not_built")


def meaning_of(word: IssueVocabularyWord, language: str) -> Meaning | None:
    """A word's meaning in the page's language, else in English, else None."""
    for code in (language, DICTIONARY_LANGUAGE):
        if code in word.meanings:
            meaning = word.meanings[code]
            is_marked = meaning.source == "model" and code == DICTIONARY_LANGUAGE
            return Meaning(meaning.text, code, is_marked)
    return None


def hsk_label(level: int) -> str:
    """An HSK level as text: the last one stands for three."""
    return "7–9" if level == HSK_BAND else str(level)


def anki_notes(task: IssueReadingTask, language: str) -> str:
    """The vocabulary as a text file for Anki: a note per word, with the first sentence that has it.

    Format: https://docs.ankiweb.net/importing/text-files.html.
    """
    translation = translation_of(task, language)
    output = io.StringIO()
    output.write("#separator:tab\n#html:false\n#columns:" + "\t".join(ANKI_COLUMNS) + "\n")
    notes = csv.writer(output, dialect="excel-tab", lineterminator="\n")
    for word in task.vocabulary:
        meaning = meaning_of(word, language)
        place = _first_sentence_with(word.word, task)
        sentence = task.sentences[place]
        translated = translation.sentences[place] if translation and translation.sentences else ""
        note = (
            word.word,
            word.pinyin,
            meaning.text if meaning else "",
            hsk_label(word.level) if word.level else "",
            sentence.text,
            pinyin_of(sentence),
            translated,
        )
        notes.writerow(cell.lstrip(_FORMULA_STARTS) for cell in note)
    return output.getvalue()


def _first_sentence_with(word: str, task: IssueReadingTask) -> int:
    """The index of the first sentence that has this word."""
    for place, sentence in enumerate(task.sentences):
        if any(part.text == word for part in sentence.words):
            return place
    raise ValueError(f"no sentence of the reading task has {word}")
