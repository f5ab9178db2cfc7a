"""What a changed prompt left behind, and the job that brings exactly that up to date."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

# Internal, and tried with Dagster 1.13.27: the public API submits a backfill only through a webserver's URL.
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.selector import (
    PartitionRangeSelector,
    PartitionsByAssetSelector,
    PartitionsSelector,
)
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from pydantic import Field

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.tables import Table, table_asset
from papers_pipeline.enrichment.plan import Planner, known_usd, to_refresh
from papers_pipeline.listing.days import parse_day
from papers_pipeline.records import PlanRow

PLAN_TAG = "papers/plan"
ALL_CURRENT = dg.AssetCheckSpec(
    "all_current", asset="refresh_plan", description="Every stored text is by the prompt in force."
)


def refresh_plan_asset(version: str) -> dg.AssetsDefinition:
    """The asset `refresh_plan`. Its code version covers all prompts, so that the UI marks it out of
    date when one of them changes."""

    @table_asset(
        record=PlanRow,
        group_name="operations",
        kinds={"python"},
        code_version=version,
        check_specs=[ALL_CURRENT],
    )
    def refresh_plan(planner: dg.ResourceParam[Planner]) -> Table:
        """What is out of date: one row per stage and day, with the calls, tokens, and USD left."""
        rows = planner.plan()
        behind = [row for row in rows if row.state != "current"]
        left = {
            "behind": len(behind),
            "calls": sum(row.calls for row in behind),
            "usd": known_usd(behind),
        }
        return Table(
            rows,
            papers=sum(row.papers for row in rows),
            metadata=left,
            checks=[all_current(behind)],
            preview=behind,
        )

    return refresh_plan


def all_current(behind: Sequence[PlanRow]) -> dg.AssetCheckResult:
    """WARN while a day of any asset is not current; the metadata counts the days of each."""
    days = {
        asset: sum(row.asset == asset for row in behind)
        for asset in {row.asset: None for row in behind}
    }
    return dg.AssetCheckResult(
        check_name="all_current",
        passed=not behind,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=days,
    )


class RefreshConfig(dg.Config):
    """What `refresh_stale` brings up to date."""

    dry_run: bool = Field(
        default=True, description="Only log what would be submitted. Set it to false to submit."
    )
    first_day: str | None = Field(
        default=None, description="The first day, YYYY-MM-DD; by default the oldest built."
    )
    last_day: str | None = Field(
        default=None, description="The last day, YYYY-MM-DD; by default the newest built."
    )


@dg.op
def submit_what_is_stale(
    context: dg.OpExecutionContext,
    config: RefreshConfig,
    planner: dg.ResourceParam[Planner],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Compute the plan afresh and submit its days as one backfill: the stale assets, the issue and the pages."""
    first, last = (
        parse_day(day, clock) if day else None for day in (config.first_day, config.last_day)
    )
    plan = planner.plan(first, last)
    wanted = to_refresh(plan)
    chosen = [row for row in plan if row.day in wanted.get(row.asset, ())]
    for row in chosen:
        context.log.info(f"{row.day} {row.asset}: {row.state}, {row.calls} calls, USD {row.usd}")
    calls, usd = sum(row.calls for row in chosen), known_usd(chosen)
    context.log.info(f"{len(chosen)} days of assets to refresh: {calls} calls, about USD {usd}")
    if not chosen:
        context.log.info("Everything is current: nothing to submit.")
    elif config.dry_run:
        context.log.info("A dry run: nothing was submitted. Launch again with dry_run: false.")
    else:
        assets = planner.refresh_assets(wanted)
        root = context.run.root_run_id or context.run_id
        context.log.info(submit(context.instance, context.repository_def.asset_graph, assets, root))


@dg.job(
    description="Bring up to date what a changed prompt left behind. A dry run unless its config says otherwise; the "
    "runs are started by the daemon."
)
def refresh_stale() -> None:
    submit_what_is_stale()


def submit(
    instance: dg.DagsterInstance,
    graph: BaseAssetGraph[Any],
    assets: Mapping[str, Sequence[str]],
    root_run_id: str,
) -> str:
    """Hand the days to the daemon as one backfill, and say what came of it. Executing the same run again submits
    nothing, nor does a second submission while the same plan is still at work."""
    plan = _digest(*(f"{asset} {day}" for asset in sorted(assets) for day in assets[asset]))
    backfill_id = _digest(plan, root_run_id)
    requested = [it for it in instance.get_backfills() if it.status == BulkActionStatus.REQUESTED]
    at_work = [it.backfill_id for it in requested if it.tags.get(PLAN_TAG) == plan]
    if at_work or instance.get_backfill(backfill_id):
        return f"The plan is submitted already, as backfill {(at_work or [backfill_id])[0]}."
    selectors = [
        PartitionsByAssetSelector(
            asset_key=dg.AssetKey(asset),
            partitions=PartitionsSelector(
                [PartitionRangeSelector(start=day, end=day) for day in days]
            ),
        )
        for asset, days in assets.items()
    ]
    instance.add_backfill(
        PartitionBackfill.from_partitions_by_assets(
            backfill_id=backfill_id,
            asset_graph=graph,
            backfill_timestamp=time.time(),
            tags={PLAN_TAG: plan},
            dynamic_partitions_store=instance,
            partitions_by_assets=selectors,
            title="What a changed prompt left behind",
            description=None,
            run_config=None,
        )
    )
    return f"Submitted as backfill {backfill_id}; the daemon starts its runs within half a minute."


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
