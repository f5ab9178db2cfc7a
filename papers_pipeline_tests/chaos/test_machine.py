"""Any order of builds, kills, edits, moves and damage: nothing is bought twice, no text is lost.

`make test-slow` runs the same few orders each time, `make chaos` new ones.
"""

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline_tests.chaos.books import Books
from papers_pipeline_tests.conftest import Outside, Pipeline
from papers_pipeline_tests.helpers.outside import FEED, WRITTEN, kettles
from papers_pipeline_tests.helpers.terminal import papers

CASES = int(os.environ.get("PAPERS_CHAOS_CASES", "0"))
CASES_AN_ORDER = 500
"""An order takes as long as so many cases of a property."""
DAYS = ("2026-03-02", "2026-03-03")
PAPERS = ("2603.10001", "2603.10002", "2603.10003")
BEGIN = "2026-03-20T11:00"
PROMPTS = ("summary.en.md", "summary.ru.md", "topic_tags.md")
END = "{% endblock %}"

a_day = st.sampled_from(DAYS)
a_paper = st.sampled_from(PAPERS)


class Orders(RuleBasedStateMachine):
    """Two days with three papers, on a data folder of their own."""

    numbers = itertools.count()

    def __init__(
        self,
        outside: Outside,
        pipeline: Pipeline,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        super().__init__()
        self.outside, self.pipeline = outside, pipeline
        self.folder = folder / f"order-{next(self.numbers)}"
        self.prompts = self.folder / "prompts"
        self.prompts.mkdir(parents=True)
        monkeypatch.setenv("PAPERS_DATA_DIR", str(self.folder / "data"))
        monkeypatch.setenv("PAPERS_PROMPTS_DIR", str(self.prompts))
        self.books = Books(self.folder / "data")
        self.entries = {item["paper"]["id"]: item for item in kettles(1, 2, 3)}
        self.day_of = {PAPERS[0]: DAYS[0], PAPERS[1]: DAYS[0], PAPERS[2]: DAYS[1]}

    @initialize()
    def begin(self) -> None:
        self.outside.world.calls.clear()
        self.offer()
        self.pipeline.build(*DAYS, at=BEGIN)
        self.look()

    @rule(day=a_day)
    def build(self, day: str) -> None:
        self.pipeline.build(day)
        self.look()

    @rule(day=a_day, place=st.integers(0, 20))
    def kill(self, day: str, place: int) -> None:
        """Build only the first assets of a day, as if the process was killed after them."""
        assets = (*FEED, *self.assets_of_a_day())[: len(FEED) + place]
        self.pipeline.build(day, only=assets)
        self.look()

    @rule(name=st.sampled_from(PROMPTS), words=st.sampled_from(["Write plainly.", "Be calm."]))
    def edit_prompt(self, name: str, words: str) -> None:
        text = (PACKAGED / name).read_text(encoding="utf-8")
        edited = text.replace(END, f"{words}\n{END}", 1)
        (self.prompts / name).write_text(edited, encoding="utf-8")

    @rule(paper=a_paper, day=a_day)
    def move(self, paper: str, day: str) -> None:
        self.day_of[paper] = day
        self.offer()

    @rule(paper=a_paper)
    def withdraw(self, paper: str) -> None:
        self.entries[paper]["paper"]["withdrawnAt"] = "2026-03-10T00:00:00.000Z"
        self.offer()

    @rule(
        pattern=st.sampled_from(["lake/*/*.parquet", "purchases/*/*/*.json", "site/**/*.html"]),
        place=st.integers(0, 200),
        keeps=st.sampled_from([None, 0.0, 0.5]),
    )
    def damage(self, pattern: str, place: int, keeps: float | None) -> None:
        """Delete a file, or keep a part of it."""
        files = sorted(self.books.data.glob(pattern))
        files = [path for path in files if path.parent.name != "feed_response"]
        if not files:
            return
        path = files[place % len(files)]
        before = self.books.answered()
        data = path.read_bytes()
        self.books.spoil(path, None if keeps is None else data[: int(len(data) * keeps)])
        self.books.destroy(before)

    @precondition(lambda self: self.books.shown)
    @rule(paper=a_paper, asset=st.sampled_from(WRITTEN))
    def redo(self, paper: str, asset: str) -> None:
        result = papers("redo", paper, "--only", asset, now=self.pipeline.clock.moment)
        self.books.look_for_tracebacks(result.output)
        self.look((asset, paper))

    def offer(self) -> None:
        for day in DAYS:
            listed = [self.entries[paper] for paper in PAPERS if self.day_of[paper] == day]
            self.outside.list(day, listed)

    def assets_of_a_day(self) -> tuple[str, ...]:
        runner: Any = self.pipeline._loaded
        return tuple(name for name in runner.day_assets if name not in FEED)

    def look(self, redone: tuple[str, str] | None = None) -> None:
        world = self.outside.world
        titles = {item["paper"]["title"]: paper for paper, item in self.entries.items()}
        self.books.settle(world.calls, titles, redone)
        world.calls.clear()
        self.books.compare_pages()
        assert self.books.faults == []

    def teardown(self) -> None:
        """All days are built undisturbed: nothing is left of it all."""
        if not self.books.shown:
            return
        self.pipeline.build(*DAYS)
        self.look()
        papers("verify", "--repair", now=self.pipeline.clock.moment)
        self.pipeline.build(*DAYS)
        self.look()
        verified = papers("verify", now=self.pipeline.clock.moment)
        assert verified.exit_code == 0, verified.output
        self.books.look_for_leftovers()
        listed = {self.day_of[paper] for paper in PAPERS}
        self.books.find_lost(sorted(listed))
        assert self.books.faults == []


@pytest.mark.slow
def test_in_any_order_nothing_is_bought_twice_and_no_text_is_lost(
    outside: Outside, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outside.offer(monkeypatch)
    few = settings(
        max_examples=CASES // CASES_AN_ORDER if CASES else 2,
        stateful_step_count=8 if CASES else 4,
        derandomize=not CASES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(
        lambda: Orders(outside, pipeline, tmp_path, monkeypatch), settings=few
    )
