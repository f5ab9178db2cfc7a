"""The IO manager: stores records as Parquet tables and holds the run's lock."""

from collections.abc import Iterator, Sequence
from typing import Any, get_origin

import dagster as dg
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import RunWatcher
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.records import Record, record_named
from papers_pipeline.runs import PARTITION_TAG, SITE_ASSETS, SITE_TAG, tag_process
from papers_pipeline.settings import Settings
from papers_pipeline.store import lake
from papers_pipeline.store.damage import opened
from papers_pipeline.wiring import coordination_of, viewed


class AbsentTable(OperatorError, FileNotFoundError):
    """There is no table to load. Dagster skips it where missing partitions are allowed."""


class RecordTables(dg.UPathIOManager):
    """Stores rows at `lake/<asset>/<partition>.parquet`. The asset's metadata names the record."""

    extension = lake.EXTENSION

    def __init__(self, root: UPath, coordination: Coordination) -> None:
        super().__init__(root)
        self._coordination = coordination

    def make_directory(self, path: UPath) -> None:
        """Do nothing: whoever writes a file makes its folder."""

    def _handle_transition_to_partitioned_asset(
        self, context: dg.OutputContext, path: UPath
    ) -> None:
        """Do nothing: no table was ever of another kind, and a bucket is asked twice for it."""

    def dump_to_path(self, context: dg.OutputContext, obj: Sequence[Record], path: UPath) -> None:
        name = (context.definition_metadata or {})["record"]
        record = record_named(name)
        assert record, f"{context.asset_key.to_user_string()}: no record is named {name}"
        self._coordination.check()
        lake.write(path, obj, record)

    def load_from_path(self, context: dg.InputContext, path: UPath) -> list[Record]:
        rows = opened(path, lake.decode)
        if rows is None:
            asset = context.asset_key.to_user_string()
            raise AbsentTable(
                f"{asset} {path.stem}: there is no stored table, or it was damaged and is set "
                f"aside: build {asset} for that day again"
            )
        return rows

    def load_partitions(self, context: dg.InputContext) -> Any:
        """Load the tables of the partitions: by key if the input is annotated as `dict[…]`.

        Dagster returns the rows of a single partition without a dict. A week has a single day on
        Monday, a month on its first day.
        """
        loaded = super().load_partitions(context)
        keys = context.asset_partition_keys
        if len(keys) > 1 or get_origin(context.dagster_type.typing_type) is not dict:
            return loaded
        return {} if loaded is None else {keys[0]: loaded}

    def get_missing_partition_log_message(self, partition_key: str) -> str:
        return f"{partition_key} was never built; continuing without it"


def record_tables(settings: Settings, watcher: RunWatcher) -> dg.IOManagerDefinition:
    """The IO manager for these settings.

    Every run needs it, so it also holds the run's lock until the run ends: the day's lock, or the
    site's for pages that span days.
    """

    # A generator resource has a teardown; the type stub knows only plain functions.
    @dg.io_manager(  # type: ignore[arg-type]
        description="Stores tables as Parquet files and holds the lock of the day or the site."
    )
    def manager(context: dg.InitResourceContext) -> Iterator[Any]:
        coordination = coordination_of(settings)
        tables = RecordTables(settings.data / "lake", coordination)
        run = context.run
        if run is None:  # loading a table in a notebook or a test needs no lock
            yield tables
            return
        if context.instance:
            tag_process(context.instance, run.run_id, coordination)

        subject = lock_of(run)

        def report_wait(message: str) -> None:
            watcher.of(subject).note(message)
            if context.log:
                context.log.info(message)

        with coordination.held(subject, on_wait=report_wait), viewed(settings):
            yield tables

    return manager


def lock_of(run: dg.DagsterRun) -> str:
    """What a run is about, and the name of the lock that it takes: its day, or `site`.

    The partition key alone does not decide: a month's or week's looks like its first day.
    """
    selected = {key.to_user_string() for key in run.asset_selection or ()}
    if SITE_TAG in run.tags or selected & set(SITE_ASSETS):
        return "site"
    return run.tags.get(PARTITION_TAG, "site")
