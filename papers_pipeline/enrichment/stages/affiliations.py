"""Affiliations: the institutions on a title page, and which author belongs to which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from papers_pipeline.base.characters import fold
from papers_pipeline.base.faults import Fault
from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.draft import PaperDraft
from papers_pipeline.enrichment.institution_names import (
    InstitutionNames,
    letters,
    load_institution_names,
)
from papers_pipeline.enrichment.stage import Stage, Variables
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import (
    Affiliations,
    AuthorInstitutions,
    Paper,
    ParsedPaper,
    UnreadReason,
    by_arxiv_id,
)


class PrintedAuthor(BaseModel):
    """An author and the institutions that the page ties to the name."""

    name: str
    institutions: list[str]


class PrintedAffiliations(BaseModel):
    """The answer that a model is asked for."""

    institutions: list[str]
    authors: list[PrintedAuthor]


@dataclass(frozen=True)
class TitlePage:
    """A paper of the list and the text of its PDF."""

    paper: Paper
    parsed: ParsedPaper | None

    @property
    def arxiv_id(self) -> str:
        return self.paper.arxiv_id


class AffiliationsStage(Stage[TitlePage, Affiliations, PrintedAffiliations]):
    """The institutions of the day's papers."""

    prompt_kind = "affiliations"
    record = Affiliations
    output = PrintedAffiliations
    inputs = ("feed_listing", "parsed_text")
    shown_fields = ("institutions",)
    description = (
        "The institutions of each paper, and of each author, as printed on its title page."
    )

    def __init__(self, prompt: Prompt, terms: frozenset[str] = frozenset()) -> None:
        super().__init__(prompt, terms)
        self.names = load_institution_names()

    def items(
        self, feed_listing: Sequence[Paper], parsed_text: Sequence[ParsedPaper]
    ) -> Sequence[TitlePage]:
        parsed = by_arxiv_id(parsed_text)
        return [TitlePage(paper, parsed.get(paper.arxiv_id)) for paper in feed_listing]

    def why_not_asked(self, item: TitlePage) -> UnreadReason | None:
        return None if item.parsed and item.parsed.state == "done" else "no_text"

    def prompt_variables(self, item: TitlePage) -> Sequence[Variables]:
        """The header alone for the first model, more of the paper for the next."""
        if item.parsed is None or item.parsed.state != "done":
            return (_variables(item, ""),)
        header = item.parsed.header or ""
        beginning = "\n\n".join(section.text for section in item.parsed.sections[:2])
        whole = f"{header}\n\n{beginning}".strip()
        limits = self.prompt.limits
        return (
            _variables(item, (header or whole)[: limits["characters"]]),
            _variables(item, whole[: limits["more_characters"]]),
        )

    def judge(self, output: PrintedAffiliations, variables: Variables) -> Verdict:
        """A string that is not a single institution is a fault. A name that the text does not
        contain is dropped with a warning."""
        text = variables["header"]
        faults = []
        warnings = []
        for printed in output.institutions:
            fault = self.names.fault(printed)
            if fault:
                faults.append(Fault("institution", fault))
            if not printed_in(self.names, [printed], text):
                warnings.append(f'"{printed}" is dropped: no institution that the text has.')
        found = printed_in(self.names, output.institutions, text)
        return Verdict(tuple(faults), tuple(warnings), is_empty=not found)

    def answer_row(self, item: TitlePage, answer: Answer[PrintedAffiliations]) -> Affiliations:
        """The authors come from the list. Each has only institutions that the paper keeps."""
        text = self.prompt_variables(item)[-1]["header"]
        institutions = printed_in(self.names, answer.output.institutions, text)
        kept = {letters(name) for name in institutions}
        printed_by = {letters(author.name): author.institutions for author in answer.output.authors}
        authors = []
        for name in item.paper.authors:
            printed = printed_in(self.names, printed_by.get(letters(name), ()), text)
            own = [institution for institution in printed if letters(institution) in kept]
            if own:
                authors.append(AuthorInstitutions(name=name, institutions=own))
        return Affiliations(
            institutions=institutions, authors=authors, **self.answer_fields(item, answer)
        )

    def fallback_row(self, item: TitlePage, outcome: Outcome[Affiliations]) -> Affiliations:
        """Hugging Face's organization, if it names one."""
        organization = item.paper.organization
        return Affiliations(
            source="hf_organization" if organization else None,
            institutions=[organization] if organization else [],
            **self.fallback_fields(item, outcome),
        )

    def add_to_paper(self, draft: PaperDraft, row: Affiliations | None) -> None:
        if row is None:
            organization = draft.paper.organization
            draft.institutions = [organization] if organization else []
            draft.institutions_source = "hf_organization" if organization else None
            return
        draft.institutions = row.institutions
        draft.institutions_source = row.source
        draft.institutions_by_author = {author.name: author.institutions for author in row.authors}


def printed_in(names: InstitutionNames, institutions: Sequence[str], text: str) -> list[str]:
    """The cleaned institutions whose letters occur in the text, each once."""
    whole = letters(text)
    found: dict[str, str] = {}
    for printed in institutions:
        for name in names.cleaned(fold(printed)):
            own = letters(name)
            if own and own in whole:
                found.setdefault(own, name)
    return list(found.values())


def _variables(page: TitlePage, header: str) -> Mapping[str, object]:
    return {"title": page.paper.title, "authors": page.paper.authors, "header": header}
