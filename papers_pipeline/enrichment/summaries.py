"""The texts of one language: a slogan and a short explanation a paper by a model, or an honest stand-in until then."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.enrich import Task, Unasked, answered, unanswered
from papers_pipeline.enrichment.guardrails import summary_verdict
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import Paper, Summary, TextSource

STAND_IN_LANGUAGE = "en"
"""Hugging Face's summary and the abstract are English; another language has no stand-in and is never faked."""


class WrittenSummary(BaseModel):
    """What a model is asked for."""

    title: str
    text: str


class IllustratedSummary(WrittenSummary):
    """The same with an emoji, for a prompt whose ``output`` names one."""

    emoji: str


def summary_task(prompt: Prompt, terms: frozenset[str]) -> Task[Paper, Summary, WrittenSummary]:
    """The task of one language's prompt; ``terms`` are the Latin words that Russian prose may hold."""
    wants_emoji = "emoji" in prompt.output

    def judge(answer: WrittenSummary, paper: Mapping[str, str]) -> Verdict:
        return summary_verdict(
            language=prompt.language or "",
            title=answer.title,
            text=answer.text,
            emoji=getattr(answer, "emoji", None),
            wants_emoji=wants_emoji,
            limits=prompt.limits,
            abstract=paper["abstract"],
            paper_title=paper["title"],
            terms=terms,
        )

    return Task(
        prompt=prompt,
        record=Summary,
        output=IllustratedSummary if wants_emoji else WrittenSummary,
        inputs=("feed_listing",),
        items=lambda feed_listing: feed_listing,
        texts=title_and_abstract,
        judge=judge,
        written=lambda paper, answer: written(prompt, paper, answer),
        unwritten=lambda paper, outcome: unwritten(prompt, paper, outcome),
    )


def title_and_abstract(paper: Paper) -> Sequence[Mapping[str, str]] | Unasked:
    """What a prompt is told of a paper; an empty abstract is never asked about."""
    return (told(paper),) if paper.abstract else Unasked("no_abstract")


def told(paper: Paper) -> dict[str, str]:
    """Title and abstract, as templates name them."""
    return {"title": paper.title, "abstract": paper.abstract}


def written(prompt: Prompt, paper: Paper, answer: Answer[WrittenSummary]) -> Summary:
    """The row of a paper that a model wrote about."""
    emoji = getattr(answer.output, "emoji", None)
    return Summary(
        arxiv_id=paper.arxiv_id,
        title=" ".join(answer.output.title.split()),
        text=" ".join(answer.output.text.split()),
        emoji=emoji.strip() if emoji else None,
        **answered(prompt, told(paper), answer),
    )


def unwritten(prompt: Prompt, paper: Paper, outcome: Outcome[Summary]) -> Summary:
    """The row of a paper that no model wrote about: in English with Hugging Face's own summary, else the abstract."""
    source, text, model = (
        stand_in(paper) if prompt.language == STAND_IN_LANGUAGE else (None, None, None)
    )
    return Summary(
        arxiv_id=paper.arxiv_id,
        source=source,
        text=text,
        model=model,
        **unanswered(prompt, told(paper), outcome),
    )


def stand_in(paper: Paper) -> tuple[TextSource | None, str | None, str | None]:
    """Source, text and model of the English text that a paper has without us; all None when it has none."""
    if paper.ai_summary:
        return "hf_ai_summary", paper.ai_summary, paper.ai_summary_model
    if paper.abstract:
        return "abstract", paper.abstract, None
    return None, None, None
