"""How an asset of this project is declared: its body returns a `Table`, and the decorator stores, versions, counts and
previews it, so that no asset can forget to."""

import functools
import hashlib
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import dagster as dg
from pydantic import BaseModel

from papers_pipeline.base.characters import excerpt
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import Counts
from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.records import Record
from papers_pipeline.store.lake import Lake, RowOf

PREVIEW_ROWS = 50
PREVIEW_CHARACTERS = 120


@dataclass(frozen=True)
class Table:
    """What an asset's body returns. ``counts`` comes from `per_paper`; an asset that takes the day as a whole gives
    the number of ``papers`` instead. ``preview`` replaces the rows in the UI where they are no row a paper."""

    rows: Sequence[Record]
    papers: int | None = None
    counts: Counts | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    checks: Sequence[dg.AssetCheckResult] = ()
    preview: Sequence[BaseModel] | None = None


Body = Callable[..., Table] | Callable[..., Awaitable[Table]]


def table_asset(
    *, record: type[Record], metadata: dict[str, Any] | None = None, **options: Any
) -> Callable[[Body], dg.AssetsDefinition]:
    """`dg.asset` for a body that returns a `Table` of this record."""
    # No return type: beside checks, Dagster takes the annotation for that of one output of several.
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
    """The rows of the last build of this asset, or of its day; none when it was never built."""
    partition = context.partition_key if context.has_partition_key else None
    return lake.read(context.asset_key.to_user_string(), partition, record) or ()


def _materializing(body: Body) -> Callable[..., Any]:
    @functools.wraps(body)
    async def asset(*args: Any, **kwargs: Any) -> dg.MaterializeResult[Any]:
        started = time.perf_counter()
        try:
            table = body(*args, **kwargs)
            if inspect.isawaitable(table):
                table = await table
        except OperatorError as error:
            raise dg.Failure(str(error)) from None
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
        metadata={**asdict(counts), **table.metadata, **_preview(table.preview or table.rows)},
        check_results=list(table.checks),
    )


def content_version(rows: Sequence[Record]) -> str:
    """A hash over the rows in canonical order, without their provenance.

    With a code version alone, rows that a later run filled would leave everything downstream fresh.
    """
    contents = sorted(json.dumps(row.content(), sort_keys=True, ensure_ascii=False) for row in rows)
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()[:16]


def _preview(rows: Sequence[BaseModel]) -> dict[str, dg.MetadataValue]:
    if not rows:
        return {}
    records = [
        dg.TableRecord({name: _short(value) for name, value in row.model_dump(mode="json").items()})
        for row in rows[:PREVIEW_ROWS]
    ]
    columns = [dg.TableColumn(name, "string") for name in type(rows[0]).model_fields]
    return {"rows": dg.MetadataValue.table(records, dg.TableSchema(columns))}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return excerpt(text, PREVIEW_CHARACTERS)
