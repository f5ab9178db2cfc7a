"""Reading translations: the reading task in another language, with missing word meanings."""

from collections.abc import Sequence
from typing import Any

import babel
from pydantic import BaseModel

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.reading_guardrails import translation_verdict
from papers_pipeline.enrichment.stage import Stage, Variables
from papers_pipeline.enrichment.stages.reading_task import sentence_texts
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import ReadingTask, ReadingTranslation
from papers_pipeline.text.languages import load_detector

DICTIONARY_LANGUAGE = "en"
"""The language of CC-CEDICT and our glossary: in it, only words that both lack need a model."""


class WordMeaning(BaseModel):
    """A word and what it means."""

    word: str
    meaning: str


class WrittenTranslation(BaseModel):
    """The answer that a model is asked for."""

    sentences: list[str]
    meanings: list[WordMeaning]


class ReadingTranslationStage(Stage[ReadingTask, ReadingTranslation, WrittenTranslation]):
    """The reading task in one language of the site."""

    prompt_kind = "reading_translation"
    record = ReadingTranslation
    output = WrittenTranslation
    inputs = ("reading_task",)
    one_a_day = True
    rows_hold_answers = True
    preloads = (load_detector,)

    def __init__(self, prompt: Prompt, terms: frozenset[str] = frozenset()) -> None:
        super().__init__(prompt, terms)
        self.language = prompt.into or ""

    @property
    def description(self) -> str:
        language = language_name(self.language)
        return f"The day's reading task in {language}: translation and vocabulary."

    def items(self, reading_task: Sequence[ReadingTask]) -> Sequence[ReadingTask]:
        return [row for row in reading_task if row.state == "done"]

    def prompt_variables(self, item: ReadingTask) -> Sequence[Variables]:
        in_dictionary = self.language == DICTIONARY_LANGUAGE
        words = [word.word for word in item.vocabulary if not (word.meaning and in_dictionary)]
        variables: dict[str, Any] = {
            "language": language_name(self.language),
            "sentences": sentence_texts(item),
            "words": words,
        }
        return (variables,)

    def judge(self, output: WrittenTranslation, variables: Variables) -> Verdict:
        return translation_verdict(
            output.sentences,
            [(entry.word, entry.meaning) for entry in output.meanings],
            language=self.language,
            originals=variables["sentences"],
            words=variables["words"],
            limits=self.prompt.limits,
            terms=self.terms,
        )

    def answer_row(
        self, item: ReadingTask, answer: Answer[WrittenTranslation]
    ) -> ReadingTranslation:
        meanings = {entry.word: one_line(entry.meaning) for entry in answer.output.meanings}
        return ReadingTranslation(
            of=sentence_texts(item),
            sentences=list(map(one_line, answer.output.sentences)),
            meanings=meanings,
            **self.answer_fields(item, answer),
        )

    def fallback_row(
        self, item: ReadingTask, outcome: Outcome[ReadingTranslation]
    ) -> ReadingTranslation:
        return ReadingTranslation(of=sentence_texts(item), **self.fallback_fields(item, outcome))

    def still_fits(self, item: ReadingTask, row: ReadingTranslation) -> bool:
        return row.of == sentence_texts(item)

    def output_of(self, row: ReadingTranslation) -> WrittenTranslation:
        meanings = [WordMeaning(word=word, meaning=text) for word, text in row.meanings.items()]
        return WrittenTranslation(sentences=row.sentences, meanings=meanings)

    def holds(self, row: ReadingTranslation, output: WrittenTranslation) -> bool:
        """A row has each word once, with its last meaning."""
        meanings = {entry.word: entry for entry in output.meanings}
        once = output.model_copy(update={"meanings": list(meanings.values())})
        return super().holds(row, once)

    def show(self, row: ReadingTranslation) -> str:
        return "\n".join(row.sentences) or super().show(row)


def language_name(language: str) -> str:
    """The English name of a language: Russian, Portuguese (Brazil)."""
    return babel.Locale.parse(language.replace("-", "_")).get_display_name("en") or language
