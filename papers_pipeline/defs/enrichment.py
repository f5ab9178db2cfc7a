"""What models write about the papers of a day: one asset a prompt, from one factory over the files in `prompts/`."""

from collections.abc import Sequence

import dagster as dg

from papers_pipeline.core.per_paper import Progress
from papers_pipeline.core.prompts import Prompt, Prompts
from papers_pipeline.core.summaries import summarize
from papers_pipeline.core.tags import tag
from papers_pipeline.defs.resources import prompts_of
from papers_pipeline.defs.tables import Table, day_asset
from papers_pipeline.records import Paper, Summary, TopicTags
from papers_pipeline.settings import Settings, load_settings


def summaries_asset(prompt: Prompt) -> dg.AssetsDefinition:
    """The asset of one language's texts."""

    @day_asset(
        record=Summary,
        name=prompt.asset,
        group_name="enrichment",
        kinds={"llm", "parquet"},
        code_version=prompt.version,
        metadata={"prompt": prompt.name},
        description=f"A slogan and a short text a paper in the language «{prompt.language}».",
    )
    async def summaries(
        feed_listing: Sequence[Paper], settings: dg.ResourceParam[Settings], progress: dg.ResourceParam[Progress]
    ) -> Table:
        rows, counts = await summarize(prompt, feed_listing, concurrency=settings.llm_concurrency, progress=progress)
        return Table(rows, counts=counts)

    return summaries


def tags_asset(prompts: Prompts) -> dg.AssetsDefinition:
    """The asset of the topics."""
    prompt = prompts.others["topic_tags"]

    @day_asset(
        record=TopicTags,
        name=prompt.asset,
        group_name="enrichment",
        kinds={"llm", "parquet"},
        code_version=prompt.version,
        metadata={"prompt": prompt.name},
        description="The topics of each paper, from the closed list of `prompts/topics.yaml`.",
    )
    async def topic_tags(
        feed_listing: Sequence[Paper], settings: dg.ResourceParam[Settings], progress: dg.ResourceParam[Progress]
    ) -> Table:
        rows, counts = await tag(
            prompt, prompts.topics, feed_listing, concurrency=settings.llm_concurrency, progress=progress
        )
        return Table(rows, counts=counts)

    return topic_tags


@dg.definitions
def defs() -> dg.Definitions:
    prompts = prompts_of(load_settings())
    return dg.Definitions(assets=[*map(summaries_asset, prompts.summaries), tags_asset(prompts)])
