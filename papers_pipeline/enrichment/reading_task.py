"""The Chinese reading task of a day: a model writes simple sentences about one paper, chosen once, and for every
other language of the site translates them, with the meanings of their vocabulary. Pinyin, levels and English meanings
come from libraries, so that no model can get them wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

import babel
from pydantic import BaseModel

from papers_pipeline.enrichment.enrich import Task, Unasked, answered, unanswered
from papers_pipeline.enrichment.reading import read
from papers_pipeline.enrichment.reading_guardrails import reading_verdict, translation_verdict
from papers_pipeline.enrichment.summaries import title_and_abstract, told
from papers_pipeline.listing.feed import votes
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import (
    FeedResponse,
    IssueMeaning,
    IssueReadingTask,
    IssueTranslation,
    IssueVocabularyWord,
    Paper,
    ReadingTask,
    ReadingTranslation,
    VocabularyWord,
)

DICTIONARY_LANGUAGE = "en"
"""The language of CC-CEDICT and of our glossary: only words that both lack are asked for."""


class WrittenSentences(BaseModel):
    """What a model is asked for."""

    sentences: list[str]


class WordMeaning(BaseModel):
    """A word and what it means."""

    word: str
    meaning: str


class WrittenTranslation(BaseModel):
    """What a model is asked for."""

    sentences: list[str]
    meanings: list[WordMeaning]


def reading_task(prompt: Prompt) -> Task[Paper, ReadingTask, WrittenSentences]:
    """The task of the prompt that writes the sentences.

    It reads the votes from the responses as they are stored: with a table of votes as its input, every new vote would
    call it out of date.
    """

    def judge(answer: WrittenSentences, paper: Mapping[str, str]) -> Verdict:
        return reading_verdict(
            answer.sentences,
            limits=prompt.limits,
            abstract=paper["abstract"],
            paper_title=paper["title"],
        )

    return Task(
        prompt=prompt,
        record=ReadingTask,
        output=WrittenSentences,
        inputs=("feed_listing",),
        items=most_upvoted_first,
        texts=title_and_abstract,
        judge=judge,
        written=lambda paper, answer: written(prompt, paper, answer),
        unwritten=lambda paper, outcome: ReadingTask(
            arxiv_id=paper.arxiv_id, **unanswered(prompt, told(paper), outcome)
        ),
        one_a_day=True,
        beside=("feed_response",),
        choose=chosen,
    )


def most_upvoted_first(
    feed_listing: Sequence[Paper], feed_response: Sequence[FeedResponse]
) -> list[Paper]:
    """The papers of the day by upvotes and then by id."""
    # The day is for the messages of errors, and a list with any is none that has a listing.
    rows = votes(feed_response, feed_response[-1].fetched_at.date()) if feed_response else []
    upvotes = {row.arxiv_id: row.upvotes for row in rows}
    return sorted(feed_listing, key=lambda paper: (-upvotes.get(paper.arxiv_id, 0), paper.arxiv_id))


def chosen(papers: Sequence[Paper], earlier: Sequence[ReadingTask]) -> list[Paper]:
    """The paper of the day's task, if there is any: the one that was chosen before, also when it has left the list
    since, unless it lost its abstract or was withdrawn before anything was written; else the first that is listed and
    has an abstract."""
    by_id = {paper.arxiv_id: paper for paper in papers}
    for row in earlier:
        paper = by_id.get(row.arxiv_id)
        if paper and (row.state == "done" or (paper.status != "withdrawn" and paper.abstract)):
            return [paper]
    return [paper for paper in papers if _is_eligible(paper)][:1]


def _is_eligible(paper: Paper) -> bool:
    return paper.status == "listed" and bool(paper.abstract)


def written(prompt: Prompt, paper: Paper, answer: Answer[WrittenSentences]) -> ReadingTask:
    """The row of a text that a model wrote."""
    text = read([" ".join(sentence.split()) for sentence in answer.output.sentences])
    return ReadingTask(
        arxiv_id=paper.arxiv_id,
        sentences=text.sentences,
        vocabulary=text.vocabulary,
        level=text.level,
        **answered(prompt, told(paper), answer),
    )


def translation_task(
    prompt: Prompt, terms: frozenset[str]
) -> Task[ReadingTask, ReadingTranslation, WrittenTranslation]:
    """The task of the prompt that translates, for the language that it is used for; ``terms`` are the Latin words that
    Russian prose may hold."""
    language = prompt.into or ""

    def asked(task: ReadingTask) -> dict[str, Any]:
        is_known = [
            bool(word.meaning) and language == DICTIONARY_LANGUAGE for word in task.vocabulary
        ]
        return {
            "language": language_name(language),
            "sentences": _texts(task),
            "words": [
                word.word
                for word, known in zip(task.vocabulary, is_known, strict=True)
                if not known
            ],
        }

    def texts(task: ReadingTask) -> Sequence[Mapping[str, Any]] | Unasked:
        return (asked(task),)

    def judge(answer: WrittenTranslation, given: Mapping[str, Any]) -> Verdict:
        return translation_verdict(
            answer.sentences,
            [(it.word, it.meaning) for it in answer.meanings],
            language=language,
            originals=given["sentences"],
            words=given["words"],
            limits=prompt.limits,
            terms=terms,
        )

    def translated(task: ReadingTask, answer: Answer[WrittenTranslation]) -> ReadingTranslation:
        return ReadingTranslation(
            arxiv_id=task.arxiv_id,
            of=_texts(task),
            sentences=[" ".join(sentence.split()) for sentence in answer.output.sentences],
            meanings={it.word: " ".join(it.meaning.split()) for it in answer.output.meanings},
            **answered(prompt, asked(task), answer),
        )

    return Task(
        prompt=prompt,
        record=ReadingTranslation,
        output=WrittenTranslation,
        inputs=("reading_task",),
        items=lambda reading_task: [row for row in reading_task if row.state == "done"],
        texts=texts,
        judge=judge,
        written=translated,
        unwritten=lambda task, outcome: ReadingTranslation(
            arxiv_id=task.arxiv_id, of=_texts(task), **unanswered(prompt, asked(task), outcome)
        ),
        one_a_day=True,
        still_fits=lambda task, row: row.of == _texts(task),
    )


def _texts(task: ReadingTask) -> list[str]:
    return [sentence.text for sentence in task.sentences]


def issue_reading_task(
    tasks: Sequence[ReadingTask] | None,
    translations: Mapping[str, Sequence[ReadingTranslation] | None],
    titles: Mapping[str, str],
) -> IssueReadingTask | None:
    """The reading task as the public record of a day has it, None on a day without one. ``titles`` are those of the
    papers that the day shows. A translation of another text than the task's now is none."""
    task = next((row for row in tasks or () if row.arxiv_id in titles), None)
    if task is None:
        return None
    fitting = {
        language: next(
            (row for row in rows or () if row.arxiv_id == task.arxiv_id and row.of == _texts(task)),
            None,
        )
        for language, rows in translations.items()
    }
    return IssueReadingTask(
        id=task.arxiv_id,
        title=titles[task.arxiv_id],
        vocabulary=[
            IssueVocabularyWord(
                word=word.word,
                pinyin=word.pinyin,
                level=word.level,
                meanings=_meanings(word, fitting),
            )
            for word in task.vocabulary
        ],
        translations={language: _translation(row) for language, row in fitting.items()}
        if task.sentences
        else {},
        **task.model_dump(include=_SHARED | {"level"}),
        sentences=task.sentences,
    )


_SHARED = {"state", "reason", "provider", "model", "prompt_version", "created_at"}


def _meanings(
    word: VocabularyWord, translations: Mapping[str, ReadingTranslation | None]
) -> dict[str, IssueMeaning]:
    """What a word means, by language: in English what dictionary and glossary say, else what a model wrote."""
    meanings = {}
    if word.meaning and word.source:
        meanings[DICTIONARY_LANGUAGE] = IssueMeaning(text=word.meaning, source=word.source)
    for language, row in translations.items():
        if row and (text := row.meanings.get(word.word)):
            meanings.setdefault(language, IssueMeaning(text=text, source="model"))
    return meanings


def _translation(row: ReadingTranslation | None) -> IssueTranslation:
    if row is None:
        return IssueTranslation(state="pending", reason="not_built")
    return IssueTranslation.model_validate(row.model_dump(include=_SHARED | {"sentences"}))


def language_name(language: str) -> str:
    """The English name of a language: Russian, Portuguese (Brazil)."""
    return babel.Locale.parse(language.replace("-", "_")).get_display_name("en") or language
