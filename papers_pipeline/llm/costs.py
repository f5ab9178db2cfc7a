"""Sums over the ledger, for `papers costs`."""

from collections import Counter
from datetime import date
from typing import Any

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
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for day in ledger.days():
        if (first and day < first) or (last and day > last):
            continue
        for spending in ledger.spent(day):
            sums.setdefault(_key(day, spending), Counter()).update(_amounts(spending))
    rows: list[dict[str, Any]] = []
    for key in sorted(sums):
        rows.append(dict(zip(COLUMNS, key, strict=True)) | sums[key])
    return rows


def _key(day: date, spending: Spending) -> tuple[str, ...]:
    model = f"{spending.provider}:{spending.model}"
    return day.isoformat(), spending.asset, model, spending.prompt_version or ""


def _amounts(spending: Spending) -> dict[str, Any]:
    return {
        "calls": 1,
        "input_tokens": spending.input_tokens,
        "output_tokens": spending.output_tokens,
        "usd": spending.usd or 0.0,
        "unpriced": int(spending.usd is None),
        "estimated": int(spending.state == "estimated"),
        "unsettled": int(spending.state == "unsettled"),
    }
