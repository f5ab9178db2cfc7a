"""After a fault at any step of a build, the next build makes what an undisturbed one makes.

The steps come from the journal of an undisturbed build (`helpers/faults.py`). `make test` has a
sample of them, `make test-slow` each place in the code in each way, each table and each kind of
statement. PAPERS_TEST_FAULTS=all tries all steps in all ways: half a day of two processors.
"""

import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest
import requests

from papers_pipeline import home
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.sandbox.providers import base_path
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import SAMPLE as SAMPLE_DAYS
from papers_pipeline.sandbox.world import World
from papers_pipeline.settings import load_settings
from papers_pipeline.store.ledger import FileLedger
from papers_pipeline_tests.helpers.building import changed
from papers_pipeline_tests.helpers.faults import (
    DEADLY,
    SEARCH_HASH,
    WAYS,
    Kind,
    Step,
    Way,
    read_journal,
)
from papers_pipeline_tests.helpers.outside import (
    LONG_AGO,
    PACKAGED_PROVIDERS,
    STAGES,
    Outside,
    kettles,
)
from papers_pipeline_tests.helpers.samples import LISTED
from papers_pipeline_tests.helpers.terminal import one_line
from papers_pipeline_tests.helpers.warm import Ended, Warm, warm

SAMPLE: tuple[tuple[Kind, Way], ...] = (("ask", "killed"), ("rename", "power"))
CAUSES = {
    "write": "No space left on device",
    "line": "No space left on device",
    "disk stays full": "No space left on device|database or disk is full",
    "sync": "Input/output error",
    "rename": "Input/output error",
    "delete": "Input/output error",
    "row": "disk I/O error",
    "reset": "reset by the test",
    "status 500": "500",
}
"""What a build says that such a fault has stopped."""
DAY = "2026-03-02"
WITH_PDF = "2602.90011"
SHARES = 12
"""The cases are dealt to so many tests, which run side by side."""


@dataclass
class Workshop:
    """Builds the day in new folders, with a fault or without."""

    folder: Path
    outside: Outside
    warm: Warm
    numbers: Iterator[int] = field(default_factory=count)

    def machine(self) -> "Machine":
        return Machine(self, self.folder / f"machine-{next(self.numbers)}")

    def settings(self) -> dict[str, str]:
        url = self.outside.url
        found = {
            "HF_ENDPOINT": url,
            "ARXIV_ENDPOINT": url,
            "PAPERS_ARXIV_REQUESTS_PER_SECOND": "1000",
        }
        for name in PACKAGED_PROVIDERS:
            provider = PROVIDERS[name]
            found[provider.base_url_variable] = url + base_path(provider)
            if provider.key_variable:
                found[provider.key_variable] = "a-key-of-the-test"
        return found


class Machine:
    """A data folder and a Dagster home, on which the day is built."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self._workshop = workshop
        self.folder = folder
        self.data = folder / "data"
        self.settings = {
            **workshop.settings(),
            "PAPERS_DATA_DIR": str(self.data),
            "DAGSTER_HOME": str(folder / "home"),
        }
        shutil.copytree(workshop.folder / "home", folder / "home")

    def build(self, fatal: str = "", way: Way = "fails") -> tuple[Ended, list[Step], Counter[str]]:
        """Build the day: how it ended, the steps that it took, and its calls by asset."""
        journal = self.folder / "journal"
        journal.unlink(missing_ok=True)
        self._workshop.outside.calls()
        watched = {"folder": self.data, "journal": journal, "fatal": fatal, "way": way}
        ended = self.run("build", "--date", DAY, **watched)
        return ended, read_journal(journal), self._calls()

    def run(self, *arguments: str, **watched: Any) -> Ended:
        """Run a command of `papers` on this machine."""
        settings = self.settings
        return self._workshop.warm.papers(*arguments, environment=settings, now=LONG_AGO, **watched)

    def _calls(self) -> Counter[str]:
        # What a dead process has sent is read before what is sent now.
        for _ in range(2):
            requests.get(self._workshop.outside.url, timeout=30)
        calls: Counter[str] = Counter()
        for kind, number in self._workshop.outside.calls().items():
            calls[kind if kind in STAGES else f"summaries_{kind}"] += number
        return calls

    def public(self) -> dict[str, bytes]:
        """The files of the site. Those of the search are never the same twice: only their names."""
        site, found = self.data / "site", {}
        for path in site.rglob("*"):
            if path.is_file():
                name = path.relative_to(site).as_posix()
                is_search = name.startswith("pagefind/")
                found[SEARCH_HASH.sub("*", name)] = b"" if is_search else path.read_bytes()
        return found

    def temporary(self) -> list[str]:
        """The hidden files in the data folder, except the lock of the ledger."""
        hidden = {path for path in self.data.rglob(".*") if path.is_file()}
        hidden |= set(self.data.rglob("*.tmp"))
        return sorted(str(path) for path in hidden - {self.data / "ledger" / ".lock"})

    def damaged(self) -> list[str]:
        return sorted(str(path) for path in self.data.rglob("*.damaged"))

    def calls_in_ledger(self) -> int:
        """The calls that have a line, whatever their end."""
        lines = (self.data / "ledger" / f"{LONG_AGO.date()}.jsonl").read_bytes().splitlines()
        return len({json.loads(line)["call"] for line in lines if line.endswith(b"}")})

    def spent_calls(self) -> Counter[str]:
        return Counter(
            line.asset for line in FileLedger(self.data / "ledger").spent(LONG_AGO.date())
        )


@dataclass
class Undisturbed:
    """An undisturbed build: its steps, its calls by asset, and the public files."""

    steps: list[Step]
    calls: Counter[str]
    public: dict[str, bytes]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A day of two papers, one of which has a PDF and HTML."""
    folder = tmp_path_factory.mktemp("faults")
    world = World(folder=folder / "outside", now=LONG_AGO)
    (world.folder / "papers").mkdir(parents=True)
    shutil.copy(SAMPLE_DAYS / "papers" / f"{WITH_PDF}.yaml", world.folder / "papers")
    with pytest.MonkeyPatch.context() as patch:
        # Making its databases takes longer than copying them.
        patch.setenv("DAGSTER_HOME", str(folder / "home"))
        with home.instance(load_settings()):
            pass
    with running(world) as url, warm(folder / "warm") as started:
        outside = Outside(world, url)
        entry = {"paper": LISTED[WITH_PDF], "title": LISTED[WITH_PDF]["title"]}
        outside.list(DAY, [*kettles(1), entry])
        yield Workshop(folder, outside, started)


@pytest.fixture(scope="module")
def undisturbed(workshop: Workshop) -> Undisturbed:
    machine = workshop.machine()
    ended, steps, calls = machine.build()
    assert ended.status == 0, ended.output
    assert machine.temporary() == []
    # In one order: each process of the tests has a build of its own, and takes its share of them.
    steps = sorted((step for step in steps if step.kind != "kept"), key=lambda step: step.name)
    return Undisturbed(steps, calls, machine.public())


Case = tuple[Step, Way]


def all_cases(steps: list[Step]) -> list[Case]:
    return [(step, way) for step in steps for way in WAYS[step.kind]]


def cases_of_each_kind(steps: list[Step]) -> list[Case]:
    """Each place in the code in each way; each table and each statement in one way after another.

    The places of a statement say little: most are where Dagster runs.
    """
    chosen, seen = [], set()
    for step in steps:
        for way in WAYS[step.kind]:
            if step.kind != "row" and (step.kind, step.place, way) not in seen:
                seen.add((step.kind, step.place, way))
                chosen.append((step, way))
    tables = [step for step in steps if step.kind == "rename" and step.subject.startswith("lake/")]
    statements = [step for step in steps if step.kind == "row" and step.number == 1]
    for some in (tables, statements):
        chosen += zip(some, cycle(WAYS[some[0].kind]), strict=False)
    return list(dict.fromkeys(chosen))


def dealt(share: int, steps: list[Step]) -> list[Case]:
    """The cases of one share, all or some as the environment says."""
    is_whole = os.environ.get("PAPERS_TEST_FAULTS") == "all"
    return (all_cases(steps) if is_whole else cases_of_each_kind(steps))[share::SHARES]


class Check:
    """Checks cases, and counts them for the summary of the session."""

    def __init__(self, workshop: Workshop, undisturbed: Undisturbed) -> None:
        self._workshop, self._undisturbed = workshop, undisturbed
        self.counts: Counter[str] = Counter()

    def __call__(self, case: Case) -> None:
        """Build with a fault and without: pages, purchases and ledger are as promised."""
        step, way = case
        undisturbed, machine = self._undisturbed, self._workshop.machine()
        ended, steps, calls = machine.build(step.name, way)
        assert step.name in {each.name for each in steps}, "the build never came to this step"
        if way in DEADLY:
            assert ended.status == -signal.SIGKILL
        else:
            self._check_sentence(case, ended, machine)
        kept = Counter(each.subject for each in steps if each.kind == "kept")

        again, _, more_calls = machine.build()
        assert again.status == 0, again.output
        assert changed(undisturbed.public, machine.public()) == set()
        # A request whose answer was lost is repeated at once.
        repeated = (calls - undisturbed.calls).total()
        assert repeated <= (way == "answer lost")
        for asset, number in undisturbed.calls.items():
            assert more_calls[asset] <= number - kept[asset], f"{asset} was bought twice"
        assert machine.temporary() == []
        assert way in ("power", "names") or machine.damaged() == []
        assert machine.calls_in_ledger() >= (calls + more_calls).total()
        assert machine.spent_calls() >= undisturbed.calls
        self._check_store(step, machine)
        shutil.rmtree(machine.folder)
        self.counts.update((f"{step.kind} steps", way))

    def _check_store(self, step: Step, machine: Machine) -> None:
        """The store is as it should be; only a lost line of the ledger is entered by repair."""
        verified = machine.run("verify")
        if step.kind == "line" and verified.status:
            assert "its calls are not settled in the ledger" in one_line(verified.output)
            machine.run("verify", "--repair")
            verified = machine.run("verify")
        assert verified.status == 0, verified.output

    def _check_sentence(self, case: Case, ended: Ended, machine: Machine) -> None:
        """A build that lives on says in a sentence what it lacks."""
        step, way = case
        assert ended.status in (0, 1), ended.output
        assert "Traceback" not in ended.output, ended.output
        if ended.status or changed(self._undisturbed.public, machine.public()):
            cause = CAUSES[step.kind if way == "fails" else way]
            assert re.search(cause, one_line(ended.output)), ended.output


@pytest.fixture
def check(
    workshop: Workshop, undisturbed: Undisturbed, record_property: Callable[[str, object], None]
) -> Iterator[Check]:
    made = Check(workshop, undisturbed)
    yield made
    record_property("faults", dict(made.counts))


def test_an_undisturbed_build_takes_every_kind_of_step(undisturbed: Undisturbed):
    counts = Counter(step.kind for step in undisturbed.steps)
    assert counts.keys() == WAYS.keys()
    # A line before each call and one after it, each synced.
    assert counts["line"] == 2 * counts["ask"] == 2 * undisturbed.calls.total()
    assert counts["rename"] + counts["line"] <= counts["write"]


@pytest.mark.parametrize(("kind", "way"), SAMPLE)
def test_after_a_fault_at_a_step_a_build_makes_all_and_buys_nothing_twice(
    check: Check, undisturbed: Undisturbed, kind: Kind, way: Way
):
    steps = [step for step in undisturbed.steps if step.kind == kind]
    check((steps[len(steps) // 2], way))


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_after_a_fault_at_any_step_a_build_makes_all_and_buys_nothing_twice(
    check: Check, undisturbed: Undisturbed, share: int
):
    failed = {}
    for case in dealt(share, undisturbed.steps):
        try:
            check(case)
        except AssertionError as error:
            failed[case[0].name, case[1]] = str(error)
    assert failed == {}
