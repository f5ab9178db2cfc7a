"""The tables of the lake: one Parquet file an asset and partition, whose schema is the record's.

Rows go through `pa.Table.from_pylist` with an explicit schema: through pandas alone nested columns come back as numpy
arrays, and an empty day has null types. The file names its record and format, so that any reader knows what it holds.
"""

import types
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from pydantic import BaseModel
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.records import Record, record_named
from papers_pipeline.store import files as storage

FORMAT = "1"
RowOf = TypeVar("RowOf", bound=Record)


class LakeError(OperatorError):
    """A stored table that cannot be read; the message names the file and the way out."""


class Lake:
    """The tables below a root, local or on a bucket."""

    def __init__(self, root: UPath) -> None:
        self.root = root

    def path(self, asset: str, partition: str | None) -> UPath:
        """Where the table of an asset's partition lies, or of an asset without partitions."""
        return (
            self.root / asset / f"{partition}.parquet"
            if partition
            else self.root / f"{asset}.parquet"
        )

    def read(self, asset: str, partition: str | None, record: type[RowOf]) -> list[RowOf] | None:
        """The rows of a partition, or of an asset without partitions; None when it was never built."""
        data = storage.read(self.path(asset, partition))
        if data is None:
            return None
        return [row for row in decode(data, asset, partition or "") if isinstance(row, record)]

    def assets(self) -> list[str]:
        """The assets that have a folder of partitions, by name."""
        return (
            sorted(path.name for path in self.root.iterdir() if path.is_dir())
            if self.root.exists()
            else []
        )

    def partitions(self, asset: str) -> list[str]:
        """The partitions of an asset that were built, in order."""
        folder = self.root / asset
        return sorted(path.stem for path in folder.glob("*.parquet")) if folder.exists() else []


def encode(rows: Sequence[Record], record: type[Record]) -> bytes:
    """The rows as the bytes of a Parquet file; the same rows give the same bytes."""
    schema = schema_of(record).with_metadata({"record": record.__name__, "format": FORMAT})
    table = pa.Table.from_pylist([row.model_dump() for row in rows], schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def decode(data: bytes, asset: str, partition: str) -> list[Record]:
    """The rows of a Parquet file's bytes, of the record that the file names. Raises LakeError for any other file."""
    where = f"{asset} {partition}"
    try:
        table = _table(data)
    except pa.ArrowInvalid as error:
        raise LakeError(
            f"{where}: the stored table is damaged ({error}): build {asset} of that day again"
        ) from None
    names = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    record = record_named(names.get("record", ""))
    if record is None or names.get("format") != FORMAT:
        raise LakeError(
            f"{where}: the stored table has a format that this release does not read: build it again"
        )
    return [record.model_validate(row) for row in table.to_pylist(maps_as_pydicts="strict")]


def rows_of(data: bytes, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Some columns of a Parquet file's bytes as plain dictionaries, for scans over many days."""
    yield from _table(data, list(columns)).to_pylist()


def items_of(data: bytes, column: str) -> pa.StructArray:
    """The items of a list column of a Parquet file's bytes: to take a few of them, of which alone Python's objects are
    made."""
    return _table(data, [column])[column].combine_chunks().flatten()


def scan(
    lake: Lake, asset: str, partitions: Sequence[str], columns: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Some columns of many partitions at once, by partition; one that was never built is not in it.

    A thousand files are read in a fraction of a second, by Arrow's own threads and without any Python buffer.
    """
    built = set(lake.partitions(asset))
    found: dict[str, list[dict[str, Any]]] = {
        partition: [] for partition in partitions if partition in built
    }
    for row in scan_table(lake, asset, list(found), columns).to_pylist():
        found[row.pop("partition")].append(row)
    return found


def scan_table(
    lake: Lake, asset: str, partitions: Sequence[str], columns: Sequence[str]
) -> pa.Table:
    """The same rows as one table, for what is too much as Python's objects; a further column names the ``partition``.

    Without rows, its columns may have no type.
    """
    built = set(lake.partitions(asset))
    wanted = [partition for partition in partitions if partition in built]
    if not wanted:
        return pa.table({name: [] for name in (*columns, "partition")})
    if not storage.is_local(lake.root):
        tables = [(it, _table(lake.path(asset, it).read_bytes(), list(columns))) for it in wanted]
        return pa.concat_tables(
            table.append_column("partition", pa.array([it] * table.num_rows, pa.string()))
            for it, table in tables
        )
    folder = (lake.root / asset).path
    files = {f"{folder}/{partition}.parquet": partition for partition in wanted}
    table = pyarrow.dataset.dataset(list(files), format="parquet").to_table(
        columns=[*columns, "__filename"]
    )
    named = pa.array([files[name] for name in table["__filename"].to_pylist()], pa.string())
    return table.drop_columns("__filename").append_column("partition", named)


def _table(data: bytes, columns: list[str] | None = None) -> pa.Table:
    """Read in this thread alone: `pq.read_table` leaves a worker that lets go of ``data`` when it likes, and a process
    that ends at that moment is aborted (pyarrow 26: `~PyBuffer` asks an ending interpreter for its lock)."""
    return pq.ParquetFile(pa.BufferReader(data)).read(columns=columns, use_threads=False)


@cache
def schema_of(model: type[BaseModel]) -> pa.Schema:
    """The pyarrow schema of a record: one column a field, by its alias, in the order of the class."""
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
