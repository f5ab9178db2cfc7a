"""The answers that stored rows hold: a second source of what was bought, if a purchase is lost."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Generic

from pydantic import ValidationError

from papers_pipeline.base.faults import Fault
from papers_pipeline.enrichment.stage import Item, Output, Row, Stage
from papers_pipeline.listing.days import NEARBY
from papers_pipeline.llm.conversation import Provenance
from papers_pipeline.records import Enrichment, by_arxiv_id
from papers_pipeline.store.lake import Lake, scan
from papers_pipeline.store.purchases import Purchase

COLUMNS = ("arxiv_id", "state", "prompt_version", "input_hash")


class RowStands(Exception):
    """A stored row answers the question, but does not hold the whole answer: it stays as it is."""

    def __init__(self, row: Enrichment) -> None:
        super().__init__(row.arxiv_id)
        self.row = row


class KeptAnswers(Generic[Item, Row, Output]):
    """The answered rows of a stage: `earlier` ones of the same day, else those of days nearby."""

    def __init__(
        self,
        stage: Stage[Item, Row, Output],
        earlier: Iterable[Row],
        lake: Lake | None = None,
        day: str | None = None,
    ) -> None:
        self._stage = stage
        self._earlier = by_arxiv_id(earlier)
        self._lake = lake
        self._day = day

    def entry(self, item: Item) -> Purchase | None:
        """The purchase about an item, made again from the row that holds its answer.

        None if no row answers the same input under the same prompt. Raises RowStands.
        """
        row = self._row(item)
        if row is None or row.created_at is None:
            return None
        return entry_of(self._stage, row)

    def _row(self, item: Item) -> Row | None:
        version = self._stage.prompt.version
        wanted = self._stage.input_hash(item)
        row = self._earlier.get(item.arxiv_id)
        if row is not None and wanted in answered_inputs([row.model_dump()], version):
            return row
        day = self._days_nearby.get((item.arxiv_id, wanted))
        if day is None or self._lake is None:
            return None
        rows = self._lake.read(self._stage.asset, day, self._stage.record) or ()
        return by_arxiv_id(rows).get(item.arxiv_id)

    @cached_property
    def _days_nearby(self) -> Mapping[tuple[str, str], str]:
        """The last day nearby that answers a paper's input. Read only if one is needed."""
        if self._lake is None or self._day is None:
            return {}
        today = date.fromisoformat(self._day)
        days = []
        for partition in self._lake.partitions(self._stage.asset):
            if abs(date.fromisoformat(partition) - today) <= NEARBY and partition != self._day:
                days.append(partition)
        found = {}
        for day, rows in scan(self._lake, self._stage.asset, days, COLUMNS).items():
            answered = answered_inputs(rows, self._stage.prompt.version)
            for row in rows:
                if row["input_hash"] in answered:
                    found[row["arxiv_id"], row["input_hash"]] = day
        return found


def entry_of(stage: Stage[Item, Row, Output], row: Row) -> Purchase:
    """The purchase that an answered row was made from, without the conversation.

    Raises RowStands if the row does not hold the whole answer.
    """
    if row.created_at is None or not stage.rows_hold_answers:
        raise RowStands(row)
    try:
        output = stage.output_of(row)
    except ValidationError:  # the prompt asks for more now, or a field was empty
        raise RowStands(row) from None
    provenance = Provenance(
        provider=row.provider,
        model=row.model,
        arxiv_id=row.arxiv_id,
        prompt=stage.prompt.name,
        prompt_version=row.prompt_version,
        input_tokens=0,
        output_tokens=0,
        usd=None,
        attempts=(),
        faults=tuple(_faults(row)),
    )
    return Purchase(
        asset=stage.asset,
        identity=row.question,
        created_at=row.created_at,
        value=output.model_dump(mode="json"),
        provenance=provenance.as_json(),
    )


def answered_inputs(rows: Iterable[Mapping[str, Any]], version: str) -> set[str]:
    """The hashes of the inputs that rows answer under a version of the prompt."""
    answered = set()
    for row in rows:
        if row["state"] == "done" and row["prompt_version"] == version:
            answered.add(row["input_hash"])
    return answered


def _faults(row: Enrichment) -> Sequence[Fault]:
    """The faults that a row is marked with. It does not say which rules found them."""
    unverified = [Fault("kept in a row", text, "unverified", text) for text in row.unverified]
    return (*unverified, *(Fault("kept in a row", note, "style") for note in row.style_notes))
