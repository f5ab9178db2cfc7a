"""What the rows share: the options, a temporary folder, and what is measured once in a run."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from benchmarks.parsing import extract
from benchmarks.processes import Measured, measure
from benchmarks.scenario import (
    ROOT,
    UNLIMITED,
    PaperWorld,
    Scenario,
    environment,
    sandbox,
    write_world,
)

QUICK_RUNS, LONG_RUNS = 3, 1
EXTRACTED_PDFS = 100
PAPERS = Path(sys.executable).with_name("papers")


@dataclass
class Bench:
    """One run of the bench.

    - `folder`: temporary; worlds and data folders are made in it.
    - `picture`: where the picture of a cold day is drawn.
    - `papers`: the papers of a single day.
    - `runs`: repetitions of each row; None leaves that to the row.
    - `pdfs`: a folder of PDFs to use instead of the sample's.
    - `with_old_script`: whether the cold day also runs as the old script did.
    - `calls_per_minute`: the limit in rows with thousands of calls.
    """

    folder: Path
    picture: Path
    papers: int = 50
    runs: int | None = None
    pdfs: Path | None = None
    with_old_script: bool = True
    calls_per_minute: int = 300

    @cached_property
    def start_seconds(self) -> float:
        """Python, Dagster and a run of one empty step, on an instance that exists."""
        home = self.new_folder("start")
        shutil.copy(str(files("papers_pipeline") / "dagster.yaml"), home)
        env = os.environ | {"DAGSTER_HOME": str(home)}
        command = [sys.executable, "-m", "benchmarks.trivial"]
        measure(command, env, ROOT)
        return median(measure(command, env, ROOT).seconds for _ in range(QUICK_RUNS))

    @cached_property
    def day_world(self) -> PaperWorld:
        """The world of the rows about a single day."""
        return self.world("day", 1, self.papers)

    @cached_property
    def built_day(self) -> Path:
        """A home in which the single day is built, for rows about what comes after."""
        home = self.new_folder("built-day")
        with sandbox(self.day_world, UNLIMITED) as url:
            build(home, self.day_world, url, UNLIMITED)
        return home

    def world(self, name: str, days: int, papers: int) -> PaperWorld:
        """A new world."""
        return write_world(self.folder / f"world-{name}", days, papers, self.pdfs)

    def new_folder(self, name: str) -> Path:
        """An empty folder; one that an earlier repetition left is removed."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder


def papers(home: Path, env: Mapping[str, str], *arguments: str) -> Measured:
    """Measure a call of `papers` with the data in `home`."""
    return measure([PAPERS, *arguments], env, home)


def build(home: Path, world: PaperWorld, url: str, scenario: Scenario) -> Measured:
    """Measure `papers build` of all days of a world. Raises SystemExit if a day failed."""
    env = environment(home, url, scenario)
    days = ["--from", str(world.days[0]), "--to", str(world.days[-1])]
    if len(world.days) == 1:
        days = ["--date", str(world.days[0])]
    return papers(home, env, "build", *days, "--yes", "--json")


def failures(built: Measured) -> int:
    """The papers that failed in any stage. The figures of a row with many mean little."""
    failed = 0
    for day in json.loads(built.output)["days"]:
        for counts in day["assets"].values():
            failed += counts["failed"] + counts["pending"]
    return failed


def bare_parse_seconds(world: PaperWorld) -> float:
    """The seconds that bare PyMuPDF takes for all PDFs of a world, on all processors.

    Computed from the first hundred, because a world uses the same PDFs in turn.
    """
    processors = os.cpu_count() or 1
    extracted = world.pdfs[:EXTRACTED_PDFS]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(extract, extracted[:1]).result()  # loads the libraries
        seconds: float = pool.submit(extract, extracted).result()
    return seconds * world.papers / len(extracted) / processors
