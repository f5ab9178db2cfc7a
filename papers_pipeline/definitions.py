"""The Dagster code location: the definitions in `defs/`, bound to the settings in force."""

from pathlib import Path

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.per_paper import Progress
from papers_pipeline.defs.alarms import alarm_sensors
from papers_pipeline.defs.enrichment import enrichment_asset
from papers_pipeline.defs.executor import threads_executor
from papers_pipeline.defs.issue import issue_asset
from papers_pipeline.defs.operations import refresh_plan_asset
from papers_pipeline.defs.resources import resources
from papers_pipeline.prompts.prompt import prompts_version
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import prompts_of, stages_of


def load(clock: Clock | None = None, progress: Progress | None = None) -> dg.Definitions:
    """The definitions for the settings in force."""
    settings = load_settings()
    stages = list(stages_of(settings).values())
    of_settings = dg.Definitions(
        assets=[
            *(enrichment_asset(stage) for stage in stages),
            issue_asset(stages),
            refresh_plan_asset(prompts_version(prompts_of(settings))),
        ],
        sensors=alarm_sensors(settings),
        resources=resources(settings, clock, progress),
        executor=threads_executor,
    )
    in_folder = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(in_folder, of_settings)


@dg.definitions
def defs() -> dg.Definitions:
    return load()
