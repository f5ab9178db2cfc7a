"""Notes on the full text of the day's papers with the most upvotes, in one language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.by_votes import by_votes
from papers_pipeline.enrichment.changes import changes
from papers_pipeline.enrichment.draft import PaperDraft
from papers_pipeline.enrichment.full_text import body, named_section, trimmed
from papers_pipeline.enrichment.notes_guardrails import notes_verdict
from papers_pipeline.enrichment.repairs import repaired_text
from papers_pipeline.enrichment.row_checks import InLanguage, RowCheck, Verified
from papers_pipeline.enrichment.stage import Stage, Variables
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import (
    FeedResponse,
    FullTextNotes,
    IssueNote,
    NoteStatement,
    Paper,
    ParsedPaper,
    Section,
    UnreadReason,
    by_arxiv_id,
)
from papers_pipeline.text.languages import language_of, load_detector

MOST_CHARACTERS = 40_000
"""The characters of a text that a model is given if its prompt has no limit."""


class WrittenNotes(BaseModel):
    """The answer that a model is asked for."""

    problem: list[NoteStatement]
    method: list[NoteStatement]
    evidence: list[NoteStatement]
    limitations: list[NoteStatement]
    remember: list[NoteStatement]

    @property
    def parts(self) -> dict[str, list[NoteStatement]]:
        """The statements of each part, in the order of the page."""
        return {name: getattr(self, name) for name in type(self).model_fields}


@dataclass(frozen=True)
class PaperText:
    """A paper of the list and the text of its PDF, if it was read."""

    paper: Paper
    parsed: ParsedPaper | None

    @property
    def arxiv_id(self) -> str:
        return self.paper.arxiv_id

    @property
    def body(self) -> Sequence[Section]:
        """The sections to read; empty if there is no text."""
        return body(self.parsed.sections) if self.parsed else ()


class NotesStage(Stage[PaperText, FullTextNotes, WrittenNotes]):
    """The notes of one language."""

    prompt_kind = "notes"
    record = FullTextNotes
    output = WrittenNotes
    inputs = ("feed_listing", "parsed_text")
    side_inputs = ("feed_response",)
    answer_tokens = 1500
    preloads = (load_detector,)

    def __init__(self, prompt: Prompt, terms: frozenset[str] = frozenset()) -> None:
        super().__init__(prompt, terms)
        self.language = prompt.language or ""
        self.most_papers = prompt.most_papers or 0

    @property
    def description(self) -> str:
        return (
            "Notes on the full text of the papers with the most upvotes in the language "
            f"«{self.language}», each statement with its section. A new vote does not make them "
            "out of date."
        )

    @property
    def checks(self) -> Sequence[RowCheck]:
        return (*super().checks, InLanguage(self.language), Verified("sections"))

    @property
    def input_characters(self) -> int:
        return self.prompt.limits.get("text_characters", MOST_CHARACTERS)

    def rows_expected(self, papers: int) -> int:
        return min(papers, self.most_papers)

    def items(
        self,
        feed_listing: Sequence[Paper],
        parsed_text: Sequence[ParsedPaper],
        feed_response: Sequence[FeedResponse],
    ) -> Sequence[PaperText]:
        """The papers of the day by upvotes, then by id, each with its text."""
        parsed = by_arxiv_id(parsed_text)
        papers = by_votes(feed_listing, feed_response)
        return [PaperText(paper, parsed.get(paper.arxiv_id)) for paper in papers]

    def choose(
        self, items: Sequence[PaperText], earlier: Sequence[FullTextNotes]
    ) -> Sequence[PaperText]:
        """The papers that have notes, then those chosen before, then the first by upvotes.

        Notes are kept whatever the votes. Other papers are added while there are fewer than the
        setting allows; those that cannot be read, or are listed no longer, come last.
        """
        by_id = by_arxiv_id(items)
        rows = [row for row in earlier if row.arxiv_id in by_id]
        chosen = {row.arxiv_id: by_id[row.arxiv_id] for row in rows if row.state == "done"}
        before = [by_id[row.arxiv_id] for row in rows]
        for item in sorted([*before, *items], key=self._is_hindered):
            if len(chosen) >= self.most_papers:
                break
            chosen.setdefault(item.arxiv_id, item)
        return list(chosen.values())

    def _is_hindered(self, item: PaperText) -> tuple[bool, bool]:
        return self.why_not_asked(item) is not None, item.paper.status != "listed"

    def why_not_asked(self, item: PaperText) -> UnreadReason | None:
        return None if item.body else "no_text"

    def _sections(self, item: PaperText) -> Mapping[str, str]:
        """The texts of the sections to read, by heading."""
        sections = trimmed(item.body, self.input_characters)
        return {one_line(section.title): section.text for section in sections}

    def prompt_variables(self, item: PaperText) -> Sequence[Variables]:
        variables: dict[str, Any] = {"title": item.paper.title, "sections": self._sections(item)}
        return (variables,)

    def repair(self, output: WrittenNotes) -> tuple[WrittenNotes, Sequence[str]]:
        """Full stops and LaTeX are put right."""
        repaired: dict[str, list[NoteStatement]] = {}
        notes: list[str] = []
        for name, statements in output.parts.items():
            repaired[name] = []
            for written in statements:
                text = repaired_text(self.language, written.text)
                notes += changes(name, written.text, text)
                repaired[name].append(written.model_copy(update={"text": text}))
        return output.model_copy(update=repaired), notes

    def judge(self, output: WrittenNotes, variables: Variables) -> Verdict:
        return notes_verdict(
            output.parts,
            language=self.language,
            paper_title=variables["title"],
            sections=variables["sections"],
            limits=self.prompt.limits,
            terms=self.terms,
            glossary=self.prompt.glossary,
        )

    def renewed(
        self, row: FullTextNotes, item: PaperText, answer: Answer[WrittenNotes]
    ) -> FullTextNotes:
        """A row whose language was found needs no detector, which takes long to load."""
        return row if row.reads_as is not None else self.answer_row(item, answer)

    def answer_row(self, item: PaperText, answer: Answer[WrittenNotes]) -> FullTextNotes:
        titles = list(self._sections(item))
        parts = {}
        texts = []
        for name, statements in answer.output.parts.items():
            parts[name] = [_as_printed(statement, titles) for statement in statements]
            texts += [statement.text for statement in parts[name]]
        return FullTextNotes(
            version=item.parsed.version if item.parsed else None,
            parts=parts,
            reads_as=language_of("\n".join(texts)),
            **self.answer_fields(item, answer),
        )

    def output_of(self, row: FullTextNotes) -> WrittenNotes:
        return WrittenNotes.model_validate(row.model_dump()["parts"])

    def fallback_row(self, item: PaperText, outcome: Outcome[FullTextNotes]) -> FullTextNotes:
        return FullTextNotes(**self.fallback_fields(item, outcome))

    def add_to_paper(self, draft: PaperDraft, row: FullTextNotes | None) -> None:
        """Nothing for a paper that was not chosen."""
        if row:
            public = row.model_dump(include=set(IssueNote.model_fields))
            draft.notes[self.language] = IssueNote.model_validate(public)

    def show(self, row: FullTextNotes) -> str:
        lines = []
        for name, statements in row.parts.items():
            for statement in statements:
                lines.append(f"{name}: {statement.text} [{statement.section}]")
        return "\n".join(lines) or super().show(row)


def _as_printed(statement: NoteStatement, titles: Sequence[str]) -> NoteStatement:
    """The statement in one line, with the heading of its section as the paper prints it."""
    section = named_section(statement.section, titles) or one_line(statement.section)
    return NoteStatement(text=one_line(statement.text), section=section)
