"""Prints the results of builds and plans."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from papers_pipeline.cli.terminal import err, led_by, new_table, out
from papers_pipeline.settings import Settings
from papers_pipeline.wiring import stages_of

if TYPE_CHECKING:
    from papers_pipeline.llm.spent import Spent
    from papers_pipeline.records import PlanRow
    from papers_pipeline.runner import DayReport


def print_reports(reports: Sequence["DayReport"], settings: Settings) -> None:
    """Print a row per day, then the faults, then the path of the site."""
    numbers = ("papers", "new", "reused", "pending", "failed", "calls", "tokens", "USD", "s")
    table = new_table(("day", "state"), numbers)
    counted = [stage.asset for stage in stages_of(settings).values() if stage.in_build_table]
    spendings: list[Spent] = []
    for report in reports:
        spendings += report.spent.values()
        table.add_row(
            str(report.date),
            report.state or "–",
            str(report.papers),
            *_sums(report, counted),
            *money(report.spent.values()),
            f"{report.seconds:.1f}",
        )
    if len(reports) > 1:
        table.add_row("", "", "", "", "", "", "", *money(spendings), "", style="bold")
    out.print(table)
    print_faults(reports)
    if any(not report.failed for report in reports):
        site = settings.data / "site" / "index.html"
        out.print(f"The site: {site}", soft_wrap=True)


def _sums(report: "DayReport", counted: Sequence[str]) -> list[str]:
    """New, reused, pending, and failed rows of the counted assets."""
    new = reused = pending = failed = 0
    for asset in counted:
        counts = report.assets.get(asset)
        if counts:
            new += counts.computed
            reused += counts.reused
            pending += counts.pending
            failed += counts.failed
    return [str(new), str(reused), str(pending), str(failed)]


def print_faults(reports: Sequence["DayReport"]) -> None:
    """The models that are not asked any more, and the days that failed."""
    closed: dict[str, str] = {}
    for report in reports:
        closed |= report.closed
    for model, why in closed.items():
        message = led_by(f"{model} was no longer asked:", why, style="yellow")
        err.print(message)
    for report in reports:
        if report.error:
            err.print(led_by(f"{report.date} failed:", report.error, style="red"))


def money(spendings: Iterable["Spent"]) -> tuple[str, str, str]:
    """Calls, tokens, and USD. A ? after the sum means that the price of some calls is unknown."""
    calls = tokens = unpriced_calls = 0
    usd = 0.0
    for spent in spendings:
        calls += spent.calls
        tokens += spent.input_tokens + spent.output_tokens
        usd += spent.usd
        unpriced_calls += spent.unpriced_calls
    mark = "?" if unpriced_calls else ""
    return f"{calls:,}", f"{tokens:,}", f"{usd:.4f}{mark}"


def print_plan(rows: Sequence["PlanRow"]) -> None:
    """Print the rows that are not current, then the sum of each model."""
    behind = [row for row in rows if row.state != "current"]
    if not behind:
        message = f"All current: {len(rows)} days of assets." if rows else "Nothing is built yet."
        out.print(message)
        return
    numbers = ("papers", "stale", "pending", "failed", "calls", "tokens", "USD")
    table = new_table(("day", "asset", "state"), numbers)
    for row in behind:
        table.add_row(
            row.day,
            row.asset,
            row.state,
            str(row.papers),
            str(row.stale),
            str(row.pending),
            str(row.failed),
            str(row.calls),
            f"{row.input_tokens + row.output_tokens:,}",
            _usd(row),
        )
    out.print(table)
    for line in sums_by_model(behind):
        out.print(line, soft_wrap=True)


def _usd(row: "PlanRow") -> str:
    if not row.calls:
        return "free"
    return "?" if row.usd is None else f"{row.usd:.4f}"


def sums_by_model(rows: Sequence["PlanRow"]) -> list[str]:
    """A line per model: calls, tokens, and price."""
    from papers_pipeline.enrichment.plan import known_usd, known_usd_by_batch
    from papers_pipeline.llm.batch_providers import has_batches

    by_model: dict[str | None, list[PlanRow]] = {}
    for row in rows:
        if row.calls:
            by_model.setdefault(row.model, []).append(row)
    lines = []
    for model, model_rows in by_model.items():
        calls = sum(row.calls for row in model_rows)
        tokens = sum(row.input_tokens + row.output_tokens for row in model_rows)
        name = model or "no model is configured"
        price = _total_price(model_rows)
        if model and has_batches(model) and known_usd(model_rows):
            price += f", {known_usd_by_batch(model_rows):.4f} by batch"
        lines.append(f"{name}: {calls:,} calls, about {tokens:,} tokens, {price}")
    return lines


def _total_price(rows: Sequence["PlanRow"]) -> str:
    usd = 0.0
    for row in rows:
        if row.usd is None:
            return "price unknown"
        usd += row.usd
    return f"about {usd:.4f} USD"
