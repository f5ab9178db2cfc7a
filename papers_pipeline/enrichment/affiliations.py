"""Whose institutions a paper prints: read from its title page by a model, or Hugging Face's organization until then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.enrich import Task, Unasked, answered, unanswered
from papers_pipeline.enrichment.institution_names import InstitutionNames, letters
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import Affiliations, AuthorInstitutions, Paper, ParsedPaper


class PrintedAuthor(BaseModel):
    """An author and the institutions that the page ties to the name."""

    name: str
    institutions: list[str]


class PrintedAffiliations(BaseModel):
    """What a model is asked for."""

    institutions: list[str]
    authors: list[PrintedAuthor]


@dataclass(frozen=True)
class TitlePage:
    """A paper of the list, and the text of its PDF."""

    paper: Paper
    parsed: ParsedPaper | None

    @property
    def arxiv_id(self) -> str:
        return self.paper.arxiv_id


def affiliations_task(
    prompt: Prompt, names: InstitutionNames
) -> Task[TitlePage, Affiliations, PrintedAffiliations]:
    """The task of the prompt that reads title pages."""
    return Task(
        prompt=prompt,
        record=Affiliations,
        output=PrintedAffiliations,
        inputs=("feed_listing", "parsed_text"),
        items=title_pages,
        texts=lambda page: excerpts(prompt, page),
        judge=lambda answer, told: judge(names, answer, told),
        written=lambda page, answer: written(prompt, names, page, answer),
        unwritten=lambda page, outcome: unwritten(prompt, page, outcome),
    )


def title_pages(
    feed_listing: Sequence[Paper], parsed_text: Sequence[ParsedPaper]
) -> list[TitlePage]:
    """Each paper of the list with its text."""
    parsed = {row.arxiv_id: row for row in parsed_text}
    return [TitlePage(paper, parsed.get(paper.arxiv_id)) for paper in feed_listing]


def excerpts(prompt: Prompt, page: TitlePage) -> Sequence[Mapping[str, Any]] | Unasked:
    """What the first model is shown, and what the next: the header alone, then more of it and of the text behind."""
    if page.parsed is None or page.parsed.state != "done":
        return Unasked("no_text")
    header = page.parsed.header or ""
    rest = "\n\n".join(section.text for section in page.parsed.sections[:2])
    whole = f"{header}\n\n{rest}".strip()
    short = (header or whole)[: prompt.limits["characters"]]
    return tuple(_told(page, text) for text in (short, whole[: prompt.limits["more_characters"]]))


def judge(names: InstitutionNames, answer: PrintedAffiliations, told: Mapping[str, Any]) -> Verdict:
    """A string that is no single institution is a fault; one that the text does not have is dropped, with a warning."""
    faults = [fault for printed in answer.institutions if (fault := names.fault(printed))]
    found = printed_in(names, answer.institutions, told["header"])
    dropped = [
        f'"{printed}" is dropped: no institution that the text has.'
        for printed in answer.institutions
        if not printed_in(names, [printed], told["header"])
    ]
    return Verdict(tuple(faults), tuple(dropped), is_empty=not found)


def printed_in(names: InstitutionNames, institutions: Sequence[str], text: str) -> list[str]:
    """The institutions, cleaned, that occur in the text, compared by their letters; each once."""
    whole = letters(text)
    cleaned = [name for printed in institutions for name in names.cleaned(printed)]
    kept = {
        letters(name): name
        for name in reversed(cleaned)
        if letters(name) and letters(name) in whole
    }
    return [name for name in dict.fromkeys(cleaned) if kept.get(letters(name)) == name]


def written(
    prompt: Prompt, names: InstitutionNames, page: TitlePage, answer: Answer[PrintedAffiliations]
) -> Affiliations:
    """The row of a paper that a model read. Authors are those of the list, tied to institutions that are kept."""
    text = texts_of(prompt, page)[-1]["header"]
    institutions = printed_in(names, answer.output.institutions, text)
    own = set(map(letters, institutions))
    tied = {letters(author.name): author.institutions for author in answer.output.authors}
    authors = []
    for author in page.paper.authors:
        printed = printed_in(names, tied[letters(author)], text) if letters(author) in tied else []
        if given := [institution for institution in printed if letters(institution) in own]:
            authors.append(AuthorInstitutions(name=author, institutions=given))
    return Affiliations(
        arxiv_id=page.arxiv_id,
        institutions=institutions,
        authors=authors,
        **answered(prompt, texts_of(prompt, page)[0], answer),
    )


def unwritten(prompt: Prompt, page: TitlePage, outcome: Outcome[Affiliations]) -> Affiliations:
    """The row of a paper that no model read: the organization that Hugging Face gives, if it does."""
    organization = page.paper.organization
    return Affiliations(
        arxiv_id=page.arxiv_id,
        source="hf_organization" if organization else None,
        institutions=[organization] if organization else [],
        **unanswered(prompt, texts_of(prompt, page)[0], outcome),
    )


def texts_of(prompt: Prompt, page: TitlePage) -> Sequence[Mapping[str, Any]]:
    """The excerpts of a page, or what stands for them when there are none."""
    texts = excerpts(prompt, page)
    return (_told(page, ""),) if isinstance(texts, Unasked) else texts


def _told(page: TitlePage, header: str) -> dict[str, Any]:
    return {"title": page.paper.title, "authors": page.paper.authors, "header": header}
