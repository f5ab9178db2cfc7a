"""The texts of one language: a slogan and a short explanation a paper, or an honest stand-in until a model wrote it."""

from collections.abc import Sequence

from papers_pipeline.core.per_paper import Counts, PaperPending, Progress, per_paper
from papers_pipeline.core.prompts import Prompt, input_hash
from papers_pipeline.records import Paper, Summary, TextSource

STAND_IN_LANGUAGE = "en"
"""Hugging Face's summary and the abstract are English; another language has no stand-in and is never faked."""


async def summarize(
    prompt: Prompt, papers: Sequence[Paper], *, concurrency: int, progress: Progress
) -> tuple[list[Summary], Counts]:
    """One row a paper, in the given order, and the counts."""
    by_id = {paper.arxiv_id: paper for paper in papers}

    async def write(arxiv_id: str) -> tuple[Summary, bool]:
        raise PaperPending("no_provider" if by_id[arxiv_id].abstract else "no_abstract")

    outcomes, counts = await per_paper(prompt.asset, list(by_id), write, concurrency=concurrency, progress=progress)
    rows = [
        outcome.value or unwritten(prompt, by_id[outcome.arxiv_id], outcome.state, outcome.reason)
        for outcome in outcomes
    ]
    return rows, counts


def unwritten(prompt: Prompt, paper: Paper, state: str, reason: str | None) -> Summary:
    """The row of a paper that no model wrote about: in English with Hugging Face's own summary, else the abstract."""
    source, text, model = stand_in(paper) if prompt.language == STAND_IN_LANGUAGE else (None, None, None)
    return Summary.model_validate(
        {
            "arxiv_id": paper.arxiv_id,
            "state": state,
            "reason": reason,
            "source": source,
            "text": text,
            "model": model,
            "prompt_version": prompt.version,
            "input_hash": input_hash(title=paper.title, abstract=paper.abstract),
        }
    )


def stand_in(paper: Paper) -> tuple[TextSource | None, str | None, str | None]:
    """Source, text and model of the English text that a paper has without us; all None when it has none."""
    if paper.ai_summary:
        return "hf_ai_summary", paper.ai_summary, paper.ai_summary_model
    if paper.abstract:
        return "abstract", paper.abstract, None
    return None, None, None
