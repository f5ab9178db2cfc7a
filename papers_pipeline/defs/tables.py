"""Declare assets whose body returns a `Table`.

The decorator stores the table, gives it a data version, counts it and previews it, so that no asset
can forget to.
"""

import functools
import hashlib
import json
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import dagster as dg
from pydantic import BaseModel

from papers_pipeline.base import loop
from papers_pipeline.base.characters import excerpt
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import Counts
from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.llm.spent import Spent
from papers_pipeline.records import Record
from papers_pipeline.store.lake import Lake, RowOf

PREVIEW_ROWS = 50
PREVIEW_CHARACTERS = 120


@dataclass(frozen=True)
class Table:
    """What an asset's body returns.

    `counts` comes from `per_paper`; an asset that handles the day as a whole gives the number of
    `papers` instead. `preview` replaces the rows in the UI if they are not one row per paper.
    """

    rows: Sequence[Record]
    papers: int | None = None
    counts: Counts | None = None
    spent: Spent | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    checks: Sequence[dg.AssetCheckResult] = ()
    preview: Sequence[BaseModel] | None = None


Body = Callable[..., Table] | Callable[..., Coroutine[Any, Any, Table]]


def table_asset(
    *, record: type[Record], metadata: dict[str, Any] | None = None, **options: Any
) -> Callable[[Body], dg.AssetsDefinition]:
    """`dg.asset` for a body that returns a `Table` of this record."""
    # No return type: with checks, Dagster reads the annotation as one output of several.
    asset = dg.asset(
        owners=["team:papers"],
        dagster_type=dg.Any,
        metadata={"record": record.__name__, **(metadata or {})},
        **options,
    )
    return lambda body: asset(_materializing(body))


day_asset = functools.partial(table_asset, partitions_def=DAILY)


def last_rows(
    context: dg.AssetExecutionContext, lake: Lake, record: type[RowOf]
) -> Sequence[RowOf]:
    """The stored rows of this asset, or of its partition; empty if it was never built."""
    partition = context.partition_key if context.has_partition_key else None
    return lake.read(context.asset_key.to_user_string(), partition, record) or ()


def _materializing(body: Body) -> Callable[..., Any]:
    def table_of(*args: Any, **kwargs: Any) -> Table:
        made = body(*args, **kwargs)
        return made if isinstance(made, Table) else loop.run(made)

    @functools.wraps(body)
    def asset(*args: Any, **kwargs: Any) -> dg.MaterializeResult[Any]:
        started = time.perf_counter()
        try:
            table = table_of(*args, **kwargs)
        except OperatorError as error:
            raise dg.Failure(str(error)) from None
        except loop.Cancelled:
            raise dg.DagsterExecutionInterruptedError from None
        return _result(table, round(time.perf_counter() - started, 3))

    del asset.__annotations__["return"]
    return asset


def _result(table: Table, seconds: float) -> dg.MaterializeResult[Any]:
    papers = len(table.rows) if table.papers is None else table.papers
    counts = table.counts or Counts(
        papers, reused=0, computed=papers, failed=0, pending=0, seconds=seconds
    )
    return dg.MaterializeResult(
        value=list(table.rows),
        data_version=dg.DataVersion(content_version(table.rows)),
        metadata={
            **asdict(counts),
            **(asdict(table.spent) if table.spent else {}),
            **table.metadata,
            **_preview(table.preview or table.rows),
        },
        check_results=list(table.checks),
    )


def read_counts(metadata: Mapping[str, dg.MetadataValue]) -> Counts | None:
    """The counts in a materialization's metadata."""
    found = _fields(Counts, metadata)
    return Counts(**found) if found else None


def read_spent(metadata: Mapping[str, dg.MetadataValue]) -> Spent | None:
    """What the materialization spent on models, if it asked any."""
    found = _fields(Spent, metadata)
    return Spent(**found) if found else None


def _fields(record: type[Counts] | type[Spent], metadata: Mapping[str, Any]) -> dict[str, Any]:
    names = [field.name for field in fields(record)]
    return {name: metadata[name].value for name in names if name in metadata}


def content_version(rows: Sequence[Record]) -> str:
    """Hash of the rows in canonical order, without their provenance.

    With a code version alone, rows filled by a later run would not make downstream assets stale.
    """
    contents = sorted(json.dumps(row.content(), sort_keys=True, ensure_ascii=False) for row in rows)
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()[:16]


def _preview(rows: Sequence[BaseModel]) -> dict[str, dg.MetadataValue]:
    if not rows:
        return {}
    shown = [row.model_dump(mode="json") for row in rows[:PREVIEW_ROWS]]
    # A field that is left out where it is empty, such as a paper's notes, still has its column.
    names = list(dict.fromkeys(name for values in shown for name in values))
    records = []
    for values in shown:
        records.append(dg.TableRecord({name: _short(values.get(name)) for name in names}))
    columns = [dg.TableColumn(name, "string") for name in names]
    return {"rows": dg.MetadataValue.table(records, dg.TableSchema(columns))}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return excerpt(text, PREVIEW_CHARACTERS)
