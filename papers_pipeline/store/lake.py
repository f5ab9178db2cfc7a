"""The lake's tables: one Parquet file per asset and partition, with the schema of its record.

Rows go through `pa.Table.from_pylist` with an explicit schema. Through pandas, nested columns would
come back as numpy arrays, and an empty day would have null types. Each file names its record and
format, so that any reader knows what it holds.
"""

import types
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.records import Record, record_named
from papers_pipeline.store import files as storage

# Arrow's own allocator keeps memory for each of the threads that ever read a table: 14 MB, and 45
# at the peak of a build.
pa.set_memory_pool(pa.system_memory_pool())

FORMAT = "1"
RowOf = TypeVar("RowOf", bound=Record)


class LakeError(OperatorError):
    """A stored table cannot be read. The message names the table and says what to do."""


class Lake:
    """The tables below a root, local or in a bucket."""

    def __init__(self, root: UPath) -> None:
        self.root = root

    def path(self, asset: str, partition: str | None) -> UPath:
        """The path of a partition's table; without a partition, that of the whole asset."""
        name = f"{asset}/{partition}" if partition else asset
        return self.root / f"{name}.parquet"

    def read(self, asset: str, partition: str | None, record: type[RowOf]) -> list[RowOf] | None:
        """The rows of a partition or of an unpartitioned asset; None if it was never built."""
        data = storage.read(self.path(asset, partition))
        if data is None:
            return None
        return [row for row in decode(data, asset, partition or "") if isinstance(row, record)]

    def assets(self) -> list[str]:
        """The partitioned assets that have a folder, by name."""
        if not self.root.exists():
            return []
        return sorted(path.name for path in self.root.iterdir() if path.is_dir())

    def partitions(self, asset: str) -> list[str]:
        """The built partitions of an asset, in order."""
        folder = self.root / asset
        return sorted(path.stem for path in folder.glob("*.parquet")) if folder.exists() else []


def encode(rows: Sequence[Record], record: type[Record]) -> bytes:
    """The rows as a Parquet file. The same rows give the same bytes."""
    schema = schema_of(record).with_metadata({"record": record.__name__, "format": FORMAT})
    table = pa.Table.from_pylist([row.model_dump() for row in rows], schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def decode(data: bytes, asset: str, partition: str) -> list[Record]:
    """The rows of a Parquet file, as the record that it names. Raises LakeError for other files."""
    where = f"{asset} {partition}"
    try:
        table = _table(data)
    except pa.ArrowInvalid as error:
        raise LakeError(
            f"{where}: the stored table is damaged ({error}): build {asset} for that day again"
        ) from None
    metadata = table.schema.metadata or {}
    record = record_named(metadata.get(b"record", b"").decode())
    if record is None or metadata.get(b"format", b"").decode() != FORMAT:
        raise LakeError(
            f"{where}: this release cannot read the format of the stored table: build it again"
        )
    return [record.model_validate(row) for row in table.to_pylist(maps_as_pydicts="strict")]


def rows_of(data: bytes, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Some columns of a Parquet file as plain dictionaries, for scans over many days."""
    yield from _table(data, list(columns)).to_pylist()


def items_of(data: bytes, column: str) -> pa.StructArray:
    """All items of a list column of a Parquet file, as an Arrow array.

    Only the items that the caller takes from it become Python objects.
    """
    return _table(data, [column])[column].combine_chunks().flatten()


def scan(
    lake: Lake, asset: str, partitions: Sequence[str], columns: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Some columns of many partitions, by partition, without those that were never built."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _built(lake, asset, partitions)}
    for row in scan_table(lake, asset, list(rows), columns).to_pylist():
        rows[row.pop("partition")].append(row)
    return rows


def scan_table(
    lake: Lake, asset: str, partitions: Sequence[str], columns: Sequence[str]
) -> pa.Table:
    """The same rows as one Arrow table with a further column, `partition`.

    For results too large for Python objects. Without rows, columns may have no type.
    Not through `pyarrow.dataset`: it imports pandas, and reads 558 days no faster.
    """
    built = _built(lake, asset, partitions)
    if not built:
        return pa.table({name: [] for name in (*columns, "partition")})
    tables = []
    for partition in built:
        table = _table(lake.path(asset, partition).read_bytes(), list(columns))
        names = pa.array([partition] * table.num_rows, pa.string())
        tables.append(table.append_column("partition", names))
    return pa.concat_tables(tables)


def _built(lake: Lake, asset: str, partitions: Sequence[str]) -> list[str]:
    """The given partitions without those that were never built."""
    built = set(lake.partitions(asset))
    return [partition for partition in partitions if partition in built]


def _table(data: bytes, columns: list[str] | None = None) -> pa.Table:
    # In this thread only: `pq.read_table` leaves a worker that releases `data` at any time, and a
    # process that exits just then is aborted (pyarrow 26: `~PyBuffer` needs the GIL).
    return pq.ParquetFile(pa.BufferReader(data)).read(columns=columns, use_threads=False)


@cache
def schema_of(model: type[BaseModel]) -> pa.Schema:
    """The pyarrow schema of a record: a column per field, named by alias, in class order."""
    return pa.schema(_fields(model))


PRIMITIVES: dict[Any, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
}


def _fields(model: type[BaseModel]) -> list[pa.Field]:
    return [
        _field(field.alias or name, field.annotation) for name, field in model.model_fields.items()
    ]


def _field(name: str, annotation: Any) -> pa.Field:
    if get_origin(annotation) in (Union, types.UnionType):
        (inner,) = (arg for arg in get_args(annotation) if arg is not type(None))
        return pa.field(name, _type(inner), nullable=True)
    return pa.field(name, _type(annotation), nullable=False)


def _type(annotation: Any) -> pa.DataType:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is list:
        return pa.list_(_field("item", args[0]))
    if origin is dict:
        return pa.map_(_type(args[0]), _type(args[1]))
    if origin is Literal:
        return pa.string()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct(_fields(annotation))
    return PRIMITIVES[annotation]
