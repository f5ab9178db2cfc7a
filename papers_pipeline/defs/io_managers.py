"""The one IO manager: tables of records as Parquet, and the lock of whatever the run builds."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from upath import UPath

from papers_pipeline import records
from papers_pipeline.base.per_paper import Progress
from papers_pipeline.records import Record
from papers_pipeline.runs import SITE_ASSETS, SITE_TAG, tag_process
from papers_pipeline.settings import Settings
from papers_pipeline.store import files as storage
from papers_pipeline.store import lake, locks


class RecordTables(dg.UPathIOManager):
    """Rows of records at `lake/<asset>/<partition>.parquet`; the record is named in the asset's metadata."""

    extension = ".parquet"

    def dump_to_path(self, context: dg.OutputContext, obj: Sequence[Record], path: UPath) -> None:
        record = getattr(records, (context.definition_metadata or {})["record"])
        storage.write(path, lake.encode(obj, record))

    def load_from_path(self, context: dg.InputContext, path: UPath) -> list[Record]:
        with path.open("rb") as file:
            data: bytes = file.read()
        return lake.decode(data, context.asset_key.to_user_string(), path.stem)

    def get_missing_partition_log_message(self, partition_key: str) -> str:
        return f"{partition_key} was never built: it is taken as absent"


def record_tables(settings: Settings, progress: Progress) -> dg.IOManagerDefinition:
    """The IO manager of these settings. Every run needs it, and it holds the run's lock for as long as the run lasts:
    a day's, or the site's for what names more than one day."""

    # A generator is a resource with an end; the stub knows only plain functions.
    @dg.io_manager(  # type: ignore[arg-type]
        description="Tables of records as Parquet files; holds the lock of the day, or of the site."
    )
    def manager(context: dg.InitResourceContext) -> Iterator[Any]:
        tables = RecordTables(settings.data / "lake")
        run = context.run
        if run is None:  # a notebook or a test that loads a table holds no lock
            yield tables
            return
        if context.instance:
            tag_process(context.instance, run.run_id)

        def tell(message: str) -> None:
            progress.note(message)
            if context.log:
                context.log.info(message)

        with locks.held(settings.home / "locks", lock_of(run), on_wait=tell):
            yield tables

    return manager


def lock_of(run: dg.DagsterRun) -> str:
    """The lock that a run takes: a day, or ``site``. The key of a month or week looks like that of its first day."""
    selected = {key.to_user_string() for key in run.asset_selection or ()}
    if SITE_TAG in run.tags or selected & set(SITE_ASSETS):
        return "site"
    return run.tags.get("dagster/partition", "site")
