"""The lake's tables: one Parquet file per asset and partition, with the schema of its record.

Rows go through `pa.Table.from_pylist` with an explicit schema. Through pandas, nested columns would
come back as numpy arrays, and an empty day would have null types. Each file names its record and
format, so that any reader knows what it holds. `decode` says what a damaged table is.
"""

import hashlib
import types
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel
from upath import UPath

from papers_pipeline.records import Delivery, FeedResponse, Record, record_named
from papers_pipeline.store import files as storage
from papers_pipeline.store.damage import SUFFIX, Damaged, Newer, opened

# Arrow's own allocator keeps memory for each of the threads that ever read a table: 14 MB, and 45
# at the peak of a build.
pa.set_memory_pool(pa.system_memory_pool())

FORMAT = 1
EXTENSION = ".parquet"
RowOf = TypeVar("RowOf", bound=Record)
LASTING = (FeedResponse, Delivery)
"""What cannot be made again, unlike all other tables."""
UNREADABLE = (pa.ArrowException, OSError, ValueError, KeyError, ArithmeticError)
"""What Arrow and pydantic raise about bytes that are no table of ours, or no longer one."""


class Lake:
    """The tables below a root, local or in a bucket."""

    def __init__(self, root: UPath) -> None:
        self.root = root

    def path(self, asset: str, partition: str | None) -> UPath:
        """The path of a partition's table; without a partition, that of the whole asset."""
        name = f"{asset}/{partition}" if partition else asset
        return self.root / f"{name}{EXTENSION}"

    def read(self, asset: str, partition: str | None, record: type[RowOf]) -> list[RowOf] | None:
        """The rows of a partition or of an unpartitioned asset; None if it was never built.

        Like all that reads tables, it takes a damaged one as never built. Raises NewerFormat.
        """
        rows = opened(self.path(asset, partition), decode)
        return None if rows is None else [row for row in rows if isinstance(row, record)]

    def columns(self, asset: str, partition: str | None, names: Sequence[str]) -> pa.Table | None:
        """Some columns of a table, without those that were added later; None if never built."""
        return opened(self.path(asset, partition), lambda data: _table(data, list(names)))

    def unpartitioned(self) -> list[str]:
        """The assets of a single table that were built, by name."""
        return _tables_in(self.root)

    def assets(self) -> list[str]:
        """The partitioned assets that have a folder, by name."""
        return storage.folders(self.root)

    def partitions(self, asset: str) -> list[str]:
        """The built partitions of an asset, in order."""
        return _tables_in(self.root / asset)

    def lost(self, asset: str) -> list[str]:
        """The partitions whose table was set aside as damaged and not made again yet."""
        aside = set()
        for name in storage.names(self.root / asset):
            if name.endswith(EXTENSION + SUFFIX):
                aside.add(name.partition(".")[0])
        return sorted(aside - set(self.partitions(asset)))


def _tables_in(folder: UPath) -> list[str]:
    """The tables of a folder, without their extension, in order."""
    tables = []
    for name in storage.names(folder):
        if name.endswith(EXTENSION):
            tables.append(name.removesuffix(EXTENSION))
    return tables


def write(path: UPath, rows: Sequence[Record], record: type[Record]) -> None:
    """Store a table. Raises NewerFormat rather than replace the table of a newer release."""
    opened(path, _table)
    storage.write(path, encode(rows, record), durable=record in LASTING)


def encode(rows: Sequence[Record], record: type[Record]) -> bytes:
    """The rows as a Parquet file. The same rows give the same bytes."""
    schema = schema_of(record)
    stated = {"record": record.__name__, "format": str(FORMAT), "columns": _digest(schema.names)}
    schema = schema.with_metadata(stated)
    table = pa.Table.from_pylist([row.model_dump() for row in rows], schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return bytes(sink.getvalue())


def decode(data: bytes) -> list[Record]:
    """The rows of a Parquet file, as the record that it names. Raises Damaged or Newer."""
    table = _table(data)
    record = _record_of(table.schema)
    try:
        return [record.model_validate(row) for row in table.to_pylist(maps_as_pydicts="strict")]
    except UNREADABLE as error:
        raise Damaged(_first_line(error)) from None


def scan(
    lake: Lake, asset: str, partitions: Sequence[str], columns: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Some columns of many partitions, by partition, without those that were never built."""
    rows = {}
    for partition, table in _tables(lake, asset, partitions, columns).items():
        rows[partition] = table.to_pylist()
    return rows


def scan_table(
    lake: Lake, asset: str, partitions: Sequence[str], columns: Sequence[str]
) -> pa.Table:
    """The same rows as one Arrow table with a further column, `partition`.

    For results too large for Python objects. Without rows, columns may have no type.
    Not through `pyarrow.dataset`: it imports pandas, and reads 558 days no faster.
    """
    tables = []
    for partition, table in _tables(lake, asset, partitions, columns).items():
        names = pa.array([partition] * table.num_rows, pa.string())
        tables.append(table.append_column("partition", names))
    if not tables:
        return pa.table({name: [] for name in (*columns, "partition")})
    return pa.concat_tables(tables)


def _tables(
    lake: Lake, asset: str, partitions: Sequence[str], columns: Sequence[str]
) -> dict[str, pa.Table]:
    """Some columns of the given partitions, without those that were never built."""
    built = set(lake.partitions(asset))
    tables = {}
    for partition in partitions:
        table = lake.columns(asset, partition, columns) if partition in built else None
        if table is not None:
            tables[partition] = table
    return tables


def _table(data: bytes, columns: list[str] | None = None) -> pa.Table:
    """A table or some of its columns. Raises Damaged or Newer."""
    try:
        # In this thread only: `pq.read_table` leaves a worker that releases `data` at any time, and
        # a process that exits just then is aborted (pyarrow 26: `~PyBuffer` needs the GIL).
        # Tables of 0.1.0 have no checksums; they are read without.
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        table = file.read(columns=columns, use_threads=False)
        table.validate(full=True)
        names = file.schema_arrow.names
    except UNREADABLE as error:
        raise Damaged(_first_line(error)) from None
    record = _record_of(table.schema)
    # The names are in no page, so no checksum covers them.
    stated = table.schema.metadata.get(b"columns")
    if stated is not None and stated.decode(errors="replace") != _digest(names):
        raise Damaged("its columns are not those that it names")
    for name, field in record.model_fields.items():
        stored = field.alias or name
        wanted = columns is None or stored in columns
        if wanted and field.is_required() and stored not in table.column_names:
            raise Damaged(f"the column {stored} is missing")
    return table


def _record_of(schema: pa.Schema) -> type[Record]:
    """The record that a table names. Raises Damaged or Newer."""
    metadata = schema.metadata or {}
    name = metadata.get(b"record", b"").decode(errors="replace")
    stated = metadata.get(b"format", b"").decode(errors="replace")
    if not (name.isidentifier() and stated.isdecimal()):
        raise Damaged("it does not say what it holds")
    record = record_named(name)
    if record is None or int(stated) > FORMAT:
        raise Newer(f"a table of {name} in format {stated}")
    return record


def _digest(names: Sequence[str]) -> str:
    return hashlib.sha256(",".join(names).encode()).hexdigest()[:16]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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
