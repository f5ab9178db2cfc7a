"""All that is stored, as `papers verify` reads it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.llm.batch_store import BatchStore
from papers_pipeline.settings import Settings
from papers_pipeline.site.writer import Site
from papers_pipeline.store.lake import Lake
from papers_pipeline.store.ledger import Ledger
from papers_pipeline.store.purchases import Purchases
from papers_pipeline.wiring import lake_of, models_of, purchases_of, site_of, stages_of


@dataclass(frozen=True)
class Stored:
    """The stores below the data folder, and how they are read.

    `chosen` says whether the next file is read: of a sample, only some are. `is_whole` if all are.
    With `repair`, what can be mended safely is mended.
    """

    data: UPath
    home: UPath
    lake: Lake
    purchases: Purchases
    site: Site
    ledger: Ledger
    batches: BatchStore
    stages: Mapping[str, AnyStage]
    clock: Clock
    chosen: Callable[[], bool]
    is_whole: bool
    repair: bool

    def build(self, first: str = "") -> str:
        """The command that builds the first day from `first` on, which is the first day of a week
        or month too, and with it what spans days; else the newest."""
        days = self.lake.partitions("daily_issue")
        later = [day for day in days if day >= first] if first else days[-1:]
        return f"`papers build --date {later[0] if later else first or 'latest'}`"


def stored_by(settings: Settings, clock: Clock, share: float, *, repair: bool) -> Stored:
    """What is stored under these settings. This share of the files is read, others each time."""
    generator = random.Random()
    models = models_of(settings, clock)
    return Stored(
        data=settings.data,
        home=UPath(settings.home),
        lake=lake_of(settings),
        purchases=purchases_of(settings, clock),
        site=site_of(settings),
        ledger=models.ledger,
        batches=models.batches.store,
        stages=stages_of(settings),
        clock=clock,
        chosen=lambda: generator.random() < share,
        is_whole=share == 1,
        repair=repair,
    )
