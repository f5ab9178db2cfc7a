"""A few ticks of `make chaos`, always the same: the soak itself works, and breaks no promise."""

from pathlib import Path

import pytest

from papers_pipeline_tests.chaos.disks import Disk
from papers_pipeline_tests.chaos.soak import soak

pytestmark = pytest.mark.slow
TICKS = 3


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_bought_twice_lost_or_worse(tmp_path: Path, seed: int):
    with soak(seed, Disk(tmp_path)) as running:
        for _ in range(TICKS):
            running.tick()
        running.build_undisturbed()
    assert running.books.faults == []
    assert running.books.counts["calls"] > 0
    assert running.kinds["commands"] > TICKS
