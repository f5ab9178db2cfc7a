"""What a soak must never see: a text bought twice, a page that got worse, a call off the books."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from papers_pipeline.sandbox.world import Call
from papers_pipeline_tests.helpers.outside import LANGUAGES, kind_of

COLUMNS = ["arxiv_id", "state", "prompt_version", "input_hash"]


class Answered(NamedTuple):
    """An answer: what it was asked for, about which paper, under which prompt, to which input."""

    asset: str
    arxiv_id: str
    prompt_version: str
    input_hash: str


def asset_of(call: Call) -> str:
    """The asset that a call was for."""
    kind = kind_of(call)
    return f"summaries_{kind}" if kind in LANGUAGES else kind


@dataclass
class Books:
    """The account of a data folder: what was bought, what was published, and what went wrong.

    `spoiled` are the files that the soak itself has damaged since they were written, with their
    bytes; `destroyed` are the answers of which it has left no copy. `damaged_purchases` are the
    assets and papers of the purchases among them: rows may hold only a part of such an answer.
    `faults` are the broken promises.
    """

    data: Path
    spoiled: dict[Path, bytes] = field(default_factory=dict)
    destroyed: set[Answered] = field(default_factory=set)
    damaged_purchases: set[tuple[str, str]] = field(default_factory=set)
    owned: dict[str, Answered] = field(default_factory=dict)
    shown: dict[tuple[str, str, str], str] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _known: set[Answered] = field(default_factory=set)
    _read: dict[Path, tuple[int, Answered | None]] = field(default_factory=dict)

    def answered(self) -> set[Answered]:
        """Every answer that is stored somewhere, as a purchase or in a row."""
        return {answer for path in self._stored() for answer in self._answers_in(path)}

    def settle(
        self, calls: Sequence[Call], titles: dict[str, str], redone: tuple[str, str] | None
    ) -> None:
        """Enter the calls of a build, and find those that asked for what was there already."""
        for call in calls:
            self.counts["calls"] += 1
            known = self.owned.get(call.question)
            if known is None or known in self.destroyed:
                continue
            if redone != (known.asset, known.arxiv_id):
                self.broken("bought twice", f"{known.asset} {known.arxiv_id} from {call.provider}")
        purchases = self._purchases()
        bought = {(answer.asset, answer.arxiv_id): answer for answer in purchases - self._known}
        for call in calls:
            answer = bought.get((asset_of(call), titles.get(call.title, "")))
            if call.is_accepted and answer is not None:
                self.owned[call.question] = answer
        self._known = purchases
        self.destroyed -= purchases

    def compare_pages(self) -> None:
        """Find texts and pages that were public and are not any more."""
        shown = self._texts()
        for (day, arxiv_id, language), version in sorted(self.shown.items()):
            if (day, arxiv_id, language) in shown:
                continue
            lost = {
                answer
                for answer in self.destroyed
                if answer.arxiv_id == arxiv_id and answer.asset == f"summaries_{language}"
            }
            if not lost and f"d/{day}.json" not in self.removed:
                what = f"{day} {arxiv_id} {language}: a text by {version} is gone"
                self.broken("worse pages", what)
        pages = self._html()
        for path in sorted(self.pages - pages - self.removed):
            self.broken("worse pages", f"{path}: the page is gone")
        self.removed -= pages
        self.shown = shown
        self.pages = pages

    def compare_ledger(self, calls: int) -> None:
        """Find out whether the ledger has fewer calls than were received."""
        entered = set()
        for path in (self.data / "ledger").glob("*.jsonl"):
            for line in path.read_bytes().splitlines():
                try:
                    entered.add(json.loads(line).get("call"))
                except ValueError:
                    self.counts["torn lines of the ledger"] += 1
        if len(entered) < calls:
            self.broken("off the books", f"the ledger has {len(entered)} calls of {calls}")

    def look_for_tracebacks(self, output: str) -> None:
        """Find a traceback in what a command printed."""
        if "Traceback (most recent call last)" in output:
            at = output.index("Traceback (most recent call last)")
            self.broken("tracebacks", output[max(0, at - 500) : at + 6000])

    def look_for_leftovers(self) -> None:
        """Find temporary files."""
        for path in sorted(self.data.rglob(".*.*")):
            if path.is_file() and path.name not in (".lock", ".nojekyll"):
                self.broken("leftovers", str(path.relative_to(self.data)))

    def destroy(self, before: set[Answered]) -> None:
        """Note the answers that were stored `before` and now are not."""
        self.destroyed |= before - self.answered()

    def spoil(self, path: Path, data: bytes | None) -> None:
        """Damage a file, or remove it without `data`; note the page or purchase that is lost."""
        if self.data / "purchases" in path.parents:
            for answer in self._answers_in(path):
                self.damaged_purchases.add((answer.asset, answer.arxiv_id))
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
            self.spoiled[path] = data
        if self.data / "site" in path.parents:
            self.removed.add(str(path.relative_to(self.data / "site")))

    def broken(self, promise: str, what: str) -> None:
        """Note a broken promise."""
        self.counts[promise] += 1
        self.faults.append(f"{promise}: {what}")

    def find_lost(self, days: Sequence[str]) -> None:
        """Find the texts that these days lack, although nothing hinders a model any more."""
        for day in days:
            path = self.data / "site" / "d" / f"{day}.json"
            if not path.exists():
                self.broken("lost", f"{day}: there is no record")
                continue
            for paper in json.loads(path.read_bytes())["papers"]:
                for language, text in paper["summaries"].items():
                    if text.get("state") != "done":
                        self.broken("lost", f"{day} {paper['id']} {language}: {text}")

    def _stored(self) -> Iterator[Path]:
        yield from (self.data / "purchases").glob("*/*/*.json")
        yield from (self.data / "lake").glob("*/*.parquet")

    def _is_spoiled(self, path: Path) -> bool:
        damage = self.spoiled.get(path)
        if damage is None:
            return False
        if path.exists() and path.read_bytes() == damage:
            return True
        del self.spoiled[path]
        return False

    def _answers_in(self, path: Path) -> Iterable[Answered]:
        if self._is_spoiled(path):
            return ()
        if path.suffix == ".parquet":
            return _answers_in_table(path)
        answer = self._purchase(path)
        return () if answer is None else (answer,)

    def _purchase(self, path: Path) -> Answered | None:
        stamp = path.stat().st_mtime_ns
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            self._read[path] = known = (stamp, _answer_in_purchase(path))
        return known[1]

    def _purchases(self) -> set[Answered]:
        found = set()
        for path in (self.data / "purchases").glob("*/*/*.json"):
            found.update(self._answers_in(path))
        return found

    def _texts(self) -> dict[tuple[str, str, str], str]:
        found = {}
        for path in (self.data / "site" / "d").glob("*.json"):
            if self._is_spoiled(path):
                continue
            for paper in json.loads(path.read_bytes())["papers"]:
                for language, text in paper["summaries"].items():
                    if text.get("state") == "done":
                        found[path.stem, paper["id"], language] = str(text.get("provider"))
        return found

    def _html(self) -> set[str]:
        site = self.data / "site"
        return {str(path.relative_to(site)) for path in site.rglob("*.html")}


def _answer_in_purchase(path: Path) -> Answered | None:
    try:
        entry: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError:
        return None
    identity, provenance = entry.get("identity", {}), entry.get("provenance", {})
    if entry.get("value") is None or "prompt_version" not in identity:
        return None
    arxiv_id = provenance.get("arxiv_id")
    return Answered(
        entry["asset"], arxiv_id, identity["prompt_version"], identity.get("input_hash", "")
    )


def _answers_in_table(path: Path) -> list[Answered]:
    """The answers that a table's rows hold. Those of affiliations hold only a part."""
    try:
        if not set(COLUMNS) <= set(pq.read_schema(path).names):
            return []
        rows = pq.read_table(path, columns=COLUMNS).to_pylist()
    except (OSError, ValueError):
        return []
    asset = path.parent.name
    return [
        Answered(asset, row["arxiv_id"], row["prompt_version"], row["input_hash"])
        for row in rows
        if row["state"] == "done"
    ]
