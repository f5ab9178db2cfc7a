"""What models write about the papers of a day: one asset a prompt, from one factory over the files in `prompts/`."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from papers_pipeline.core.enrichment import Task, enrich
from papers_pipeline.core.lake import Lake
from papers_pipeline.core.llm import Models
from papers_pipeline.core.per_paper import Progress
from papers_pipeline.core.summaries import summary_task
from papers_pipeline.core.tags import tags_task
from papers_pipeline.defs.checks import day_check, providers_answer
from papers_pipeline.defs.partitions import day_of
from papers_pipeline.defs.resources import prompts_of
from papers_pipeline.defs.tables import Table, day_asset
from papers_pipeline.records import Enrichment, Paper, Summary, TopicTags
from papers_pipeline.settings import Settings, load_settings


def enrichment_asset(task: Task[Any, Any], record: type[Enrichment], description: str) -> dg.AssetsDefinition:
    """The asset of one prompt's answers."""
    prompt = task.prompt

    @day_asset(
        record=record,
        name=prompt.asset,
        group_name="enrichment",
        kinds={"llm", "parquet"},
        code_version=prompt.version,
        metadata={"prompt": prompt.name},
        description=description,
        check_specs=[day_check("providers_answer", prompt.asset, "No provider turned the key or the account away.")],
    )
    async def asset(
        context: dg.AssetExecutionContext,
        feed_listing: Sequence[Paper],
        settings: dg.ResourceParam[Settings],
        lake: dg.ResourceParam[Lake],
        models: dg.ResourceParam[Models],
        progress: dg.ResourceParam[Progress],
    ) -> Table:
        day = str(day_of(context))
        rows, counts, spent = await enrich(
            task,
            feed_listing,
            models=models,
            earlier=lake.read(prompt.asset, day, record) or (),
            day=day,
            concurrency=settings.llm_concurrency,
            progress=progress,
        )
        closed = {name: models.why_closed(name) for name in prompt.models if models.why_closed(name)}
        return Table(rows, counts=counts, metadata=vars(spent), checks=[providers_answer(closed)])

    return asset


@dg.definitions
def defs() -> dg.Definitions:
    prompts = prompts_of(load_settings())
    summaries = [
        enrichment_asset(
            summary_task(prompt, prompts.terms),
            Summary,
            f"A slogan and a short text a paper in the language «{prompt.language}».",
        )
        for prompt in prompts.summaries
    ]
    tags = enrichment_asset(
        tags_task(prompts.others["topic_tags"]),
        TopicTags,
        "The topics of each paper, from the closed list of `prompts/topics.yaml`.",
    )
    return dg.Definitions(assets=[*summaries, tags])
