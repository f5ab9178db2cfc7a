"""The plan: what is out of date, and what bringing it up to date would cost.

It compares stored rows, never Dagster's tags: each row names its prompt version and its input.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain, islice
from statistics import fmean
from typing import Any, get_args

from papers_pipeline.enrichment.kept_answers import answered_inputs
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.llm.batch_providers import BATCH_SHARE, has_batches
from papers_pipeline.llm.batch_store import BatchStore, KeptText
from papers_pipeline.llm.conversation import is_valid
from papers_pipeline.llm.estimates import CHARACTERS_A_TOKEN
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.records import HasArxivId, PlanRow, PlanState, UnaskableReason
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, scan
from papers_pipeline.store.ledger import Ledger, Spending
from papers_pipeline.store.purchases import Purchase, Purchases

HISTORY = 2000
"""The newest calls whose mean is the size of a call."""
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
    cache_read_tokens: float = 0.0


@dataclass(frozen=True)
class Work:
    """The work that is left in one asset on one day.

    `inputs` are the hashes of the inputs to ask about. An input that is unknown until the papers
    are read is None. The numbers count papers.
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
        purchases: Purchases,
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
        self._purchases = purchases
        self._ledger = ledger
        self._available = available
        self._batches = batches
        self._assumed_price = assumed_price
        self._answered: dict[str, Set[str]] = {}

    def plan(self, first: date | None = None, last: date | None = None) -> list[PlanRow]:
        """A row for each stage's asset and each day that has a list, by day and then by asset."""
        days = self._listed_days(first, last)
        ids: dict[str, set[str]] = {}
        for day, papers in scan(self._lake, "feed_listing", days, ("arxiv_id",)).items():
            ids[day] = {row["arxiv_id"] for row in papers}
        rows: dict[tuple[str, str], PlanRow] = {}
        for asset, stage in self.stages.items():
            unsettled = _unsettled_days(rows.values(), stage)
            for row in self._plan_asset(stage, ids, unsettled):
                rows[row.day, asset] = row
        return [rows[day, asset] for day in ids for asset in self.stages]

    def _listed_days(self, first: date | None, last: date | None) -> list[str]:
        """The days from `first` to `last` that have a list."""
        days = []
        for day in self._lake.partitions("feed_listing"):
            if first and day < str(first):
                continue
            if last and day > str(last):
                continue
            days.append(day)
        return days

    def estimate(self, asset: str, items: Sequence[HasArxivId]) -> tuple[int, float | None]:
        """The calls left for these items and their USD; None if the price is unknown."""
        stage = self.stages[asset]
        calls = len(self._inputs_left(stage, items))
        return calls, self.usd(asset, calls)

    def usd(self, asset: str, calls: int) -> float | None:
        """The USD of so many calls for an asset; None if the price is unknown."""
        return self._usd(self.stages[asset], calls)

    def refresh_assets(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """The days to build of each asset, so that the `wanted` days of stages reach the pages.

        Adds the inputs that a stage lacks, and the issues and pages of all these days. `wanted` and
        the result map assets to days.
        """
        assets: dict[str, list[str]] = {}
        every_day: set[str] = set()
        for asset, days in wanted.items():
            every_day.update(days)
            for name in self.stages[asset].inputs:
                if name not in BUILT_WITH:
                    continue
                absent = self._absent_days(name, days)
                if absent:
                    assets |= dict.fromkeys(BUILT_WITH[name], absent)
        for asset, days in wanted.items():
            assets[asset] = list(days)
        return assets | dict.fromkeys(DOWNSTREAM, sorted(every_day))

    def _absent_days(self, asset: str, days: Sequence[str]) -> list[str]:
        """Those of the days on which the asset was never built."""
        built = set(self._lake.partitions(asset))
        return [day for day in days if day not in built]

    def _plan_asset(
        self, stage: AnyStage, listed: Mapping[str, Set[str]], unsettled: Set[str]
    ) -> Iterable[PlanRow]:
        """The rows of one asset.

        `listed` has the ids of each day's papers. `unsettled` are the days on which the stage's
        input is itself to be bought.
        """
        columns = ("arxiv_id", "state", "reason", "prompt_version", "input_hash")
        stored = scan(self._lake, stage.asset, list(listed), columns)
        share = _askable_share(stored)
        version = stage.prompt.version
        every_row = chain.from_iterable(stored.values())
        self._answered[stage.asset] = answered_inputs(every_row, version)
        # A paper of two days is bought once.
        planned: set[str] = set()
        for day, ids in listed.items():
            rows = None
            if day in stored:
                rows = [row for row in stored[day] if row["arxiv_id"] in ids]
            if stage.one_a_day:
                work = self._work_of_one(stage, day, rows, day in unsettled)
            else:
                work = self._work(stage, day, stage.rows_expected(len(ids)), rows)
            unknown = new = 0
            for key in work.inputs:
                if key is None:
                    unknown += 1
                elif key not in planned:
                    planned.add(key)
                    new += 1
            calls = unknown if stage.one_a_day else round(unknown * share)
            yield self._plan_row(stage, day, work, new + calls)

    def _work(self, stage: AnyStage, day: str, papers: int, rows: Sequence[Row] | None) -> Work:
        """The work on a day that should have rows for so many `papers`; `rows` is None if never
        built."""
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
        """The work of a stage that asks about at most one paper per day."""
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
            entry = self._purchase(stage, row["input_hash"])
            in_batch = self._in_batch(stage, row["input_hash"]) if entry is None else None
            is_answered = in_batch is not None and in_batch.body is not None
            is_kept = self.is_kept_in_row(stage, row["input_hash"])
            counts["stale" if is_answered or is_kept else _row_state(row, entry)] += 1
            if entry is None and in_batch is None and not is_kept:
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
        """The hashes of the inputs that can be asked about and that neither a purchase, a batch nor
        a stored row answers."""
        hashes = []
        for item in items:
            if stage.why_not_asked(item) is None:
                key = stage.input_hash(item)
                is_kept = self._purchase(stage, key) or self._in_batch(stage, key)
                if not is_kept and not self.is_kept_in_row(stage, key):
                    hashes.append(key)
        return hashes

    def is_kept_in_row(self, stage: AnyStage, key: str) -> bool:
        """Whether a stored row of any day answers an input under the prompt in force."""
        if stage.asset not in self._answered:
            columns = ("state", "prompt_version", "input_hash")
            days = self._lake.partitions(stage.asset)
            rows = chain.from_iterable(scan(self._lake, stage.asset, days, columns).values())
            self._answered[stage.asset] = answered_inputs(rows, stage.prompt.version)
        return key in self._answered[stage.asset]

    def _in_batch(self, stage: AnyStage, key: str) -> KeptText | None:
        """What a batch keeps for an input; None if no batch has it."""
        return self._batches.text(self._purchases.key(stage.asset, _identity(stage, key)))

    def _purchase(self, stage: AnyStage, key: str) -> Purchase | None:
        """The purchased answer or valid failure for an input; None if it has to be asked."""
        identity = _identity(stage, key)
        if not storage.exists(self._purchases.path(stage.asset, identity)):
            return None
        entry = self._purchases.get(stage.asset, identity)
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
        call = CallTokens(
            input_tokens=round(size.input_tokens),
            output_tokens=round(size.output_tokens),
            cache_read_tokens=round(size.cache_read_tokens),
        )
        usd = price(model, call, self._assumed_price)
        return None if usd is None else calls * usd

    def _call_size(self, stage: AnyStage) -> CallSize:
        """The mean call of the prompt version, else of the asset, else a guess."""
        for key in ((stage.asset, stage.prompt.version), (stage.asset, None)):
            if key in self._sizes:
                return self._sizes[key]
        characters = len(stage.prompt.template) + stage.input_characters
        return CallSize(characters / CHARACTERS_A_TOKEN, stage.answer_tokens)

    def _spendings(self) -> Iterator[Spending]:
        """The calls in the ledger whose tokens are known, newest day first."""
        for day in reversed(self._ledger.days()):
            for spending in self._ledger.spent(day):
                if spending.state != "unsettled":
                    yield spending

    @cached_property
    def _sizes(self) -> dict[tuple[str, str | None], CallSize]:
        """The mean call of each prompt version, and of each asset under the version None."""
        calls: dict[tuple[str, str | None], list[Spending]] = {}
        for spending in islice(self._spendings(), HISTORY):
            calls.setdefault((spending.asset, spending.prompt_version), []).append(spending)
            calls.setdefault((spending.asset, None), []).append(spending)
        sizes = {}
        for key, spendings in calls.items():
            sizes[key] = CallSize(
                input_tokens=fmean(spending.input_tokens for spending in spendings),
                output_tokens=fmean(spending.output_tokens for spending in spendings),
                cache_read_tokens=fmean(spending.cache_read_tokens for spending in spendings),
            )
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
    papers = askable = 0
    for rows in stored.values():
        papers += len(rows)
        askable += sum(row["reason"] not in UNASKABLE for row in rows)
    return askable / papers if papers else 1.0


def _row_state(row: Row, entry: Purchase | None) -> str:
    """The state of a row that is not a current answer: stale, pending or failed.

    `entry` is what was bought for it. An answer only has to be taken; a failure is not asked
    about again.
    """
    if entry is not None:
        return "failed" if entry.value is None else "stale"
    return "stale" if row["state"] == "done" else str(row["state"])


def to_refresh(plan: Sequence[PlanRow]) -> dict[str, list[str]]:
    """The days of each asset that a refresh builds.

    These are the stale and missing days, and the incomplete days whose missing texts can be bought.
    """
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
