"""The Dagster code location: the definitions in `defs/`, bound to the settings in force."""

import warnings

import dagster as dg
from dagster._utils.warnings import BetaWarning

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.memory import share_arenas
from papers_pipeline.base.per_paper import RunWatcher
from papers_pipeline.defs import documents, feed, periods, site
from papers_pipeline.defs.alarms import alarm_sensors
from papers_pipeline.defs.batches import batches_ended, buy_by_batch
from papers_pipeline.defs.delivery import delivery_assets
from papers_pipeline.defs.enrichment import enrichment_asset
from papers_pipeline.defs.executor import threads_executor
from papers_pipeline.defs.issue import issue_asset
from papers_pipeline.defs.jobs import build_day, build_month, build_site, build_week
from papers_pipeline.defs.missing_days import daily_report_sensor, no_days_missing
from papers_pipeline.defs.operations import refresh_plan_asset, refresh_stale
from papers_pipeline.defs.publishing import publish_job, publishing_sensor
from papers_pipeline.defs.resources import resources
from papers_pipeline.defs.retention import prune
from papers_pipeline.defs.schedules import (
    last_days_nightly,
    prune_nightly,
    today_every_two_hours,
)
from papers_pipeline.defs.sensors import dead_runs, site_follows
from papers_pipeline.prompts.prompt import prompts_version
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import prompts_of, stages_of

# Dagster 1.13.27 warns about this parameter, which we do not set, when it binds resources to a
# sensor's job. Drop this when `owners` of SensorDefinition leaves beta.
warnings.filterwarnings("ignore", "Parameter `owners` of initializer `SensorDef", BetaWarning)

# Every process that runs jobs imports this module, before its threads allocate.
share_arenas()


def load(clock: Clock | None = None, watcher: RunWatcher | None = None) -> dg.Definitions:
    """The definitions for the settings in force.

    Named one by one: `dg.load_from_defs_folder` takes half a second.
    """
    settings = load_settings()
    stages = list(stages_of(settings).values())
    return dg.Definitions(
        assets=[
            *dg.load_assets_from_modules([feed, documents, site, periods]),
            *(enrichment_asset(stage) for stage in stages),
            issue_asset(stages),
            *delivery_assets(settings, clock or Clock()),
            refresh_plan_asset(prompts_version(prompts_of(settings))),
        ],
        asset_checks=[no_days_missing],
        jobs=[
            *(build_day, build_site, build_month, build_week),
            *(refresh_stale, buy_by_batch, prune, publish_job),
        ],
        schedules=[today_every_two_hours, last_days_nightly, prune_nightly],
        sensors=[
            *(site_follows, publishing_sensor(settings), batches_ended, dead_runs),
            *alarm_sensors(settings),
            daily_report_sensor(settings.alarm),
        ],
        resources=resources(settings, clock, watcher),
        executor=threads_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    return load()
