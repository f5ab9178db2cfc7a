"""The plan: what is out of date, and what bringing it up to date would cost.

It compares stored rows, never tags: each row says which prompt version made it, and of what input.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice
from statistics import fmean
from typing import Any, get_args

from papers_pipeline.enrichment.stage import AnyStage, HasArxivId
from papers_pipeline.llm.batch_providers import BATCH_SHARE, has_batches
from papers_pipeline.llm.batch_store import BatchStore, KeptText
from papers_pipeline.llm.chain import is_valid
from papers_pipeline.llm.ledger import Ledger
from papers_pipeline.llm.prices import price
from papers_pipeline.records import PlanRow, PlanState, UnaskableReason
from papers_pipeline.store.cache import Cache, CacheEntry
from papers_pipeline.store.lake import Lake, scan

HISTORY = 2000
"""How many of the newest calls the mean size of a call is taken from."""
OUTPUT_TOKENS = 250
"""The assumed size of an answer while none was bought."""
ABSTRACT_CHARACTERS = 1500
"""The assumed size of an input while none was bought."""
CHARACTERS_A_TOKEN = 3.0
"""Fewer than the four of English: Russian and Chinese take more tokens."""
UNASKABLE = frozenset(get_args(UnaskableReason))
BUILT_WITH = {"parsed_text": ("paper_pdfs", "parsed_text")}
"""The assets to build for an input that a stage reads and that was never built."""
DOWNSTREAM = ("daily_issue", "daily_pages")
"""The assets to rebuild after any stage."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class CallSize:
    """The mean tokens of one call."""

    input_tokens: float
    output_tokens: float


@dataclass(frozen=True)
class Work:
    """What is left to do in one asset's day.

    `inputs` are the hashes to ask about, None for one that cannot be known before the papers are
    read. The numbers count papers.
    """

    state: PlanState
    papers: int
    inputs: Sequence[str | None]
    stale: int = 0
    pending: int = 0
    failed: int = 0


class Planner:
    """Compares stored rows with the prompts in force."""

    def __init__(
        self,
        lake: Lake,
        cache: Cache,
        ledger: Ledger,
        stages: Mapping[str, AnyStage],
        available: Mapping[str, Sequence[str]],
        batches: BatchStore,
        assumed_price: float | None = None,
    ) -> None:
        """`available` names the configured models of each asset's chain. `assumed_price` is USD per
        million tokens of a model whose price is unknown. A text that a batch has is not bought
        again."""
        self.stages = stages
        self._lake = lake
        self._cache = cache
        self._ledger = ledger
        self._available = available
        self._batches = batches
        self._assumed_price = assumed_price

    def plan(self, first: date | None = None, last: date | None = None) -> list[PlanRow]:
        """A row for each stage's asset and each day that has a list, by day and then by asset."""
        days = []
        for day in self._lake.partitions("feed_listing"):
            if (first is None or day >= str(first)) and (last is None or day <= str(last)):
                days.append(day)
        listed = scan(self._lake, "feed_listing", days, ("arxiv_id",))
        ids = {day: {row["arxiv_id"] for row in listed.get(day, ())} for day in days}
        rows: dict[tuple[str, str], PlanRow] = {}
        for asset, stage in self.stages.items():
            unsettled = _unsettled_days(rows.values(), stage)
            for row in self._plan_asset(stage, ids, unsettled):
                rows[row.day, asset] = row
        return [rows[day, asset] for day in days for asset in self.stages]

    def estimate(self, asset: str, items: Sequence[HasArxivId]) -> tuple[int, float | None]:
        """The calls left for these items and their USD; None if the price is unknown."""
        stage = self.stages[asset]
        calls = len(self._inputs_left(stage, items))
        return calls, self.usd(asset, calls)

    def usd(self, asset: str, calls: int) -> float | None:
        """The USD of so many calls for an asset; None if the price is unknown."""
        return self._usd(self.stages[asset], calls)

    def refresh_assets(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """The days to build of each asset so that the `wanted` ones (`{asset: days}`) reach the
        pages: also missing inputs that a stage reads, and the issue and pages of all these days."""
        assets: dict[str, list[str]] = {}
        for asset, days in wanted.items():
            for name in self.stages[asset].inputs:
                if name in BUILT_WITH:
                    absent = [day for day in days if not self._lake.path(name, day).exists()]
                    if absent:
                        assets |= dict.fromkeys(BUILT_WITH[name], absent)
        for asset, days in wanted.items():
            assets[asset] = list(days)
        every_day = sorted({day for days in wanted.values() for day in days})
        return assets | dict.fromkeys(DOWNSTREAM, every_day)

    def _plan_asset(
        self, stage: AnyStage, listed: Mapping[str, Set[str]], unsettled: Set[str]
    ) -> Iterable[PlanRow]:
        """The rows of one asset. `listed` are the papers by day; `unsettled` the days on which the
        stage's input itself is still to come."""
        columns = ("arxiv_id", "state", "reason", "prompt_version", "input_hash")
        stored = scan(self._lake, stage.asset, list(listed), columns)
        share = _askable_share(stored)
        # A paper of two days is bought once.
        planned: set[str] = set()
        for day, ids in listed.items():
            rows = None
            if day in stored:
                rows = [row for row in stored[day] if row["arxiv_id"] in ids]
            if stage.one_a_day:
                work = self._work_of_one(stage, day, rows, day in unsettled)
            else:
                work = self._work(stage, day, len(ids), rows)
            unknown = sum(key is None for key in work.inputs)
            new = {key for key in work.inputs if key is not None} - planned
            planned |= new
            calls = unknown if stage.one_a_day else round(unknown * share)
            yield self._plan_row(stage, day, work, len(new) + calls)

    def _work(self, stage: AnyStage, day: str, papers: int, rows: Sequence[Row] | None) -> Work:
        """The work on a day whose list has this many `papers`; `rows` is None if never built."""
        if rows is not None and len(rows) >= papers:
            askable = [row for row in rows if row["reason"] not in UNASKABLE]
            return self._work_on_rows(stage, papers, askable)
        items = stage.stored_items(self._lake, day)
        inputs: Sequence[str | None] = [None] * papers
        if items is not None:
            inputs = self._inputs_left(stage, items)
        return Work("missing" if rows is None else "stale", papers, inputs, stale=papers)

    def _work_of_one(
        self, stage: AnyStage, day: str, rows: Sequence[Row] | None, is_unsettled: bool
    ) -> Work:
        """The work of a stage that is about at most one paper a day."""
        if rows and not is_unsettled:
            return self._work_on_rows(stage, len(rows), rows)
        if is_unsettled:
            inputs: Sequence[str | None] = [None]
            wanted = 1
        else:
            items = stage.stored_items(self._lake, day) or []
            inputs = self._inputs_left(stage, items)
            wanted = sum(stage.why_not_asked(item) is None for item in items)
        state: PlanState = "current"
        if rows is None:
            state = "missing"
        elif wanted:
            state = "stale"
        return Work(state, max(len(rows or ()), wanted), inputs, stale=wanted)

    def _work_on_rows(self, stage: AnyStage, papers: int, rows: Sequence[Row]) -> Work:
        """The work on rows that are all there: those that are not answers of this version."""
        counts: Counter[str] = Counter()
        inputs = []
        for row in rows:
            if row["state"] == "done" and row["prompt_version"] == stage.prompt.version:
                continue
            entry = self._cached(stage, row["input_hash"])
            in_batch = self._in_batch(stage, row["input_hash"]) if entry is None else None
            is_answered = in_batch is not None and in_batch.body is not None
            counts["stale" if is_answered else _row_state(row, entry)] += 1
            if entry is None and in_batch is None:
                inputs.append(row["input_hash"])
        state: PlanState = "incomplete" if counts else "current"
        if counts["stale"]:
            state = "stale"
        return Work(
            state,
            papers,
            inputs,
            stale=counts["stale"],
            pending=counts["pending"],
            failed=counts["failed"],
        )

    def _plan_row(self, stage: AnyStage, day: str, work: Work, calls: int) -> PlanRow:
        size = self._call_size(stage) if calls else CallSize(0, 0)
        return PlanRow(
            asset=stage.asset,
            day=day,
            state=work.state,
            version=stage.prompt.version,
            papers=work.papers,
            stale=work.stale,
            pending=work.pending,
            failed=work.failed,
            calls=calls,
            model=self._model(stage),
            input_tokens=round(calls * size.input_tokens),
            output_tokens=round(calls * size.output_tokens),
            usd=self._usd(stage, calls),
        )

    def _inputs_left(self, stage: AnyStage, items: Sequence[HasArxivId]) -> list[str]:
        """The hashes of the inputs that can be asked about and that neither the cache nor a batch
        answers."""
        hashes = []
        for item in items:
            if stage.why_not_asked(item) is None:
                key = stage.input_hash(item)
                if self._cached(stage, key) is None and self._in_batch(stage, key) is None:
                    hashes.append(key)
        return hashes

    def _in_batch(self, stage: AnyStage, key: str) -> KeptText | None:
        """What a batch keeps for an input; None if no batch has it."""
        return self._batches.text(self._cache.key(stage.asset, _identity(stage, key)))

    def _cached(self, stage: AnyStage, key: str) -> CacheEntry | None:
        """The cache's answer or valid failure for an input; None if it has to be asked."""
        identity = _identity(stage, key)
        if not self._cache.path(stage.asset, identity).exists():
            return None
        entry = self._cache.get(stage.asset, identity)
        return entry if entry and is_valid(entry, self._available[stage.asset]) else None

    def _model(self, stage: AnyStage) -> str | None:
        """The first configured model of the stage's chain."""
        available = self._available[stage.asset]
        return available[0] if available else None

    def _usd(self, stage: AnyStage, calls: int) -> float | None:
        if not calls:
            return 0.0
        model = self._model(stage)
        if model is None:
            return None
        size = self._call_size(stage)
        tokens = (round(calls * size.input_tokens), round(calls * size.output_tokens))
        return price(model, *tokens, self._assumed_price)

    def _call_size(self, stage: AnyStage) -> CallSize:
        """The mean call of the prompt version, else of the asset, else a guess."""
        for key in ((stage.asset, stage.prompt.version), (stage.asset, None)):
            if key in self._sizes:
                return self._sizes[key]
        characters = len(stage.prompt.template) + ABSTRACT_CHARACTERS
        return CallSize(characters / CHARACTERS_A_TOKEN, OUTPUT_TOKENS)

    @cached_property
    def _sizes(self) -> dict[tuple[str, str | None], CallSize]:
        """The mean call of each prompt version, and of each asset under the version None."""
        calls: dict[tuple[str, str | None], list[tuple[int, int]]] = {}
        newest_first = (
            spending
            for day in reversed(self._ledger.days())
            for spending in self._ledger.spent(day)
        )
        for spending in islice(newest_first, HISTORY):
            tokens = (spending.input_tokens, spending.output_tokens)
            calls.setdefault((spending.asset, spending.prompt_version), []).append(tokens)
            calls.setdefault((spending.asset, None), []).append(tokens)
        sizes = {}
        for key, pairs in calls.items():
            inputs, outputs = zip(*pairs, strict=True)
            sizes[key] = CallSize(fmean(inputs), fmean(outputs))
        return sizes


def _identity(stage: AnyStage, key: str) -> dict[str, str]:
    return {"prompt_version": stage.prompt.version, "input_hash": key}


def _unsettled_days(rows: Iterable[PlanRow], stage: AnyStage) -> set[str]:
    """The days on which an asset that the stage reads will be bought anew."""
    days = set()
    for row in rows:
        will_change = row.state in ("stale", "missing") or row.calls > 0
        if row.asset in stage.inputs and row.papers and row.model and will_change:
            days.add(row.day)
    return days


def _askable_share(stored: Mapping[str, Sequence[Row]]) -> float:
    """The share of the stored papers that could be asked about: the guess for unread days."""
    rows = [row for day_rows in stored.values() for row in day_rows]
    if not rows:
        return 1.0
    return sum(row["reason"] not in UNASKABLE for row in rows) / len(rows)


def _row_state(row: Row, entry: CacheEntry | None) -> str:
    """How a row that is not a current answer is behind. `entry` is what the cache holds for it: an
    answer only has to be taken, and a failure would not be asked again."""
    if entry is not None:
        return "failed" if entry.value is None else "stale"
    return "stale" if row["state"] == "done" else str(row["state"])


def to_refresh(plan: Sequence[PlanRow]) -> dict[str, list[str]]:
    """The days of each asset that a refresh builds: stale and missing ones, and incomplete ones
    whose rest can be bought."""
    wanted: dict[str, list[str]] = {}
    for row in plan:
        can_complete = row.state == "incomplete" and row.model and row.calls
        if row.state in ("stale", "missing") or can_complete:
            wanted.setdefault(row.asset, []).append(row.day)
    return wanted


def known_usd(rows: Sequence[PlanRow]) -> float:
    """The USD of the calls whose price is known."""
    return round(sum(row.usd or 0.0 for row in rows), 6)


def known_usd_by_batch(rows: Sequence[PlanRow]) -> float:
    """The same if every first question goes by batch that can."""
    usd = 0.0
    for row in rows:
        share = BATCH_SHARE if row.model and has_batches(row.model) else 1.0
        usd += (row.usd or 0.0) * share
    return round(usd, 6)
