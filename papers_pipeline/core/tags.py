"""The topics of a day's papers, from the closed list: by a model, or by the keyword rules until one was asked."""

from collections.abc import Sequence

from papers_pipeline.core.per_paper import Counts, PaperPending, Progress, per_paper
from papers_pipeline.core.prompts import Prompt, input_hash
from papers_pipeline.core.topics import Topic, keyword_topics
from papers_pipeline.records import Paper, TopicTags


async def tag(
    prompt: Prompt, topics: Sequence[Topic], papers: Sequence[Paper], *, concurrency: int, progress: Progress
) -> tuple[list[TopicTags], Counts]:
    """One row a paper, in the given order, and the counts."""
    by_id = {paper.arxiv_id: paper for paper in papers}

    async def choose(arxiv_id: str) -> tuple[TopicTags, bool]:
        raise PaperPending("no_provider" if by_id[arxiv_id].abstract else "no_abstract")

    outcomes, counts = await per_paper(prompt.asset, list(by_id), choose, concurrency=concurrency, progress=progress)
    rows = [
        outcome.value or untagged(prompt, topics, by_id[outcome.arxiv_id], outcome.state, outcome.reason)
        for outcome in outcomes
    ]
    return rows, counts


def untagged(prompt: Prompt, topics: Sequence[Topic], paper: Paper, state: str, reason: str | None) -> TopicTags:
    """The row of a paper that no model tagged: what the keyword rules find in its title, abstract and keywords."""
    return TopicTags.model_validate(
        {
            "arxiv_id": paper.arxiv_id,
            "state": state,
            "reason": reason,
            "source": "keywords",
            "topics": keyword_topics(topics, paper.title, paper.abstract, paper.ai_keywords),
            "prompt_version": prompt.version,
            "input_hash": input_hash(title=paper.title, abstract=paper.abstract),
        }
    )
