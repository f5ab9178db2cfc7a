"""Summaries: a slogan and a short text per paper and language, or a labelled stand-in."""

from collections.abc import Sequence

from pydantic import BaseModel

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.abstracts import abstract_variables, missing_abstract
from papers_pipeline.enrichment.changes import changes
from papers_pipeline.enrichment.draft import PaperDraft
from papers_pipeline.enrichment.guardrails import summary_verdict
from papers_pipeline.enrichment.repairs import repaired_text, repaired_title
from papers_pipeline.enrichment.row_checks import InLanguage, RowCheck, Verified
from papers_pipeline.enrichment.stage import Stage, Variables
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import IssueText, Paper, Summary, UnaskableReason
from papers_pipeline.text.languages import language_of, load_detector

STAND_IN_LANGUAGE = "en"
"""Hugging Face's summary and the abstract are English. Other languages have no stand-in."""


class WrittenSummary(BaseModel):
    """The answer that a model is asked for."""

    title: str
    text: str


class IllustratedSummary(WrittenSummary):
    """The answer if the prompt's `output` names an emoji."""

    emoji: str


class SummaryStage(Stage[Paper, Summary, WrittenSummary]):
    """The texts of one language."""

    prompt_kind = "summary"
    record = Summary
    shown_fields = ("emoji", "title", "text")
    in_build_table = True
    rows_hold_answers = True
    preloads = (load_detector,)

    def __init__(self, prompt: Prompt, terms: frozenset[str] = frozenset()) -> None:
        super().__init__(prompt, terms)
        self.language = prompt.language or ""
        self.wants_emoji = "emoji" in prompt.output
        self.output = IllustratedSummary if self.wants_emoji else WrittenSummary

    @property
    def description(self) -> str:
        return f"A slogan and a short text about each paper in the language «{self.language}»."

    @property
    def checks(self) -> Sequence[RowCheck]:
        return (*super().checks, InLanguage(self.language), Verified())

    def items(self, feed_listing: Sequence[Paper]) -> Sequence[Paper]:
        return feed_listing

    def why_not_asked(self, item: Paper) -> UnaskableReason | None:
        return missing_abstract(item)

    def prompt_variables(self, item: Paper) -> Sequence[Variables]:
        return (abstract_variables(item),)

    def repair(self, output: WrittenSummary) -> tuple[WrittenSummary, Sequence[str]]:
        """Full stops, quotation marks around a title, LaTeX and Chinese spacing are put right."""
        title = repaired_title(self.language, output.title)
        text = repaired_text(self.language, output.text)
        notes = [*changes("title", output.title, title), *changes("text", output.text, text)]
        return output.model_copy(update={"title": title, "text": text}), notes

    def judge(self, output: WrittenSummary, variables: Variables) -> Verdict:
        return summary_verdict(
            language=self.language,
            title=output.title,
            text=output.text,
            emoji=getattr(output, "emoji", None),
            wants_emoji=self.wants_emoji,
            limits=self.prompt.limits,
            abstract=variables["abstract"],
            paper_title=variables["title"],
            terms=self.terms,
            glossary=self.prompt.glossary,
        )

    def renewed(self, row: Summary, item: Paper, answer: Answer[WrittenSummary]) -> Summary:
        """A row whose language was found needs no detector, which takes long to load."""
        return row if row.reads_as is not None else self.answer_row(item, answer)

    def answer_row(self, item: Paper, answer: Answer[WrittenSummary]) -> Summary:
        emoji = getattr(answer.output, "emoji", None)
        text = one_line(answer.output.text)
        return Summary(
            title=one_line(answer.output.title),
            text=text,
            reads_as=language_of(text),
            emoji=emoji.strip() if emoji else None,
            **self.answer_fields(item, answer),
        )

    def fallback_row(self, item: Paper, outcome: Outcome[Summary]) -> Summary:
        """In English, Hugging Face's summary or else the abstract; nothing in other languages."""
        fields = self.fallback_fields(item, outcome)
        if self.language != STAND_IN_LANGUAGE or not (item.ai_summary or item.abstract):
            return Summary(**fields)
        if item.ai_summary:
            return Summary(
                source="hf_ai_summary",
                text=item.ai_summary,
                model=item.ai_summary_model,
                **fields,
            )
        return Summary(source="abstract", text=item.abstract, **fields)

    def add_to_paper(self, draft: PaperDraft, row: Summary | None) -> None:
        if row is None:
            draft.summaries[self.language] = IssueText(state="pending", reason="not_built")
            return
        public = row.model_dump(include=set(IssueText.model_fields))
        draft.summaries[self.language] = IssueText.model_validate(public)
        # The paper's emoji is that of the first language that has one.
        draft.emoji = draft.emoji or row.emoji or None
