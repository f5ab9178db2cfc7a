"""What was spent, summed from the ledger."""

from datetime import date
from typing import Any

import pandas as pd

from papers_pipeline.llm.ledger import Ledger

COLUMNS = ("day", "asset", "model", "prompt_version")


def costs(
    ledger: Ledger, first: date | None = None, last: date | None = None
) -> list[dict[str, Any]]:
    """One row a UTC day, asset, model and prompt version: calls, tokens, and USD of known price; `unpriced` counts the
    calls whose price is not known."""
    days = [
        day
        for day in ledger.days()
        if (first is None or day >= first) and (last is None or day <= last)
    ]
    spendings = [
        {
            "day": day.isoformat(),
            "asset": it.asset,
            "model": f"{it.provider}:{it.model}",
            "prompt_version": it.prompt_version or "",
            "calls": 1,
            "input_tokens": it.input_tokens,
            "output_tokens": it.output_tokens,
            "usd": it.usd or 0.0,
            "unpriced": int(it.usd is None),
        }
        for day in days
        for it in ledger.spent(day)
    ]
    sums = ["calls", "input_tokens", "output_tokens", "usd", "unpriced"]
    if not spendings:
        return []
    table = pd.DataFrame(spendings).groupby(list(COLUMNS), as_index=False)[sums].sum()
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
