"""The refresh plan after a prompt change, and the job that carries it out."""

import hashlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

# Internal API, tested with Dagster 1.13.27. The public API needs a webserver to submit a backfill.
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
from papers_pipeline.enrichment.plan import Planner, known_usd, known_usd_by_batch, to_refresh
from papers_pipeline.listing.days import parse_day
from papers_pipeline.records import PlanRow

PLAN_TAG = "papers/plan"
ALL_CURRENT = dg.AssetCheckSpec(
    "all_current",
    asset="refresh_plan",
    description="Every stored text was written by the current prompt.",
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
            "usd_by_batch": known_usd_by_batch(behind),
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
    """WARN if a day of any asset is not current; the metadata counts the days per asset."""
    days = Counter(row.asset for row in behind)
    return dg.AssetCheckResult(
        check_name="all_current",
        passed=not behind,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=dict(days),
    )


class RefreshConfig(dg.Config):
    """The days that `refresh_stale` updates, and whether it only logs them."""

    dry_run: bool = Field(default=True, description="Only log the plan. Set to false to submit it.")
    first_day: str | None = Field(
        default=None, description="First day, YYYY-MM-DD. Default: the oldest built."
    )
    last_day: str | None = Field(
        default=None, description="Last day, YYYY-MM-DD. Default: the newest built."
    )


@dg.op
def submit_stale_days(
    context: dg.OpExecutionContext,
    config: RefreshConfig,
    planner: dg.ResourceParam[Planner],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Compute a fresh plan and submit the stale assets, issues and pages as one backfill."""
    first = parse_day(config.first_day, clock) if config.first_day else None
    last = parse_day(config.last_day, clock) if config.last_day else None
    plan = planner.plan(first, last)
    wanted = to_refresh(plan)
    chosen = [row for row in plan if row.day in wanted.get(row.asset, ())]
    for row in chosen:
        context.log.info(f"{row.day} {row.asset}: {row.state}, {row.calls} calls, USD {row.usd}")
    calls = sum(row.calls for row in chosen)
    context.log.info(
        f"{len(chosen)} days of assets to refresh: {calls} calls, about USD {known_usd(chosen)}, "
        f"USD {known_usd_by_batch(chosen)} by batch (buy_by_batch)"
    )
    if not chosen:
        context.log.info("Everything is current: nothing to submit.")
        return
    if config.dry_run:
        context.log.info("Dry run: nothing was submitted. Launch again with dry_run: false.")
        return
    assets = planner.refresh_assets(wanted)
    root = context.run.root_run_id or context.run_id
    context.log.info(submit(context.instance, context.repository_def.asset_graph, assets, root))


@dg.job(
    description="Rebuilds what a changed prompt made stale, as one backfill. Only logs the plan "
    "unless you set dry_run: false. The daemon starts the runs."
)
def refresh_stale() -> None:
    submit_stale_days()


def submit(
    instance: dg.DagsterInstance,
    graph: BaseAssetGraph[Any],
    assets: Mapping[str, Sequence[str]],
    root_run_id: str,
) -> str:
    """Submit the days to the daemon as one backfill; returns a message about the result.

    Submits nothing if the same run is executed again, or while a backfill of the same plan is
    still in progress.
    """
    plan = _plan_id(assets)
    backfill_id = _digest(plan, root_run_id)
    existing = _backfill_in_progress(instance, plan)
    if existing is None and instance.get_backfill(backfill_id):
        existing = backfill_id
    if existing:
        return f"This plan was already submitted, as backfill {existing}."
    selectors = [_selector(asset, days) for asset, days in assets.items()]
    instance.add_backfill(
        PartitionBackfill.from_partitions_by_assets(
            backfill_id=backfill_id,
            asset_graph=graph,
            backfill_timestamp=time.time(),
            tags={PLAN_TAG: plan},
            dynamic_partitions_store=instance,
            partitions_by_assets=selectors,
            title="Refresh after a prompt change",
            description=None,
            run_config=None,
        )
    )
    return f"Submitted as backfill {backfill_id}. The daemon starts its runs within 30 seconds."


def _plan_id(assets: Mapping[str, Sequence[str]]) -> str:
    lines: list[str] = []
    for asset in sorted(assets):
        lines.extend(f"{asset} {day}" for day in assets[asset])
    return _digest(*lines)


def _backfill_in_progress(instance: dg.DagsterInstance, plan: str) -> str | None:
    for backfill in instance.get_backfills():
        is_requested = backfill.status == BulkActionStatus.REQUESTED
        if is_requested and backfill.tags.get(PLAN_TAG) == plan:
            return backfill.backfill_id
    return None


def _selector(asset: str, days: Sequence[str]) -> PartitionsByAssetSelector:
    ranges = [PartitionRangeSelector(start=day, end=day) for day in days]
    return PartitionsByAssetSelector(
        asset_key=dg.AssetKey(asset), partitions=PartitionsSelector(ranges)
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
