"""Sums over the ledger, for `papers costs`."""

from datetime import date
from typing import Any

import pandas as pd

from papers_pipeline.store.ledger import Ledger, Spending

COLUMNS = ("day", "asset", "model", "prompt_version")


def costs(
    ledger: Ledger, first: date | None = None, last: date | None = None
) -> list[dict[str, Any]]:
    """One row per UTC day, asset, model and prompt version, from `first` to `last`.

    A row has calls, tokens and the USD of calls with a known price; `unpriced` counts the others.
    `estimated` counts those whose provider reported no tokens. `unsettled` counts those without a
    known end, which cost the most that they may have.
    """
    calls = []
    for day in ledger.days():
        if (first and day < first) or (last and day > last):
            continue
        for spending in ledger.spent(day):
            calls.append(_row(day, spending))
    if not calls:
        return []
    sums = ["calls", "input_tokens", "output_tokens", "usd", "unpriced", "estimated", "unsettled"]
    table = pd.DataFrame(calls).groupby(list(COLUMNS), as_index=False)[sums].sum()
    rows: list[dict[str, Any]] = []
    for row in table.to_dict("records"):
        rows.append({str(name): value for name, value in row.items()})
    return rows


def _row(day: date, spending: Spending) -> dict[str, Any]:
    return {
        "day": day.isoformat(),
        "asset": spending.asset,
        "model": f"{spending.provider}:{spending.model}",
        "prompt_version": spending.prompt_version or "",
        "calls": 1,
        "input_tokens": spending.input_tokens,
        "output_tokens": spending.output_tokens,
        "usd": spending.usd or 0.0,
        "unpriced": int(spending.usd is None),
        "estimated": int(spending.state == "estimated"),
        "unsettled": int(spending.state == "unsettled"),
    }
