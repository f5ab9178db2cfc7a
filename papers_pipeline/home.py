"""This machine's DAGSTER_HOME. `python -m papers_pipeline.home` prepares it and prints its path."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import dagster as dg
from upath import UPath

from papers_pipeline.databases import set_aside_damaged
from papers_pipeline.runs import mark_dead_runs
from papers_pipeline.settings import Settings, load_settings
from papers_pipeline.store import files as storage
from papers_pipeline.store import locks
from papers_pipeline.wiring import coordination_of

logger = logging.getLogger(__name__)


def prepare(settings: Settings) -> Path:
    """Create the folder and, if it has none, its `dagster.yaml`; returns the folder."""
    settings.home.mkdir(parents=True, exist_ok=True)
    config = settings.home / "dagster.yaml"
    if not config.exists():
        storage.write(UPath(config), (files("papers_pipeline") / "dagster.yaml").read_bytes())
    return settings.home


@contextmanager
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of this home, after marking runs of dead processes as failed.

    Databases that cannot be opened are set aside first.
    """
    home = prepare(settings)
    os.environ["DAGSTER_HOME"] = str(home)  # read by Dagster, here and in child processes
    # Two processes must not create the same databases at once.
    with locks.held(home / "locks", "instance", logger.warning):
        set_aside_damaged(home)
        made = dg.DagsterInstance.from_config(str(home))
    with made:
        mark_dead_runs(made, coordination_of(settings))
        yield made


if __name__ == "__main__":
    with instance(load_settings()) as opened:
        print(opened.root_directory)
