"""What models write about the papers of a day: one asset a prompt, from one factory over the files in `prompts/`."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from papers_pipeline.base.per_paper import Progress
from papers_pipeline.defs.checks import complete, day_check, in_language, providers_answer
from papers_pipeline.defs.tables import Table, day_asset, last_rows
from papers_pipeline.enrichment.enrich import Task, enrich
from papers_pipeline.enrichment.reading_task import language_name
from papers_pipeline.enrichment.tasks import tasks_of
from papers_pipeline.llm.chain import Models
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.records import Record
from papers_pipeline.settings import Settings, load_settings
from papers_pipeline.store.lake import Lake
from papers_pipeline.wiring import prompts_of


def enrichment_asset(task: Task[Any, Any, Any]) -> dg.AssetsDefinition:
    """The asset of one prompt's answers."""
    prompt = task.prompt

    @day_asset(
        record=task.record,
        name=prompt.asset,
        group_name="enrichment",
        kinds={"llm", "parquet"},
        code_version=prompt.version,
        metadata={"prompt": prompt.name},
        description=description(task),
        ins={name: dg.AssetIn() for name in task.inputs},
        check_specs=[
            day_check(name, prompt.asset, description)
            for name, description in checks_of(prompt).items()
        ],
    )
    async def asset(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        lake: dg.ResourceParam[Lake],
        models: dg.ResourceParam[Models],
        progress: dg.ResourceParam[Progress],
        **inputs: Sequence[Record],
    ) -> Table:
        beside = {
            name: lake.read(name, context.partition_key, Record) or [] for name in task.beside
        }
        earlier = last_rows(context, lake, task.record)
        rows, counts, spent = await enrich(
            task,
            task.choose(task.items(**inputs, **beside), earlier),
            models=models,
            earlier=earlier,
            day=context.partition_key,
            concurrency=settings.llm_concurrency,
            progress=progress,
        )
        closed = {
            name: models.why_closed(name) for name in prompt.models if models.why_closed(name)
        }
        checks = [providers_answer(closed), complete(rows)]
        if prompt.language:
            checks.append(in_language(prompt.language, rows))
        return Table(rows, counts=counts, metadata=vars(spent), checks=checks)

    return asset


def checks_of(prompt: Prompt) -> dict[str, str]:
    """The checks of a prompt's asset, and what each holds."""
    checks = {
        "providers_answer": "No provider turned the key or the account away.",
        "complete": "Every paper that can be asked about has an answer.",
    }
    return checks | (
        {"in_language": "Every text reads as its language."} if prompt.language else {}
    )


def description(task: Task[Any, Any, Any]) -> str:
    """What the UI says of a prompt's asset."""
    if task.prompt.language:
        return f"A slogan and a short text a paper in the language «{task.prompt.language}»."
    if task.prompt.into:
        return f"The day's reading task in {language_name(task.prompt.into)}: translation and vocabulary."
    return {
        "reading_task": "Simple Chinese sentences about one paper of the day, chosen once by upvotes, with "
        "pinyin and vocabulary by libraries. A new vote makes it no staler: it reads the kept responses.",
        "topic_tags": "The topics of each paper, from the closed list of `prompts/topics.yaml`.",
        "affiliations": "The institutions of each paper, and of each author, as printed on its title page.",
    }[task.prompt.name]


@dg.definitions
def defs() -> dg.Definitions:
    tasks = tasks_of(prompts_of(load_settings()))
    return dg.Definitions(assets=[enrichment_asset(task) for task in tasks.values()])
