"""What calls will cost, and the question before they are made."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from papers_pipeline.cli.progress import PlainWatcher
from papers_pipeline.cli.terminal import agree

if TYPE_CHECKING:
    from papers_pipeline.records import PlanRow

ASK_ABOVE_USD = 1.0


def tell_price(
    rows: Sequence["PlanRow"], yes: bool, watching: PlainWatcher, *, by_batch: bool = False
) -> None:
    """Print what these rows of the plan will cost, and ask for confirmation above 1 USD."""
    from papers_pipeline.cli.reports import sums_by_model
    from papers_pipeline.enrichment.plan import known_usd, known_usd_by_batch

    for line in sums_by_model(rows):
        watching.note(line)
    live_usd, batch_usd = known_usd(rows), known_usd_by_batch(rows)
    if (batch_usd if by_batch else live_usd) <= ASK_ABOVE_USD:
        return
    prices = f"about {live_usd:.2f} USD"
    if by_batch:
        prices = f"about {batch_usd:.2f} USD by batch, in place of {live_usd:.2f}"
    elif batch_usd < live_usd:
        prices += f", {batch_usd:.2f} by batch"
    watching.pause()
    agree(f"These days will cost {prices}. Go on?", yes)
    watching.resume()
