"""The assets of the list: responses, papers and votes."""

import asyncio
from collections.abc import Sequence

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.per_paper import Progress
from papers_pipeline.defs.checks import day_check, entries_read
from papers_pipeline.defs.partitions import day_of
from papers_pipeline.defs.tables import Table, day_asset
from papers_pipeline.listing import feed
from papers_pipeline.listing.feed import FeedClient
from papers_pipeline.records import FeedResponse, Paper, PaperVotes
from papers_pipeline.store.lake import Lake


@day_asset(
    record=FeedResponse, group_name="feed", kinds={"huggingface", "parquet"}, code_version="1"
)
async def feed_response(
    context: dg.AssetExecutionContext,
    feed_client: dg.ResourceParam[FeedClient],
    clock: dg.ResourceParam[Clock],
    lake: dg.ResourceParam[Lake],
    progress: dg.ResourceParam[Progress],
) -> Table:
    """The day's Hugging Face list as received: every distinct response, one row per page and time.

    Each build adds to the rows of the builds before it.
    """
    day = day_of(context)
    kept = lake.read("feed_response", context.partition_key, FeedResponse) or []
    bodies = await asyncio.to_thread(feed_client.fetch, day, progress.note)
    responses = feed.kept_responses(kept, bodies, clock.now())
    new = len(responses) > len(kept)
    return Table(
        responses, papers=feed.entry_count(bodies, day), metadata={"pages": len(bodies), "new": new}
    )


@day_asset(
    record=Paper,
    group_name="feed",
    kinds={"python", "parquet"},
    code_version="1",
    check_specs=[
        day_check("entries_read", "feed_listing", "Every entry of the newest list could be read.")
    ],
)
def feed_listing(context: dg.AssetExecutionContext, feed_response: Sequence[FeedResponse]) -> Table:
    """The papers of the day, one row each. A paper that disappears from the list keeps its row.

    Computed from the stored responses alone. Votes are a separate asset and times are not part of
    the data version, so neither makes a text stale.
    """
    papers, set_aside = feed.listing(feed_response, day_of(context))
    return Table(papers, metadata={"set_aside": len(set_aside)}, checks=[entries_read(set_aside)])


@day_asset(record=PaperVotes, group_name="feed", kinds={"python", "parquet"}, code_version="1")
def paper_votes(context: dg.AssetExecutionContext, feed_response: Sequence[FeedResponse]) -> Table:
    """The latest upvotes, comments and GitHub stars of each paper of the day."""
    return Table(feed.votes(feed_response, day_of(context)))
