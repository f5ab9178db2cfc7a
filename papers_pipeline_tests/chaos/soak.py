"""A stretch of ticks, two hours each, in which everything breaks now and then."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from papers_pipeline.sandbox.demo import provider_settings
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import World
from papers_pipeline_tests.chaos import troubles
from papers_pipeline_tests.chaos.books import Books
from papers_pipeline_tests.chaos.disks import Disk
from papers_pipeline_tests.chaos.lists import Lists
from papers_pipeline_tests.chaos.process import Ended, Processes
from papers_pipeline_tests.helpers.outside import WRITTEN

BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
TICK = timedelta(hours=2)
NIGHTS = 3
AFTERWARDS = timedelta(days=40)
"""After the last tick, until every failure that was kept has expired."""
REDO = re.compile(r"`papers redo (\S+) --only (\w+)`")
"""A command that `papers verify` names."""
PROMISES = ("bought twice", "worse pages", "lost", "off the books", "tracebacks", "leftovers")


@dataclass
class Soak:
    """A data folder and a world, and all that happens to them."""

    seed: int
    disk: Disk
    world: World
    lists: Lists
    books: Books
    processes: Processes
    random: Random
    now: datetime = BEGIN
    kinds: Counter[str] = field(default_factory=Counter)
    ticks: int = 0
    calls: int = 0
    log: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.books.data

    def tick(self) -> None:
        """Let two hours pass, break something, build what the schedules would build, and look."""
        self.ticks += 1
        self.now = BEGIN + self.ticks * TICK + timedelta(seconds=self.ticks)
        self.lists.begin(self.now)
        self._forget_pauses()
        happened = self._happen()
        self.world.now = self._clock()
        self._note(f"{self.world.now:%m-%d %H:%M} {', '.join(happened)}")
        self._look(self._build())
        if self.random.random() < 0.06:
            self._redo()
        self.world.faults.clear()
        self.world.replies.clear()

    def finish(self) -> None:
        """Build all days undisturbed, and again in a new folder: both sites are the same."""
        self.build_undisturbed()
        self.compare_with_fresh()

    def build_undisturbed(self) -> None:
        """Build all days long after, and look whether anything is left of it all."""
        for day in self.lists.days:
            self.lists.write(day)
        self.world.now = self.now + AFTERWARDS
        self._forget_pauses()
        self._look(self._run(*self._all_days()))
        verified = self._run("verify", "--repair")
        if verified.status != 0:  # it has named what was damaged; a build mends that
            self._look(self._run(*self._all_days()))
            verified = self._run("verify")
            self._redo_named(verified.output)
            verified = self._run("verify")
        if verified.status != 0:
            self.books.broken("lost", f"papers verify says: {verified.output}")
        self.books.look_for_leftovers()
        self.books.find_lost([str(day) for day in self.lists.days])

    def _redo_named(self, told: str) -> None:
        """Buy again what `papers verify` says is to be: answers that rows hold only in part.

        Their purchases must be among those that the soak has damaged.
        """
        for arxiv_id, asset in sorted(set(REDO.findall(told))):
            if (asset, arxiv_id) not in self.books.damaged_purchases:
                self.books.broken("lost", f"{asset} {arxiv_id}: the purchase is gone")
            self._look(self._run("redo", arxiv_id, "--only", asset), (asset, arxiv_id))

    def _all_days(self) -> tuple[str, ...]:
        """Build every day with a list, and those without one that a wrong clock built."""
        built = {path.stem for path in (self.data / "lake" / "feed_listing").glob("*.parquet")}
        days = sorted(built | {str(day) for day in self.lists.days})
        return ("build", "--from", days[0], "--to", days[-1], "--yes")

    def compare_with_fresh(self) -> None:
        """Build the same responses and purchases in a new folder, and compare the sites.

        A reading task is chosen once and kept, so that its rows are inputs too.
        """
        fresh = self.data.with_name("fresh")
        for name in ("purchases", "lake/feed_response", "lake/reading_task"):
            if (self.data / name).exists():
                shutil.copytree(self.data / name, fresh / name)
        calls = len(self.world.calls)
        self.processes.settings |= {
            "PAPERS_DATA_DIR": str(fresh),
            "DAGSTER_HOME": str(fresh / "home"),
        }
        for _ in range(2):
            self._run(*self._all_days())
        for call in self.world.calls[calls:]:
            self.books.broken("bought twice", f"{call.title} {call.language} for the fresh folder")
        was, made = files(self.data / "site"), files(fresh / "site")
        for path in sorted(was.keys() | made.keys()):
            if was.get(path) != made.get(path):
                self.books.broken("worse pages", f"{path} differs from that of a fresh folder")

    def _clock(self) -> datetime:
        """The time of a tick. Now and then the clock is wrong."""
        if self.random.random() < 0.04:
            self.kinds["clock jumps"] += 1
            return self.now + timedelta(hours=self.random.choice([-70, -30, -9, 9, 30]))
        return self.now

    def _happen(self) -> list[str]:
        happened = []
        if self.random.random() < 0.7:
            happened.append(self.lists.change(self.now))
        if self.random.random() < 0.03:
            self.lists.shrunk(self.now)
            happened.append("list: shrunk")
        while self.random.random() < 0.45:
            trouble = self.random.choice(troubles.OUTSIDE)
            trouble(self.random, self.world)
            happened.append(trouble.__name__.replace("_", " "))
        for damage, chance in ((troubles.damage_files, 0.08), (troubles.delete_folder, 0.02)):
            if self.random.random() < chance:
                kind, paths = damage(self.random, self.books)
                happened.append(kind)
                self._note(
                    f"{kind}: {', '.join(str(path.relative_to(self.data)) for path in paths)}"
                )
        if self.random.random() < 0.03:
            happened.append(troubles.edit_prompt(self.random, self.disk.folder / "prompts"))
        self.kinds.update(happened)
        return happened

    def _build(self) -> Ended:
        today = self.world.time().date()
        command = ["build", "--date", str(today), "--yes"]
        if self.now.hour == 3:
            first = max(BEGIN.date(), today - timedelta(days=NIGHTS))
            command = ["build", "--from", str(first), "--to", str(max(first, today)), "--yes"]
        chance = self.random.random()
        if chance < 0.12:
            ended = self._run(*command, kill_after=self.random.uniform(0.05, 3.0))
            self.kinds["kills"] += ended.is_killed
            return ended
        if chance < 0.16:
            self.kinds["full disk"] += 1
            with self.disk.full(self.random.randint(0, 300_000)) as largest_file:
                return self._run(*command, largest_file=largest_file)
        return self._run(*command)

    def _redo(self) -> None:
        shown = sorted(self.books.shown)
        if not shown:
            return
        _, arxiv_id, _ = self.random.choice(shown)
        asset = self.random.choice(WRITTEN)
        self.kinds["redo"] += 1
        self._note(f"redo {asset} {arxiv_id}")
        self._look(self._run("redo", arxiv_id, "--only", asset), (asset, arxiv_id))

    def _run(
        self, *command: str, kill_after: float | None = None, largest_file: int | None = None
    ) -> Ended:
        now = self.world.time()
        ended = self.processes.run(now, *command, kill_after=kill_after, largest_file=largest_file)
        self.kinds["commands"] += 1
        self._note(f"{' '.join(command)}: {'killed' if ended.is_killed else ended.status}")
        if ended.status not in (0, 1) and not ended.is_killed:
            self.books.broken("tracebacks", f"{command} ended with {ended.status}: {ended.output}")
        return ended

    def _look(self, ended: Ended, redone: tuple[str, str] | None = None) -> None:
        """Compare what there is now with what was there before."""
        calls = self.world.calls[self.calls :]
        self.calls = len(self.world.calls)
        self.books.settle(calls, self.lists.titles(), redone)
        self.books.compare_pages()
        self.books.compare_ledger(self.calls)
        if not ended.is_killed:
            self.books.look_for_tracebacks(ended.output)

    def _forget_pauses(self) -> None:
        """What providers asked to wait for is over: two hours have passed."""
        shutil.rmtree(self.data / "home" / "limits", ignore_errors=True)

    def _note(self, line: str) -> None:
        self.log.append(f"{self.ticks} {line}")


def files(site: Path) -> dict[str, bytes]:
    """Every file of a site, except the search index, which is never the same twice."""
    found = {}
    for path in site.rglob("*"):
        if path.is_file() and site / "pagefind" not in path.parents:
            found[str(path.relative_to(site))] = path.read_bytes()
    return found


@contextmanager
def soak(seed: int, disk: Disk) -> Iterator[Soak]:
    """A soak that begins with an empty folder on this disk, and a world of its own."""
    random = Random(seed)
    data = disk.folder / "data"
    data.mkdir(parents=True)
    world = World(folder=disk.folder / "outside", now=BEGIN)
    with ExitStack() as stack:
        url = stack.enter_context(running(world))
        settings = provider_settings(url) | {
            "PAPERS_DATA_DIR": str(data),
            "DAGSTER_HOME": str(data / "home"),
            "PAPERS_PROMPTS_DIR": str(disk.folder / "prompts"),
            "PAPERS_ARXIV_REQUESTS_PER_SECOND": "1000",
            "PAPERS_LLM_REQUESTS_PER_MINUTE": "100000",
            "HF_ENDPOINT": url,
            "ARXIV_ENDPOINT": url,
            "NO_COLOR": "1",
        }
        (disk.folder / "prompts").mkdir()
        processes = Processes(settings, disk.folder / "output.txt")
        lists = Lists(world.folder, random)
        yield Soak(seed, disk, world, lists, Books(data), processes, random)
