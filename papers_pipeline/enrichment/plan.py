"""What is out of date, and what bringing it up to date would cost: one row an asset of a prompt and day.

Stored rows are compared, never tags: each row says by which prompt version and of what input it was made.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice
from statistics import fmean
from typing import Any, get_args

from papers_pipeline.enrichment.enrich import Task, Unasked
from papers_pipeline.llm.chain import is_valid
from papers_pipeline.llm.ledger import Ledger
from papers_pipeline.llm.prices import price
from papers_pipeline.prompts.prompt import input_hash
from papers_pipeline.records import PlanRow, PlanState, Record, UnaskableReason
from papers_pipeline.store.cache import Cache, CacheEntry
from papers_pipeline.store.lake import Lake, scan

HISTORY = 2000
"""How many of the newest calls tell what a call of a prompt takes."""
OUTPUT_TOKENS = 250
"""What an answer takes as long as none was bought."""
UNASKABLE = frozenset(get_args(UnaskableReason))
DOCUMENTS = ("paper_pdfs", "parsed_text")
"""What the title pages come from."""
DOWNSTREAM = ("daily_issue", "daily_pages")
"""What follows from any prompt's asset."""
CHARACTERS_A_TOKEN = 3.0
"""Fewer than the four of English: Russian and Chinese take more tokens."""


@dataclass(frozen=True)
class CallSize:
    """The mean tokens of one call."""

    input_tokens: float
    output_tokens: float


class Planner:
    """Compares what is stored with what the prompts ask for now."""

    def __init__(
        self,
        lake: Lake,
        cache: Cache,
        ledger: Ledger,
        tasks: Mapping[str, Task[Any, Any, Any]],
        available: Mapping[str, Sequence[str]],
        assumed_price: float | None = None,
    ) -> None:
        """``available`` names for each asset the models of its chain whose provider is configured; ``assumed_price`` is
        USD a million tokens of a model of unknown price."""
        self._lake = lake
        self._cache = cache
        self._tasks = tasks
        self._available = available
        self._models = {asset: next(iter(names), None) for asset, names in available.items()}
        self._assumed_price = assumed_price
        self._ledger = ledger

    @cached_property
    def _sizes(self) -> dict[tuple[str, str | None], CallSize]:
        """Read when something is left to buy: most processes that could plan never do."""
        return _call_sizes(self._ledger)

    def plan(self, first: date | None = None, last: date | None = None) -> list[PlanRow]:
        """A row for each prompt's asset and each day that has a list, by day and then in the order of the assets."""
        days = [
            day
            for day in self._lake.partitions("feed_listing")
            if (first is None or day >= str(first)) and (last is None or day <= str(last))
        ]
        listed = scan(self._lake, "feed_listing", days, ("arxiv_id",))
        ids = {day: {row["arxiv_id"] for row in listed.get(day, ())} for day in days}
        rows: dict[tuple[str, str], PlanRow] = {}
        for asset, task in self._tasks.items():
            # What is asked about another prompt's answer is not known while that answer is still to be bought.
            unknown = {
                row.day for row in rows.values() if row.asset in task.inputs and _is_to_come(row)
            }
            rows |= {(row.day, row.asset): row for row in self._asset(asset, ids, unknown)}
        return [rows[day, asset] for day in days for asset in self._tasks]

    def estimate(self, asset: str, items: Sequence[Any]) -> tuple[int, float | None]:
        """The calls that are left for these items, and their USD; None when the price is not known."""
        task = self._tasks[asset]
        told = [texts for item in items if not isinstance(texts := task.texts(item), Unasked)]
        calls = sum(self._entry(asset, input_hash(**texts[0])) is None for texts in told)
        return calls, self._usd(asset, calls)

    def _usd(self, asset: str, calls: int) -> float | None:
        if not calls:
            return 0.0
        model, size = self._models.get(asset), self._size(asset)
        tokens = (round(calls * size.input_tokens), round(calls * size.output_tokens))
        return price(model, *tokens, self._assumed_price) if model else None

    def _asset(
        self, asset: str, listed: Mapping[str, set[str]], unknown: Set[str]
    ) -> Iterable[PlanRow]:
        """``unknown`` are the days on which what the asset is asked about will be another than what is stored."""
        columns = ("arxiv_id", "state", "reason", "prompt_version", "input_hash")
        stored = scan(self._lake, asset, list(listed), columns)
        counted: set[str] = set()
        every = [row["reason"] for rows in stored.values() for row in rows]
        askable = sum(reason not in UNASKABLE for reason in every)
        share = askable / len(every) if every else 1.0
        for day, ids in listed.items():
            rows = [row for row in stored.get(day, ()) if row["arxiv_id"] in ids]
            if self._tasks[asset].one_a_day:
                yield self._row_of_one(
                    asset, day, rows if day in stored else None, day in unknown, counted
                )
            else:
                yield self._row(
                    asset, day, len(ids), rows if day in stored else None, counted, share
                )

    def _row(
        self,
        asset: str,
        day: str,
        papers: int,
        rows: Sequence[Mapping[str, Any]] | None,
        counted: set[str],
        share: float,
    ) -> PlanRow:
        """``counted`` are the inputs that another day counts already: a paper of two days is bought once; ``share`` is
        that of the papers that could be asked about so far, for a day whose papers were not read yet."""
        if rows is None or len(rows) < papers:
            state: PlanState = "missing" if rows is None else "stale"
            wanted, counts = (
                self._left(asset, self._wanted_of_items(asset, day)),
                Counter(missing=papers),
            )
        else:
            state, counts, wanted = self._behind(
                asset, [row for row in rows if row["reason"] not in UNASKABLE]
            )
        new = [key for key in wanted if key not in counted]
        counted.update(key for key in new if key)
        calls = sum(key is not None for key in new) + round(sum(key is None for key in new) * share)
        return self._planned(asset, day, state, papers, counts, calls)

    def _row_of_one(
        self,
        asset: str,
        day: str,
        rows: Sequence[Mapping[str, Any]] | None,
        is_unknown: bool,
        counted: set[str],
    ) -> PlanRow:
        """The row of a task about one paper a day, or about none."""
        papers = len(rows or ())
        if rows and not is_unknown:
            state, counts, wanted = self._behind(asset, rows)
        else:
            items = [None] if is_unknown else self._wanted_of_items(asset, day)
            state = "missing" if rows is None else "stale" if items else "current"
            counts, papers = Counter(missing=len(items)), max(papers, len(items))
            wanted = self._left(asset, items)
        new = [key for key in wanted if key not in counted]
        counted.update(key for key in new if key)
        return self._planned(asset, day, state, papers, counts, len(new))

    def _behind(
        self, asset: str, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[PlanState, Counter[str], list[str | None]]:
        """The state of a day whose rows are these, how many are behind in which way, and the inputs left to ask."""
        version = self._tasks[asset].prompt.version
        behind = [row for row in rows if (row["state"], row["prompt_version"]) != ("done", version)]
        held = [self._entry(asset, row["input_hash"]) for row in behind]
        counts = Counter(_state(row, entry) for row, entry in zip(behind, held, strict=True))
        state: PlanState = "stale" if counts["stale"] else "incomplete" if behind else "current"
        return (
            state,
            counts,
            [row["input_hash"] for row, entry in zip(behind, held, strict=True) if entry is None],
        )

    def _left(self, asset: str, keys: Sequence[str | None]) -> list[str | None]:
        """Those of these inputs that the cache holds nothing of."""
        return [key for key in keys if self._entry(asset, key) is None]

    def _planned(
        self, asset: str, day: str, state: PlanState, papers: int, counts: Counter[str], calls: int
    ) -> PlanRow:
        prompt = self._tasks[asset].prompt
        size = self._size(asset) if calls else CallSize(0, 0)
        return PlanRow(
            asset=asset,
            day=day,
            state=state,
            version=prompt.version,
            papers=papers,
            stale=counts["stale"] + counts["missing"],
            pending=counts["pending"],
            failed=counts["failed"],
            calls=calls,
            model=self._models.get(asset),
            input_tokens=round(calls * size.input_tokens),
            output_tokens=round(calls * size.output_tokens),
            usd=self._usd(asset, calls),
        )

    def _wanted_of_items(self, asset: str, day: str) -> list[str | None]:
        """The inputs of a day that was never built, or whose list has grown since; None for one that is not known
        before the papers are read."""
        task = self._tasks[asset]
        names = (*task.inputs, *task.beside)
        tables: dict[str, list[Record] | None] = {
            name: self._lake.read(name, day, Record) for name in names
        }
        if any(table is None for table in tables.values()):
            # Of one a day, too: nothing is known of it before what it is made of was built.
            return [] if task.one_a_day else [None] * len(tables["feed_listing"] or [])
        wanted: list[str | None] = []
        for item in task.choose(
            task.items(**tables), self._lake.read(asset, day, task.record) or []
        ):
            texts = task.texts(item)
            if not isinstance(texts, Unasked):
                wanted.append(input_hash(**texts[0]))
        return wanted

    def _entry(self, asset: str, key: str | None) -> CacheEntry | None:
        """What the cache holds of an input, an answer or a failure that is still believed; None is a call left."""
        if key is None:
            return None
        identity = {"prompt_version": self._tasks[asset].prompt.version, "input_hash": key}
        if not self._cache.path(asset, identity).exists():
            return None
        entry = self._cache.get(asset, identity)
        return entry if entry and is_valid(entry, self._available[asset]) else None

    def _size(self, asset: str) -> CallSize:
        prompt = self._tasks[asset].prompt
        for key in ((asset, prompt.version), (asset, None)):
            if key in self._sizes:
                return self._sizes[key]
        return CallSize((len(prompt.template) + 1500) / CHARACTERS_A_TOKEN, OUTPUT_TOKENS)


def _state(row: Mapping[str, Any], entry: CacheEntry | None) -> str:
    """What is behind in a row that is not a text by the version in force, of which the cache holds ``entry``: an answer
    that is there has only to be taken, and what that version failed to write no building of the day would bring."""
    if entry is None:
        return "stale" if row["state"] == "done" else str(row["state"])
    return "failed" if entry.value is None else "stale"


def _is_to_come(row: PlanRow) -> bool:
    return bool(row.papers and row.model) and (row.state in ("stale", "missing") or row.calls > 0)


def _call_sizes(ledger: Ledger) -> dict[tuple[str, str | None], CallSize]:
    """The mean call of each prompt version, and of each asset whatever the version, in the newest of the ledger."""
    seen: dict[tuple[str, str | None], list[tuple[int, int]]] = {}
    every = (spending for day in reversed(ledger.days()) for spending in ledger.spent(day))
    for spending in islice(every, HISTORY):
        for version in (spending.prompt_version, None):
            seen.setdefault((spending.asset, version), []).append(
                (spending.input_tokens, spending.output_tokens)
            )
    return {
        key: CallSize(fmean(sent for sent, _ in calls), fmean(got for _, got in calls))
        for key, calls in seen.items()
    }


def to_refresh(plan: Sequence[PlanRow]) -> dict[str, list[str]]:
    """The days of each prompt's asset that a refresh builds: those that are stale or missing, and the incomplete ones
    whose rest can be bought."""
    wanted: dict[str, list[str]] = {}
    for row in plan:
        if row.state in ("stale", "missing") or (
            row.state == "incomplete" and row.model and row.calls
        ):
            wanted.setdefault(row.asset, []).append(row.day)
    return wanted


def with_neighbours(assets: Mapping[str, Sequence[str]], lake: Lake) -> dict[str, list[str]]:
    """The days of each asset, of issue and pages all the days of any of them, and of the papers themselves those on
    which they are wanted and were never read."""
    days = sorted({day for days in assets.values() for day in days})
    unread = [
        day for day in assets.get("affiliations", ()) if not lake.path("parsed_text", day).exists()
    ]
    wanted = dict.fromkeys(DOCUMENTS, unread) if unread else {}
    return (
        wanted
        | {asset: list(days) for asset, days in assets.items()}
        | dict.fromkeys(DOWNSTREAM, days)
    )


def known_usd(rows: Sequence[PlanRow]) -> float:
    """The USD of the calls whose price is known."""
    return round(sum(row.usd or 0.0 for row in rows), 6)
