"""Tables: each can be read, and each answered row says what was bought."""

from collections.abc import Iterator
from typing import Any

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.cli.verification.finding import AN_UPGRADE, SET_ASIDE, Finding, Remark
from papers_pipeline.cli.verification.purchases import PurchaseReader
from papers_pipeline.cli.verification.stored import Stored
from papers_pipeline.records import Record


def tables(stored: Stored, reader: PurchaseReader) -> Iterator[Finding | Remark]:
    """The findings about all tables, and about the purchases that their rows were made from."""
    lake = stored.lake
    for asset in lake.unpartitioned():
        if stored.chosen():
            yield from _examined(stored, asset, None, [])
    for asset in lake.assets():
        for partition in lake.lost(asset):
            yield Finding(f"{asset} {partition}", SET_ASIDE, stored.build(partition))
        for partition in lake.partitions(asset):
            if stored.chosen():
                rows: list[Any] = []
                yield from _examined(stored, asset, partition, rows)
                if asset in stored.stages:
                    yield from reader.of_rows(stored.stages[asset], partition, rows)


def _examined(
    stored: Stored, asset: str, partition: str | None, into: list[Any]
) -> Iterator[Finding]:
    """Read a table into a list; the finding if it is damaged or of a newer release."""
    subject = f"{asset} {partition}" if partition else asset
    try:
        rows = stored.lake.read(asset, partition, Record)
    except OperatorError as error:
        yield Finding(subject, str(error), AN_UPGRADE)
        return
    if rows is None:
        yield Finding(subject, SET_ASIDE, stored.build(partition or ""))
        return
    into.extend(rows)
