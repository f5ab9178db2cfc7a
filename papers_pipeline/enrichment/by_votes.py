"""Papers by the votes in the stored responses of Hugging Face.

A stage that chooses papers by votes reads them from there. With `paper_votes` as an input, Dagster
would call it out of date at every new vote.
"""

from collections.abc import Sequence

from papers_pipeline.listing.feed import votes
from papers_pipeline.records import FeedResponse, Paper


def by_votes(papers: Sequence[Paper], responses: Sequence[FeedResponse]) -> list[Paper]:
    """The papers by upvotes, then by id."""
    upvotes: dict[str, int] = {}
    if responses:
        # The day only appears in error messages; a list with errors has no listing.
        day = responses[-1].fetched_at.date()
        upvotes = {row.arxiv_id: row.upvotes for row in votes(responses, day)}
    return sorted(papers, key=lambda paper: (-upvotes.get(paper.arxiv_id, 0), paper.arxiv_id))
