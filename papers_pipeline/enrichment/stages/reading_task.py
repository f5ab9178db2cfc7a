"""The reading task: simple Chinese sentences about one paper of the day, chosen once.

A model writes the sentences. Pinyin, levels, and English meanings come from libraries, so that no
model can get them wrong.
"""

from collections.abc import Sequence

from pydantic import BaseModel

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.abstracts import abstract_variables, missing_abstract
from papers_pipeline.enrichment.by_votes import by_votes
from papers_pipeline.enrichment.reading import annotate, reading_version
from papers_pipeline.enrichment.reading_guardrails import reading_verdict
from papers_pipeline.enrichment.row_checks import RowCheck, Verified
from papers_pipeline.enrichment.stage import Stage, Variables
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.records import (
    FeedResponse,
    Paper,
    ReadingTask,
    UnaskableReason,
    VocabularyWord,
    by_arxiv_id,
)
from papers_pipeline.text.chinese import load_tagger
from papers_pipeline.text.languages import load_detector


class WrittenSentences(BaseModel):
    """The answer that a model is asked for."""

    sentences: list[str]


class ReadingTaskStage(Stage[Paper, ReadingTask, WrittenSentences]):
    """The Chinese text of the day."""

    prompt_kind = "reading_task"
    record = ReadingTask
    output = WrittenSentences
    side_inputs = ("feed_response",)
    one_a_day = True
    rows_hold_answers = True
    preloads = (load_detector, load_tagger)
    description = (
        "Simple Chinese sentences about one paper of the day, chosen once by upvotes, with pinyin "
        "and vocabulary from libraries. A new vote does not make it out of date."
    )

    @property
    def checks(self) -> Sequence[RowCheck]:
        return (*super().checks, Verified())

    def items(
        self, feed_listing: Sequence[Paper], feed_response: Sequence[FeedResponse]
    ) -> Sequence[Paper]:
        """The papers of the day by upvotes, then by id."""
        return by_votes(feed_listing, feed_response)

    def choose(self, items: Sequence[Paper], earlier: Sequence[ReadingTask]) -> Sequence[Paper]:
        """At most one paper: the one chosen before, or else the first that is listed and has an
        abstract.

        A chosen paper stays when it leaves the list. It makes way only if nothing was written about
        it yet and it was withdrawn or lost its abstract.
        """
        by_id = by_arxiv_id(items)
        for row in earlier:
            paper = by_id.get(row.arxiv_id)
            if paper is None:
                continue
            if row.state == "done" or (paper.status != "withdrawn" and paper.abstract):
                return [paper]
        for paper in items:
            if paper.status == "listed" and paper.abstract:
                return [paper]
        return []

    def why_not_asked(self, item: Paper) -> UnaskableReason | None:
        return missing_abstract(item)

    def prompt_variables(self, item: Paper) -> Sequence[Variables]:
        return (abstract_variables(item),)

    def judge(self, output: WrittenSentences, variables: Variables) -> Verdict:
        return reading_verdict(
            output.sentences,
            limits=self.prompt.limits,
            abstract=variables["abstract"],
            paper_title=variables["title"],
        )

    def renewed(
        self, row: ReadingTask, item: Paper, answer: Answer[WrittenSentences]
    ) -> ReadingTask:
        """The row, annotated anew if the dictionaries changed; they take seconds to load.

        Its vocabulary keeps its words: the translations of the text were bought for these.
        """
        if row.read_with == reading_version():
            return row
        return self._row(item, answer, chosen=row.vocabulary)

    def answer_row(self, item: Paper, answer: Answer[WrittenSentences]) -> ReadingTask:
        return self._row(item, answer)

    def _row(
        self,
        item: Paper,
        answer: Answer[WrittenSentences],
        chosen: Sequence[VocabularyWord] = (),
    ) -> ReadingTask:
        reading = annotate(list(map(one_line, answer.output.sentences)), chosen)
        return ReadingTask(
            sentences=reading.sentences,
            vocabulary=reading.vocabulary,
            level=reading.level,
            read_with=reading_version(),
            **self.answer_fields(item, answer),
        )

    def fallback_row(self, item: Paper, outcome: Outcome[ReadingTask]) -> ReadingTask:
        return ReadingTask(**self.fallback_fields(item, outcome))

    def output_of(self, row: ReadingTask) -> WrittenSentences:
        return WrittenSentences(sentences=sentence_texts(row))

    def show(self, row: ReadingTask) -> str:
        return "\n".join(sentence_texts(row)) or super().show(row)


def sentence_texts(task: ReadingTask) -> list[str]:
    """The sentences of a reading task as plain text."""
    return [sentence.text for sentence in task.sentences]
