"""A seeded soak: `python -m papers_pipeline_tests.chaos --ticks 1000 --seed 7`.

Prints what happened and what broke. Exit status 1 if a promise was broken.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from papers_pipeline_tests.chaos.disks import disk
from papers_pipeline_tests.chaos.soak import PROMISES, Soak, soak

MEGABYTES = 4000
"""899 ticks filled 1,500 of them, nine tenths with the history of runs."""
PROPERTIES = (
    "papers_pipeline_tests/chaos/test_properties.py",
    "papers_pipeline_tests/chaos/test_machine.py",
)


@click.command(help=__doc__)
@click.option("--ticks", default=1000, show_default=True, help="How many ticks of two hours.")
@click.option("--seed", type=int, help="Draws everything; by default a new one.")
@click.option("--cases", default=20_000, show_default=True, help="Cases of the properties; 0: none")
@click.option("--log", type=click.Path(path_type=Path), help="Write what happened into this file.")
def main(ticks: int, seed: int | None, cases: int, log: Path | None) -> None:
    seed = int(time.time()) % 1_000_000 if seed is None else seed
    print(f"again: make chaos SEED={seed} TICKS={ticks} CASES={cases}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="papers-chaos-") as name,
        disk(Path(name) / "disk", MEGABYTES) as folder,
        soak(seed, folder) as running,
    ):
        _run(running, ticks, log)
    is_broken = bool(running.books.faults)
    if cases:
        is_broken |= _cases(cases, seed) != 0
    sys.exit(1 if is_broken else 0)


def _run(running: Soak, ticks: int, log: Path | None) -> None:
    started = time.monotonic()
    seen = 0
    for number in range(ticks):
        running.tick()
        for broken in running.books.faults[seen:]:
            print(f"tick {number + 1}: {broken}", flush=True)
        seen = len(running.books.faults)
        if (number + 1) % 50 == 0:
            print(f"{number + 1} ticks, {time.monotonic() - started:.0f} s", flush=True)
        if log:
            log.write_text("\n".join(running.log) + "\n", encoding="utf-8")
    running.finish()
    for broken in running.books.faults[seen:]:
        print(f"at the end: {broken}", flush=True)
    print("\n".join(summary(running)))


def summary(running: Soak) -> list[str]:
    """The lines that say what happened, and how often each promise was broken."""
    counts = running.books.counts
    kinds = ", ".join(f"{kind} {times}" for kind, times in sorted(running.kinds.items()))
    promises = ", ".join(f"{promise} {counts[promise]}" for promise in PROMISES)
    return [
        f"seed {running.seed}: {running.ticks} ticks, {len(running.lists.days)} days, "
        f"{running.lists.numbers} papers, {counts['calls']} calls, {running.kinds['kills']} kills",
        f"what happened: {kinds}",
        f"the full disk was {running.disk.how}",
        promises,
    ]


def _cases(cases: int, seed: int) -> int:
    """Run the properties with so many cases together; the exit status of pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-m", "", f"--hypothesis-seed={seed}"]
    environment = os.environ | {"PAPERS_CHAOS_CASES": str(cases)}
    return subprocess.run([*command, *PROPERTIES], env=environment, check=False).returncode


if __name__ == "__main__":
    main()
