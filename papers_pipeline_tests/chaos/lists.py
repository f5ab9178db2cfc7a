"""Lists of days that change as Hugging Face's do, drawn from a seed."""

import json
import shutil
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from papers_pipeline.sandbox.world import SAMPLE
from papers_pipeline_tests.helpers.outside import entry

MOST_PAPERS = 5
WITH_DOCUMENTS = 9
"""One paper of so many has a PDF and HTML: opening them takes a second."""
NOUNS = ("kettle", "lamp", "sail", "loom", "bell", "wheel", "oven", "clock", "drum", "spade")
VERBS = ("sings", "turns", "bends", "waits", "rings", "falls", "drifts", "glows", "hums", "leans")


@dataclass
class Lists:
    """The lists of all days, in the folder of a sandbox."""

    folder: Path
    random: Random
    days: dict[date, dict[str, dict[str, Any]]] = field(default_factory=dict)
    numbers: int = 0

    def titles(self) -> dict[str, str]:
        """The arXiv ids of all papers by title."""
        ids = {}
        for papers in self.days.values():
            for arxiv_id, paper in papers.items():
                ids[paper["title"]] = arxiv_id
        return ids

    def begin(self, now: datetime) -> None:
        """Begin the list of a day, if it is new."""
        if now.date() not in self.days:
            self.days[now.date()] = {}
            for _ in range(self.random.randint(2, MOST_PAPERS)):
                self._add(now)

    def change(self, now: datetime) -> str:
        """Change a list of the last days as Hugging Face does; returns the kind of the change."""
        day = self.random.choice([day for day in self.days if day <= now.date()][-4:])
        papers = self.days[day]
        change = self.random.choice(
            [self._vote, self._vote, self._leave, self._move, self._repeat, self._withdraw]
        )
        kind = "added"
        if self.random.random() < 0.2 or not papers:
            self._add(now, day)
        else:
            kind = change(day, self.random.choice(sorted(papers)), now)
        self.write(day)
        return f"list: {kind}"

    def write(self, day: date) -> None:
        """Offer the list of a day as it is."""
        self.offer(day, [entry(arxiv_id, **paper) for arxiv_id, paper in self.days[day].items()])

    def offer(self, day: date, entries: list[Any]) -> None:
        """Offer other entries as the list of a day."""
        path = self.folder / "hf_api" / f"{day}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries), encoding="utf-8")

    def shrunk(self, now: datetime) -> None:
        """Offer one paper of a day for a while, and none of the others."""
        day = self.random.choice(sorted(self.days)[-3:])
        few = list(self.days[day].items())[:1]
        self.offer(day, [entry(arxiv_id, **paper) for arxiv_id, paper in few])

    def _add(self, now: datetime, day: date | None = None) -> None:
        self.numbers += 1
        day = day or now.date()
        arxiv_id = f"{day:%y%m}.{10000 + self.numbers}"
        first, second = self.random.sample(NOUNS, 2)
        verb, other = self.random.sample(VERBS, 2)
        self.days[day][arxiv_id] = {
            "title": f"The {first} {verb} number {self.numbers}",
            "summary": f"We study a {first} that {verb} while a {second} {other} in a kitchen. "
            f"Every {second} learns to predict when the {first} {other}, and nobody is surprised.",
            "upvotes": self.random.randint(0, 90),
        }
        if self.numbers % WITH_DOCUMENTS == 0:
            source = self.random.choice(sorted((SAMPLE / "papers").glob("*.yaml")))
            target = self.folder / "papers" / f"{arxiv_id}.yaml"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        self.write(day)

    def _vote(self, day: date, arxiv_id: str, now: datetime) -> str:
        for paper in self.days[day].values():
            paper["upvotes"] += self.random.randint(-3, 20)
        return "votes"

    def _leave(self, day: date, arxiv_id: str, now: datetime) -> str:
        del self.days[day][arxiv_id]
        return "a paper leaves"

    def _move(self, day: date, arxiv_id: str, now: datetime) -> str:
        other = day + timedelta(days=self.random.choice([-1, 1]))
        if other not in self.days:
            return "nothing"
        self.days[other][arxiv_id] = self.days[day].pop(arxiv_id)
        self.write(other)
        return "a paper moves"

    def _repeat(self, day: date, arxiv_id: str, now: datetime) -> str:
        other = self.random.choice(sorted(self.days))
        self.days[other][arxiv_id] = self.days[day][arxiv_id]
        self.write(other)
        return "a paper is listed twice"

    def _withdraw(self, day: date, arxiv_id: str, now: datetime) -> str:
        self.days[day][arxiv_id]["withdrawnAt"] = now.isoformat()
        return "a paper is withdrawn"
