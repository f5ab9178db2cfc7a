"""The start of `papers`, against the start of bare Python."""

import os
import sys
from collections.abc import Iterator

from benchmarks.bench import QUICK_RUNS, Bench, papers
from benchmarks.processes import measure
from benchmarks.scenario import COLD, environment
from benchmarks.table import Row

NOWHERE = "http://127.0.0.1:9"
"""A start asks nobody."""


def start_rows(bench: Bench) -> Iterator[Row]:
    """`papers --help`, and `papers plan` on an empty data folder."""
    home = bench.new_folder("nothing")
    env = environment(home, NOWHERE, COLD)
    for arguments in (("--help",), ("plan",)):
        row = Row(f"papers {' '.join(arguments)}, nothing built", "python -c pass")
        papers(home, env, *arguments)  # writes the bytecode of new code
        for _ in range(bench.runs or QUICK_RUNS):
            bare = measure([sys.executable, "-c", "pass"], os.environ, home)
            started = papers(home, env, *arguments)
            row.add(started.seconds, bare.seconds, started.peak_bytes)
        yield row
