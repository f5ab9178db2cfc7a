"""The answers of models about a day's papers: one asset per stage."""

from collections.abc import Sequence

import dagster as dg

from papers_pipeline.base.per_paper import Progress
from papers_pipeline.defs.checks import PROVIDERS_ANSWER, day_check, providers_answer, row_check
from papers_pipeline.defs.tables import Table, day_asset, last_rows
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.llm.models import Models
from papers_pipeline.records import Record
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake


def enrichment_asset(stage: AnyStage) -> dg.AssetsDefinition:
    """The asset of one stage's rows."""
    checks = {check.name: check.description for check in stage.checks}
    checks[PROVIDERS_ANSWER] = "No provider rejected the key or the account."

    @day_asset(
        record=stage.record,
        name=stage.asset,
        group_name="enrichment",
        kinds={"llm", "parquet"},
        code_version=stage.prompt.version,
        metadata={"prompt": stage.prompt.name},
        description=stage.description,
        ins={name: dg.AssetIn() for name in stage.inputs},
        check_specs=[day_check(name, stage.asset, text) for name, text in checks.items()],
    )
    async def asset(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        lake: dg.ResourceParam[Lake],
        models: dg.ResourceParam[Models],
        progress: dg.ResourceParam[Progress],
        **inputs: Sequence[Record],
    ) -> Table:
        day = context.partition_key
        side_inputs = {name: lake.read(name, day, Record) or [] for name in stage.side_inputs}
        earlier = last_rows(context, lake, stage.record)
        rows, counts, spent = await enrich(
            stage,
            stage.choose(stage.items(**inputs, **side_inputs), earlier),
            models=models,
            earlier=earlier,
            lake=lake,
            day=day,
            concurrency=settings.llm_concurrency,
            progress=progress,
        )
        results = [row_check(check, rows) for check in stage.checks]
        results.append(providers_answer(models.closed_models(stage.prompt)))
        return Table(rows, counts=counts, spent=spent, checks=results)

    return asset
