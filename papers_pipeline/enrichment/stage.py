"""A stage: one prompt's part of a day, from the stored inputs to the stored rows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.faults import Fault
from papers_pipeline.base.loaded_once import LoadedOnce
from papers_pipeline.base.per_paper import Outcome
from papers_pipeline.enrichment.draft import PaperDraft
from papers_pipeline.enrichment.row_checks import Complete, RowCheck
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.verdict import Verdict, of_severity
from papers_pipeline.prompts.prompt import Prompt, input_hash
from papers_pipeline.records import (
    Enrichment,
    HasArxivId,
    PendingReason,
    Record,
    UnreadReason,
)
from papers_pipeline.store.lake import Lake

Variables = Mapping[str, Any]
"""The variables that a prompt's template renders for one item."""


Item = TypeVar("Item", bound=HasArxivId)
Row = TypeVar("Row", bound=Enrichment)
Output = TypeVar("Output", bound=BaseModel)


class Stage(ABC, Generic[Item, Row, Output]):
    """Asks a model one prompt about each item of a day and stores one row per item.

    A subclass lives in its own module of `enrichment/stages/` and declares everything that the
    rest of the project needs to know: the assets, the plan, the issue, and the CLI all read it
    from here.
    """

    prompt_kind: ClassVar[str]
    """The prompt file that this stage asks, without its language: `summary` for `summary.ru.md`."""
    record: type[Row]
    output: type[Output]
    """The object that a model is asked for."""
    inputs: ClassVar[tuple[str, ...]] = ("feed_listing",)
    """The assets whose rows `items` takes, each as the keyword argument of its name."""
    side_inputs: ClassVar[tuple[str, ...]] = ()
    """Further tables that `items` takes as stored. A change in them makes nothing stale."""
    one_a_day: ClassVar[bool] = False
    """Whether `choose` picks a single item of the day."""
    shown_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that `papers prompts diff` prints."""
    answer_tokens: ClassVar[int] = 250
    """The assumed size of an answer until one has been bought."""
    in_build_table: ClassVar[bool] = False
    """Whether the table of `papers build` counts this stage's rows."""
    rows_hold_answers: ClassVar[bool] = False
    """Whether a row holds its whole answer, so that `output_of` can make it again."""
    preloads: ClassVar[tuple[LoadedOnce[Any], ...]] = ()
    """What `judge` needs and what takes long to load."""

    def __init__(self, prompt: Prompt, terms: frozenset[str] = frozenset()) -> None:
        """`terms` are the lower-case Latin words that Russian prose may contain."""
        self.prompt = prompt
        self.terms = terms

    @property
    def asset(self) -> str:
        """The name of the asset that holds the rows."""
        return self.prompt.asset

    @property
    def label(self) -> str:
        """The name that `papers prompts diff` takes: the prompt's, unless it serves many assets."""
        return self.asset if self.prompt.into else self.prompt.name

    @property
    @abstractmethod
    def description(self) -> str:
        """One sentence about the rows, for the Dagster UI."""

    @property
    def checks(self) -> Sequence[RowCheck]:
        """The checks of a day's rows."""
        return (Complete(),)

    @property
    def input_characters(self) -> int:
        """The assumed size of an input until an answer has been bought: that of an abstract."""
        return 1500

    def rows_expected(self, papers: int) -> int:
        """How many rows a day with so many papers should have: fewer if `choose` picks some."""
        return papers

    @abstractmethod
    def items(self, *args: Any, **tables: Any) -> Sequence[Item]:
        """Join the input tables into one item per paper."""

    def choose(self, items: Sequence[Item], earlier: Sequence[Row]) -> Sequence[Item]:
        """The items to ask about. `earlier` are the rows of the last build."""
        return items

    def why_not_asked(self, item: Item) -> PendingReason | UnreadReason | None:
        """Why no model can be asked about this item; None if one can."""
        return None

    @abstractmethod
    def prompt_variables(self, item: Item) -> Sequence[Variables]:
        """The template's variables. If there are several, each further model of the chain gets the
        next; only the first counts as the input."""

    def repair(self, output: Output) -> tuple[Output, Sequence[str]]:
        """The answer with its mechanical faults mended before it is judged, and what changed."""
        return output, ()

    @abstractmethod
    def judge(self, output: Output, variables: Variables) -> Verdict:
        """The guardrails' verdict on an answer to these variables."""

    @abstractmethod
    def answer_row(self, item: Item, answer: Answer[Output]) -> Row:
        """The row of an item that a model answered."""

    @abstractmethod
    def fallback_row(self, item: Item, outcome: Outcome[Row]) -> Row:
        """The row of an item without an answer: a labelled stand-in if there is an honest one."""

    def still_fits(self, item: Item, row: Row) -> bool:
        """Whether the last build's row may stay if no model gives a new answer."""
        return True

    def renewed(self, row: Row, item: Item, answer: Answer[Output]) -> Row:
        """The row that the last build made from this very answer, as this version makes it.

        Saves the work of `answer_row` where that is slow, and keeps what others were bought for.
        """
        return self.answer_row(item, answer)

    def is_same_answer(self, row: Row, answer: Answer[Output]) -> bool:
        """Whether the row is of this answer: a prompt has no two of one paper at the same time."""
        return row.prompt_version == self.prompt.version and row.created_at == answer.created_at

    def output_of(self, row: Row) -> Output:
        """The answer that a row holds. For stages whose `rows_hold_answers`."""
        return self.output.model_validate(row.model_dump(include=set(self.output.model_fields)))

    def holds(self, row: Row, output: Output) -> bool:
        """Whether a row says what this answer says. For stages whose `rows_hold_answers`."""
        kept = self.output_of(row).model_dump(mode="json")
        same: bool = _in_one_line(kept) == _in_one_line(output.model_dump(mode="json"))
        return same

    def add_to_paper(self, draft: PaperDraft, row: Row | None) -> None:
        """Add the row to the paper's public record. `row` is None if the day was never built."""

    def show(self, row: Row) -> str:
        """The row as plain text for a terminal."""
        fields = row.model_dump(include=set(self.shown_fields), exclude_none=True)
        lines = []
        for name in self.shown_fields:
            value = fields.get(name)
            if value:
                lines.append(", ".join(value) if isinstance(value, list) else str(value))
        return "\n".join(lines) or f"{row.state}: {row.reason}"

    def input_hash(self, item: Item) -> str:
        """Hash of what a model is asked about the item."""
        return input_hash(**self.prompt_variables(item)[0])

    def stored_items(self, lake: Lake, day: str) -> Sequence[Item] | None:
        """The items to ask about on a day, from the stored tables; None if one of them was never
        built."""
        tables: dict[str, list[Record]] = {}
        for name in (*self.inputs, *self.side_inputs):
            rows = lake.read(name, day, Record)
            if rows is None:
                return None
            tables[name] = rows
        earlier = lake.read(self.asset, day, self.record) or []
        return self.choose(self.items(**tables), earlier)

    def answer_fields(self, item: Item, answer: Answer[Output]) -> dict[str, Any]:
        """The fields that every answered row has."""
        return {
            "arxiv_id": item.arxiv_id,
            "state": "done",
            "source": "model",
            "provider": answer.provider,
            "model": answer.model,
            "prompt_version": self.prompt.version,
            "input_hash": self.input_hash(item),
            "created_at": answer.created_at,
            "unverified": quoted(answer.faults),
            "style_notes": [fault.message for fault in of_severity(answer.faults, "style")],
        }

    def fallback_fields(self, item: Item, outcome: Outcome[Row]) -> dict[str, Any]:
        """The fields that every row without an answer has."""
        return {
            "arxiv_id": item.arxiv_id,
            "state": outcome.state,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "prompt_version": self.prompt.version,
            "input_hash": self.input_hash(item),
        }


def _in_one_line(value: Any) -> Any:
    """The same JSON with single spaces: rows hold their texts so."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, list):
        return [_in_one_line(each) for each in value]
    if isinstance(value, dict):
        return {name: _in_one_line(each) for name, each in value.items()}
    return value


def quoted(faults: Sequence[Fault]) -> list[str]:
    """The numbers and names that the source does not have, each once."""
    return list(dict.fromkeys(fault.quoted for fault in of_severity(faults, "unverified")))


AnyStage = Stage[Any, Any, Any]
