"""Finds stored papers by words, in every language of the site at once.

The index is SQLite's FTS5, in memory: nothing is written. The word vectors of `related_papers` know
English words only. A word also matches its other forms, by its beginning. Chinese, which has no
spaces, is indexed by pairs of characters.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import regex

from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import EXTENSION, Lake

_RUN = regex.compile(r"(?P<joined>[\p{Han}\p{Hiragana}\p{Katakana}]+)|[\p{L}\p{M}\p{N}]+")
WEIGHTS = (8.0, 3.0, 1.0)
"""Of a word in titles, in our texts, and in the rest: abstract, authors, institutions, topics."""
SHORT, LONG = 3, 8
"""Letters. A short word has no other forms, and a long one differs in its last three letters."""
MOST_WORDS = 20
"""Words of a query that count."""


@dataclass(frozen=True)
class Hit:
    """A paper that was found, and the newest day that lists it."""

    day: date
    arxiv_id: str


class PaperSearch:
    """An index of all stored days. It reads a day again if its table changed."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute("CREATE VIRTUAL TABLE papers USING fts5(title, text, rest, content='')")
        self._hits: dict[int, Hit] = {}
        self._stamps: dict[str, str] = {}
        self._next_row = 1
        self._one_at_a_time = threading.Lock()

    def find(self, query: str, since: date | None, limit: int) -> list[Hit]:
        """The papers with all words of the query, or else with any, the best first.

        `since` leaves out papers that no day since then lists.
        """
        with self._one_at_a_time:
            self._refresh()
            words = list(_query_words(query))[:MOST_WORDS]
            for operator in (" AND ", " OR "):
                found = self._found(operator.join(words), since, limit) if words else []
                if found:
                    return found
            return []

    def _found(self, expression: str, since: date | None, limit: int) -> list[Hit]:
        newest: dict[str, date] = {}
        for hit in self._hits.values():
            newest[hit.arxiv_id] = max(hit.day, newest.get(hit.arxiv_id, hit.day))
        rows = self._index.execute(
            "SELECT rowid FROM papers WHERE papers MATCH ? ORDER BY bm25(papers, ?, ?, ?)",
            (expression, *WEIGHTS),
        )
        found: list[Hit] = []
        for (row,) in rows:
            known = self._hits.get(row)
            if known is None or known.day != newest[known.arxiv_id]:
                continue
            if since is None or known.day >= since:
                found.append(known)
            if len(found) == limit:
                break
        return found

    def _refresh(self) -> None:
        stamps = {}
        for name, entry in storage.listing(self._lake.root / "daily_issue").items():
            if name.endswith(EXTENSION):
                stamps[name.removesuffix(EXTENSION)] = entry.stamp
        changed = {name for name, stamp in stamps.items() if self._stamps.get(name) != stamp}
        outdated = {date.fromisoformat(name) for name in changed | self._stamps.keys() - stamps}
        # Rows of a table without content cannot be deleted: those without a hit are passed over.
        self._hits = {row: hit for row, hit in self._hits.items() if hit.day not in outdated}
        for partition in sorted(changed):
            for paper in self._papers(partition):
                self._add(date.fromisoformat(partition), paper)
        self._stamps = stamps

    def _papers(self, partition: str) -> Iterator[Mapping[str, Any]]:
        """The papers of a day as plain rows: reading records takes five times as long."""
        table = self._lake.columns("daily_issue", partition, ["papers"])
        if table is not None:
            for row in table["papers"].combine_chunks().flatten():
                yield row.as_py(maps_as_pydicts="strict")

    def _add(self, day: date, paper: Mapping[str, Any]) -> None:
        if paper["moved_to"] is not None:
            return
        texts = paper["summaries"].values()
        titles = [paper["title"], *(text["title"] or "" for text in texts)]
        rest = [paper["abstract"], paper["id"], *paper["affiliations"], *paper["topics"]["names"]]
        rest += [author["name"] for author in paper["authors"]]
        columns = (titles, [text["text"] or "" for text in texts], rest)
        row, self._next_row = self._next_row, self._next_row + 1
        self._index.execute(
            "INSERT INTO papers (rowid, title, text, rest) VALUES (?, ?, ?, ?)",
            (row, *(" ".join(_words("\n".join(column))) for column in columns)),
        )
        self._hits[row] = Hit(day, paper["id"])


def _words(text: str) -> Iterator[str]:
    """The words of a text in lower case; of Chinese, every pair of neighbouring characters."""
    for run in _RUN.finditer(text.casefold()):
        word = run[0]
        if run["joined"] is None or len(word) == 1:
            yield word
            continue
        for place in range(len(word) - 1):
            yield word[place : place + 2]


def _query_words(query: str) -> Iterator[str]:
    """Each word of a query as an expression of FTS5. An exact match counts in addition.

    https://www.sqlite.org/fts5.html#full_text_query_syntax
    """
    for run in _RUN.finditer(query.casefold()):
        word = run[0]
        if run["joined"]:
            pairs = " ".join(_words(word))
            yield f'"{pairs}"' if len(word) > 1 else f'"{word}"*'
        elif len(word) <= SHORT:
            yield f'"{word}"'
        else:
            ending = 3 if len(word) >= LONG else 2
            yield f'("{word}" OR "{word[: max(SHORT + 1, len(word) - ending)]}"*)'
