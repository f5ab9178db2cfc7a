"""Purchases: each can be read, and says what the rows say that were made from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.cli.verification.finding import (
    AN_UPGRADE,
    REPAIR,
    SET_ASIDE,
    Finding,
    Remark,
)
from papers_pipeline.cli.verification.stored import Stored
from papers_pipeline.enrichment.kept_answers import RowStands, entry_of
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.llm.conversation import Provenance
from papers_pipeline.records import Enrichment
from papers_pipeline.store import files as storage
from papers_pipeline.store import sealed
from papers_pipeline.store.damage import set_aside
from papers_pipeline.store.purchases import Purchase

Question = tuple[str | None, str | None, str | None]
"""Asset, paper and version of the prompt, as in a line of the ledger."""


@dataclass(frozen=True)
class Bought:
    """An answer or a failure that a chain of models gave: what the ledger has to say about it."""

    path: UPath
    asset: str
    provenance: Provenance

    @property
    def key(self) -> str:
        return self.path.stem

    @property
    def question(self) -> Question:
        return self.asset, self.provenance.arxiv_id, self.provenance.prompt_version


class PurchaseReader:
    """Reads each purchase once: first those of rows, then the others.

    `bought` are those that models gave, as far as they were read. `in_rows` are the questions that
    rows answer.
    """

    def __init__(self, stored: Stored) -> None:
        self.bought: list[Bought] = []
        self.in_rows: set[Question] = set()
        self._stored = stored
        self._read: set[str] = set()
        self._told: set[str] = set()

    def of_rows(
        self, stage: AnyStage, partition: str, rows: Sequence[Any]
    ) -> Iterator[Finding | Remark]:
        """The findings about the purchases of a table's answered rows."""
        for row in rows:
            if row.state == "done" and row.created_at is not None:
                yield from self._of_row(stage, partition, row)

    def others(self) -> Iterator[Finding | Remark]:
        """The findings about the purchases that no row is made from, and how many models gave."""
        answers = 0
        for path in self._stored.purchases.paths():
            if path.path in self._read or not self._stored.chosen():
                continue
            try:
                entry = self._entry(path)
            except OperatorError as error:
                yield Finding(str(path), str(error), AN_UPGRADE)
                continue
            if entry is None:
                yield Finding(str(path), SET_ASIDE, "a build of its paper's day")
            elif entry.value is not None and entry.provenance:
                answers += 1
        if answers and self._stored.is_whole:
            yield Remark(
                f"{answers:,} purchased answers are in no row: of earlier prompts or texts"
            )

    def _of_row(
        self, stage: AnyStage, partition: str, row: Enrichment
    ) -> Iterator[Finding | Remark]:
        self.in_rows.add((stage.asset, row.arxiv_id, row.prompt_version))
        path = self._stored.purchases.path(stage.asset, row.question)
        if path.path in self._told:
            return
        subject = f"{stage.asset} {partition} {row.arxiv_id}"
        was_there = storage.exists(path)
        try:
            entry = self._entry(path)
        except OperatorError as error:
            self._told.add(path.path)
            yield Finding(str(path), str(error), AN_UPGRADE)
            return
        if entry is None or entry.value is None:
            self._told.add(path.path)
            is_damaged = was_there and entry is None
            where = str(path) if is_damaged else subject
            fault = SET_ASIDE if is_damaged else "its purchase is missing"
            yield Finding(where, fault, self._restored(stage, row))
        elif entry.created_at != row.created_at:
            fault = "it was made from another answer than is stored"
            yield Finding(subject, fault, self._stored.build(partition))
        elif not _says_the_same(stage, row, entry):
            fault = f"it says something else than its purchase {path.name}"
            yield Finding(subject, fault, self._decided(stage, row, path))

    def _entry(self, path: UPath) -> Purchase | None:
        """The purchase in a file; None if it is missing or damaged. Raises NewerFormat."""
        is_new = path.path not in self._read
        self._read.add(path.path)
        entry = self._stored.purchases.read(path)
        if is_new and entry is not None and "attempts" in entry.provenance:
            # Without the conversations, which are most of an entry.
            provenance = Provenance.of(entry).model_copy(update={"earlier": ()})
            short = []
            for attempt in provenance.attempts:
                short.append(attempt.model_copy(update={"messages": (), "verdicts": ()}))
            provenance = provenance.model_copy(update={"attempts": tuple(short)})
            self.bought.append(Bought(path, entry.asset, provenance))
        return entry

    def _restored(self, stage: AnyStage, row: Enrichment) -> str:
        """Write a purchase again from its row, if that is asked for and the row holds it all.

        Returns what does so.
        """
        try:
            entry = entry_of(stage, row)
        except RowStands:
            return f"`papers redo {row.arxiv_id} --only {stage.asset}`, which buys it again"
        if self._stored.repair:
            self._stored.purchases.put(entry)
        return REPAIR

    def _decided(self, stage: AnyStage, row: Enrichment, path: UPath) -> str:
        """Write a purchase again from the row that contradicts it, if it has no checksum.

        Tables have checksums. If both have one, only a new answer decides.
        """
        data = storage.read(path)
        if data is None or sealed.is_sealed(data):
            return f"`papers redo {row.arxiv_id} --only {stage.asset}`, which buys it again"
        if self._stored.repair:
            set_aside(path, data, "a row says something else", "it is made again from that row")
        return self._restored(stage, row)


def _says_the_same(stage: AnyStage, row: Enrichment, entry: Purchase) -> bool:
    """Whether row and purchase agree, as far as the row holds the answer."""
    if not stage.rows_hold_answers:
        return True
    try:
        return bool(stage.holds(row, stage.output.model_validate(entry.value)))
    except ValidationError:  # the prompt asks for more now
        return True
