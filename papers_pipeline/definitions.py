"""The code location: everything below `defs/`, bound to the resources of the settings."""

from pathlib import Path

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.per_paper import Progress
from papers_pipeline.defs.resources import resources
from papers_pipeline.settings import load_settings


def load(clock: Clock | None = None, progress: Progress | None = None) -> dg.Definitions:
    """The definitions for the settings in force. The in-process executor runs a day's assets in a tenth of the time of
    a process a step; what is slow in them waits for the network, and overlaps inside the step."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(
            resources=resources(load_settings(), clock, progress), executor=dg.in_process_executor
        ),
    )


@dg.definitions
def defs() -> dg.Definitions:
    return load()
