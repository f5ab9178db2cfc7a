"""`papers`: the pipeline from a terminal. Exit status 0: every day built, though papers may have failed; 1: a day
failed; 2: bad usage."""

import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.cli.progress import PlainWatcher, TerminalWatcher
from papers_pipeline.listing.days import days_between, parse_day
from papers_pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from papers_pipeline.llm.chain import Spent
    from papers_pipeline.llm.conversation import Provenance
    from papers_pipeline.records import PlanRow
    from papers_pipeline.runner import DayReport

T = TypeVar("T")
LATEST = "latest"
ASK_ABOVE_USD = 1.0
# A table that a file or a pipe gets is not broken at the 80 columns of a terminal that is not there.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True, highlight=False)


@click.group(help=__doc__)
@click.version_option(package_name="papers_pipeline")
def main() -> None:
    logging.getLogger("dagster").setLevel(logging.ERROR)


def _settings() -> Settings:
    return _operator(load_settings)


def _clock() -> Clock:
    """The clock of this call: the demo and the tests put theirs into click's context."""
    given = click.get_current_context().find_object(Clock)
    return given if given is not None else Clock()


def _operator(make: Callable[[], T]) -> T:
    """What ``make`` makes; an error for the operator is bad usage."""
    try:
        return make()
    except OperatorError as error:
        raise click.UsageError(str(error)) from None


def _fail(message: str, status: int = 1) -> NoReturn:
    err.print(f"[red]Error:[/red] {message}", markup=True)
    sys.exit(status)


@main.command()
@click.option("--date", "day", metavar="D", help="YYYY-MM-DD, today, yesterday or latest (UTC).")
@click.option("--from", "first", metavar="A", help="The first day of a range.")
@click.option("--to", "last", metavar="B", help="The last day of a range.")
@click.option(
    "--only",
    multiple=True,
    metavar="ASSET…",
    help="Only these assets of the day, nothing upstream of them.",
)
@click.option("--yes", is_flag=True, help="Do not ask before spending more than 1 USD.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object: the counts of every day and asset.",
)
@click.argument("more", nargs=-1, metavar="")
def build(
    day: str | None,
    first: str | None,
    last: str | None,
    only: tuple[str, ...],
    yes: bool,
    as_json: bool,
    more: tuple[str, ...],
) -> None:
    """Build a day, or every day of a range, through Dagster in one process.

    `latest` is the newest day with papers, at most 14 days back. What is done already is not done again.
    """
    if more and not only:
        raise click.UsageError(f"unexpected argument {more[0]!r}: assets are named after --only")
    settings, clock = _settings(), _clock()
    days = _days(day, first, last, clock)
    watcher = TerminalWatcher(err) if err.is_terminal and not as_json else PlainWatcher(err)
    assets = [name for part in (*only, *more) for name in part.split(",") if name]
    from papers_pipeline.runner import (
        AbsentInput,
        runner,
    )  # imports Dagster: a second that --help need not wait

    with runner(settings, clock, watcher) as built_by, watcher:
        if unknown := [name for name in assets if name not in built_by.day_assets]:
            raise click.UsageError(
                f"no asset named {', '.join(unknown)}; a day has {', '.join(built_by.day_assets)}"
            )
        if days is None:
            newest = built_by.latest()
            if newest is None:
                _fail(
                    "none of the last 14 days has a paper, or no list could be had: see `papers doctor`"
                )
            watcher.note(f"latest is {newest}")
            days = [newest]
        chosen = days

        def tell_price() -> None:
            _tell_price(settings, clock, chosen, yes, watcher)

        try:
            reports = (
                built_by.build_only(days, assets) if assets else built_by.build(days, tell_price)
            )
        except AbsentInput as error:
            raise click.UsageError(str(error)) from None
    if as_json:
        _print_json(reports)
    else:
        _print_table(reports, settings)
    if any(report.failed for report in reports):
        sys.exit(1)


def _tell_price(
    settings: Settings, clock: Clock, days: Sequence[date], yes: bool, watcher: PlainWatcher
) -> None:
    """Say what the days will cost, and ask above 1 USD."""
    from papers_pipeline.enrichment.plan import known_usd
    from papers_pipeline.wiring import planner_of

    planned = planner_of(settings, clock).plan(min(days), max(days))
    rows = [
        row for row in planned if row.model and row.calls and date.fromisoformat(row.day) in days
    ]
    for line in _by_model(rows):
        watcher.note(line)
    if (usd := known_usd(rows)) > ASK_ABOVE_USD:
        watcher.pause()
        _agree(f"These days will cost about {usd:.2f} USD. Go on?", yes)
        watcher.resume()


def _days(day: str | None, first: str | None, last: str | None, clock: Clock) -> list[date] | None:
    if bool(day) == bool(first or last) or bool(first) != bool(last):
        raise click.UsageError("name a day with --date, or a range with --from and --to")
    try:
        if day:
            return None if day == LATEST else [parse_day(day, clock)]
        return days_between(parse_day(str(first), clock), parse_day(str(last), clock))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _print_json(reports: Sequence["DayReport"]) -> None:
    days = [
        {
            "date": report.date.isoformat(),
            "state": report.state,
            "papers": report.papers,
            "seconds": report.seconds,
            "error": report.error,
            "closed": report.closed,
            "assets": {
                name: asdict(counts) | (asdict(report.spent[name]) if name in report.spent else {})
                for name, counts in report.assets.items()
            },
        }
        for report in reports
    ]
    click.echo(json.dumps({"days": days}, ensure_ascii=False, indent=1))


def _print_table(reports: Sequence["DayReport"], settings: Settings) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("day", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("papers", "new", "reused", "pending", "failed", "calls", "tokens", "USD", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for report in reports:
        texts = [
            counts
            for name, counts in report.assets.items()
            if name.startswith(("summaries_", "topic_"))
        ]
        sums = [
            sum(getattr(counts, name) for counts in texts)
            for name in ("computed", "reused", "pending", "failed")
        ]
        numbers = [str(number) for number in (report.papers, *sums)]
        row = (str(report.date), report.state or "–", *numbers, *_money(report.spent.values()))
        table.add_row(*row, f"{report.seconds:.1f}")
    if len(reports) > 1:
        money = _money(spent for report in reports for spent in report.spent.values())
        table.add_row("", "", "", "", "", "", "", *money, "", style="bold")
    out.print(table)
    for model, why in {
        model: why for report in reports for model, why in report.closed.items()
    }.items():
        err.print(f"[yellow]{model} was not asked any more:[/yellow] {escape(why)}", markup=True)
    for report in reports:
        if report.error:
            err.print(f"[red]{report.date} failed:[/red] {escape(report.error)}", markup=True)
    if any(not report.failed for report in reports):
        out.print(f"The site: {settings.data / 'site' / 'index.html'}", soft_wrap=True)


def _money(spendings: Iterable["Spent"]) -> tuple[str, str, str]:
    """Calls, tokens and USD; a ? behind the sum says that the price of some calls is not known."""
    all_spent = list(spendings)
    calls = sum(spent.calls for spent in all_spent)
    tokens = sum(spent.input_tokens + spent.output_tokens for spent in all_spent)
    unpriced = any(spent.unpriced_calls for spent in all_spent)
    return (
        f"{calls:,}",
        f"{tokens:,}",
        f"{sum(spent.usd for spent in all_spent):.4f}{'?' if unpriced else ''}",
    )


@main.command()
@click.argument("arxiv_id")
def show(arxiv_id: str) -> None:
    """Print everything held of a paper: its row of every asset on every day that listed it, and what models were sent
    and answered, with the guardrails' verdicts."""
    from papers_pipeline.cli.holdings import holdings
    from papers_pipeline.wiring import cache_of

    settings = _settings()
    held = holdings(settings.data, cache_of(settings, _clock()), arxiv_id)
    if not held.rows:
        _fail(f"nothing is held of {arxiv_id}: no built day has listed it")
    for title, content in held.rows:
        _rule(title)
        out.print_json(json.dumps(content, ensure_ascii=False))
    for title, provenance in held.conversations:
        _print_attempts(title, provenance)


def _rule(title: str) -> None:
    out.rule(f"[bold]{escape(title)}[/bold]", align="left", style="dim")


def _print_attempts(title: str, provenance: "Provenance") -> None:
    """Print the messages, raw replies and verdicts of every model that was asked."""
    for attempt in provenance.attempts:
        usd = "unknown" if attempt.usd is None else f"{attempt.usd:.6f}"
        tokens = f"{attempt.input_tokens} + {attempt.output_tokens} tokens, USD {usd}"
        _rule(f"{title}: {attempt.model} {attempt.result} ({tokens})")
        verdicts = iter(attempt.verdicts)
        for message in attempt.messages:
            out.print(f"[bold]{message.role}[/bold]", markup=True)
            out.print(message.text, markup=False, soft_wrap=True)
            verdict = next(verdicts, None) if message.role == "reply" else None
            if verdict:
                lines = [*verdict.faults, *(f"(warning) {text}" for text in verdict.warnings)]
                out.print("[bold]verdict[/bold]", markup=True)
                out.print("\n".join(lines) or "passes", markup=False, soft_wrap=True)
        if attempt.detail:
            out.print(attempt.detail, markup=False, soft_wrap=True)


@main.command()
@click.argument("arxiv_id")
@click.option(
    "--only",
    "asset",
    required=True,
    metavar="ASSET",
    help="The asset whose answer is asked for again.",
)
def redo(arxiv_id: str, asset: str) -> None:
    """Ask a model again about one paper, and rebuild the pages of every day that lists it.

    The old answer is kept beside the new one; when nothing new can be had it stays in force.
    """
    settings, clock = _settings(), _clock()
    from papers_pipeline.cli.redo import RedoError
    from papers_pipeline.cli.redo import redo as ask_again
    from papers_pipeline.runner import runner

    watcher = PlainWatcher(err)
    with runner(settings, clock, watcher) as builder:
        try:
            reports = ask_again(settings, clock, builder, arxiv_id, asset)
        except RedoError as error:
            _fail(str(error))
    _print_table(reports, settings)


@main.command()
@click.option(
    "--from", "first", metavar="A", help="The first day; by default the oldest that was built."
)
@click.option(
    "--to", "last", metavar="B", help="The last day; by default the newest that was built."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object with a row an asset and day."
)
def plan(first: str | None, last: str | None, as_json: bool) -> None:
    """Say what is out of date, how many calls are left, and about what they cost."""
    settings, clock = _settings(), _clock()
    rows = _plan(settings, clock, first, last)
    if as_json:
        click.echo(
            json.dumps(
                {"rows": [row.model_dump(mode="json") for row in rows]},
                ensure_ascii=False,
                indent=1,
            )
        )
    else:
        _print_plan(rows)


@main.command()
@click.option(
    "--from", "first", metavar="A", help="The first day; by default the oldest that was built."
)
@click.option(
    "--to", "last", metavar="B", help="The last day; by default the newest that was built."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def refresh(first: str | None, last: str | None, yes: bool) -> None:
    """Bring up to date what a changed prompt left behind, in this process: the stale assets, issue and pages."""
    from papers_pipeline.enrichment.plan import known_usd, to_refresh, with_neighbours

    settings, clock = _settings(), _clock()
    rows = _plan(settings, clock, first, last)
    _print_plan(rows)
    wanted = to_refresh(rows)
    if not wanted:
        return
    chosen = [row for row in rows if row.day in wanted.get(row.asset, ())]
    _agree(f"Refresh these for about {known_usd(chosen):.4f} USD?", yes)
    from papers_pipeline.runner import runner

    watcher = TerminalWatcher(err) if err.is_terminal else PlainWatcher(err)
    with runner(settings, clock, watcher) as builder, watcher:
        reports = builder.refresh(with_neighbours(wanted, builder.lake))
    _print_table(reports, settings)
    if any(report.failed for report in reports):
        sys.exit(1)


def _plan(settings: Settings, clock: Clock, first: str | None, last: str | None) -> list["PlanRow"]:
    from papers_pipeline.wiring import planner_of

    days = _first_and_last(first, last, clock)
    return _operator(lambda: planner_of(settings, clock)).plan(*days)


def _print_plan(rows: Sequence["PlanRow"]) -> None:
    behind = [row for row in rows if row.state != "current"]
    if not behind:
        out.print(f"All current: {len(rows)} days of assets." if rows else "Nothing is built yet.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("day", "asset", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("papers", "stale", "pending", "failed", "calls", "tokens", "USD"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in behind:
        numbers = map(str, (row.papers, row.stale, row.pending, row.failed, row.calls))
        tokens = f"{row.input_tokens + row.output_tokens:,}"
        table.add_row(row.day, row.asset, row.state, *numbers, tokens, _usd(row))
    out.print(table)
    for line in _by_model(behind):
        out.print(line, soft_wrap=True)


def _usd(row: "PlanRow") -> str:
    if not row.calls:
        return "free"
    return "?" if row.usd is None else f"{row.usd:.4f}"


def _by_model(rows: Sequence["PlanRow"]) -> list[str]:
    told = []
    for model in dict.fromkeys(row.model for row in rows if row.calls):
        mine = [row for row in rows if row.model == model and row.calls]
        calls = sum(row.calls for row in mine)
        tokens = sum(row.input_tokens + row.output_tokens for row in mine)
        known = all(row.usd is not None for row in mine)
        usd = (
            f"about {sum(row.usd or 0.0 for row in mine):.4f} USD" if known else "of unknown price"
        )
        told.append(
            f"{model or 'no model is configured'}: {calls:,} calls, about {tokens:,} tokens, {usd}"
        )
    return told


def _agree(question: str, yes: bool) -> None:
    """Go on only when the operator says so, by --yes or at the terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} There is no terminal to ask at: add --yes")
    click.confirm(question, abort=True)


@main.command()
@click.option(
    "--from",
    "first",
    metavar="A",
    help="The first UTC day of spending; by default the first of all.",
)
@click.option("--to", "last", metavar="B", help="The last UTC day of spending; by default today.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object with a row a day, asset, model, version.",
)
def costs(first: str | None, last: str | None, as_json: bool) -> None:
    """Say what was spent on models, by day, asset, model and prompt version."""
    from papers_pipeline.llm.costs import costs as sum_up
    from papers_pipeline.wiring import models_of

    settings, clock = _settings(), _clock()
    rows = sum_up(models_of(settings, clock).ledger, *_first_and_last(first, last, clock))
    if as_json:
        click.echo(json.dumps({"rows": rows}, ensure_ascii=False, indent=1))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("day", "asset", "model", "version"):
        table.add_column(name, no_wrap=True)
    for name in ("calls", "tokens", "USD"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        about = (row[name] for name in ("day", "asset", "model", "prompt_version"))
        tokens = f"{row['input_tokens'] + row['output_tokens']:,}"
        table.add_row(
            *about, f"{row['calls']:,}", tokens, f"{row['usd']:.4f}{'?' if row['unpriced'] else ''}"
        )
    sums = {
        name: sum(row[name] for row in rows)
        for name in ("calls", "input_tokens", "output_tokens", "usd")
    }
    tokens = f"{sums['input_tokens'] + sums['output_tokens']:,}"
    table.add_row("", "", "", "", f"{sums['calls']:,}", tokens, f"{sums['usd']:.4f}", style="bold")
    out.print(table)


def _first_and_last(
    first: str | None, last: str | None, clock: Clock
) -> tuple[date | None, date | None]:
    try:
        return (parse_day(first, clock) if first else None), (
            parse_day(last, clock) if last else None
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@main.group(invoke_without_command=True)
@click.pass_context
def prompts(context: click.Context) -> None:
    """List the prompts: asset, version, days that are current and not, and the chain of models, those that are not
    configured in brackets."""
    if context.invoked_subcommand:
        return
    from papers_pipeline.prompts.model_names import split_name
    from papers_pipeline.wiring import planner_of, prompts_of

    settings = _settings()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("prompt", "asset", "version", "current", "behind", "models"):
        table.add_column(name, justify="right" if name in ("current", "behind") else "left")
    rows = _operator(lambda: planner_of(settings, _clock())).plan()
    for prompt in prompts_of(settings).every:
        usable = {
            model for model in prompt.models if settings.access[split_name(model)[0]].is_configured
        }
        chain = (model if model in usable else f"({model})" for model in prompt.models)
        states = [row.state == "current" for row in rows if row.asset == prompt.asset]
        days = (str(sum(states)), str(len(states) - sum(states)))
        table.add_row(prompt.name, prompt.asset, prompt.version, *days, ", ".join(chain))
    out.print(table)


@prompts.command()
@click.argument("name")
@click.option(
    "--sample",
    "count",
    default=3,
    show_default=True,
    type=click.IntRange(1, 50),
    help="How many papers.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def diff(name: str, count: int, yes: bool) -> None:
    """Show what a changed prompt makes of a few papers beside what is stored of them.

    Only these calls are bought; when the prompt is adopted their answers are there already.
    """
    from papers_pipeline.cli.comparison import answer, sample, shown
    from papers_pipeline.wiring import planner_of

    settings, clock = _settings(), _clock()
    task, samples = _operator(lambda: sample(settings, name, count))
    calls, usd = planner_of(settings, clock).estimate(
        task.prompt.asset, [it.item for it in samples]
    )
    cost = (
        "for free"
        if not calls
        else "at an unknown price"
        if usd is None
        else f"for about {usd:.4f} USD"
    )
    out.print(f"{name} {task.prompt.version}: {len(samples)} papers, {calls} calls {cost}")
    if calls:
        _agree(f"Buy {calls} calls {cost}?", yes)
    for before, after in zip(samples, answer(settings, clock, task, samples), strict=True):
        _rule(f"{before.old.arxiv_id} {before.day}")
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
        table.add_column(f"before, {before.old.prompt_version}", ratio=1)
        table.add_column(f"now, {after.prompt_version}", ratio=1)
        table.add_row(escape(shown(before.old)), escape(shown(after)))
        out.print(table)


@prompts.command("eval")
@click.argument("name", type=click.Choice(["affiliations"]))
@click.option(
    "--labels",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON lines of papers labelled by hand; by default the sample days'.",
)
def evaluate(name: str, labels: Path | None) -> None:
    """Precision and recall of a prompt with the models that are configured, on papers labelled by hand.

    A line is an object with `id`, `affiliations` and `author_affiliations`. The PDFs are asked of arXiv.
    """
    from papers_pipeline.cli.evaluation import SAMPLE_LABELS, load_labels
    from papers_pipeline.cli.evaluation import evaluate as compare

    settings, clock = _settings(), _clock()
    read = _operator(lambda: load_labels(labels or SAMPLE_LABELS))
    result = compare(settings, clock, read, PlainWatcher(err))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("", "found", "right", "expected", "precision", "recall"):
        table.add_column(column, justify="left" if not column else "right")
    for title, score in (("institutions", result.institutions), ("author links", result.links)):
        numbers = (score.found, score.right, score.expected)
        table.add_row(title, *map(str, numbers), f"{score.precision:.1%}", f"{score.recall:.1%}")
    out.print(table)
    for arxiv_id, told in result.faults.items():
        out.print(f"{arxiv_id}: {told}", markup=False, soft_wrap=True)
    for unread in result.unread:
        out.print(f"not read: {unread}", markup=False, soft_wrap=True)
    calls, tokens, usd = _money([result.spent])
    out.print(
        f"{result.papers} papers, {len(result.unread)} not read; {calls} calls, {tokens} tokens, USD {usd}"
    )


@main.command()
def doctor() -> None:
    """Say what is set, and ask for today's list and each configured model one tiny question, which costs a fraction of
    a cent. Exit status 1 when something is wrong; no secret is printed."""
    from papers_pipeline.cli.doctor import examine

    table = Table(box=None, show_header=False, pad_edge=False)
    findings = examine(_settings(), _clock())
    for finding in findings:
        mark = {"ok": "[green]ok[/green]", "unset": "[dim]–[/dim]", "wrong": "[red]wrong[/red]"}[
            finding.state
        ]
        table.add_row(mark, finding.subject, finding.detail)
    out.print(table)
    if any(finding.state == "wrong" for finding in findings):
        sys.exit(1)


@main.command("publish")
@click.option(
    "--to", "target", metavar="TARGET", help="A folder, rsync:host:/path or gh-pages:<git remote>."
)
def publish_site(target: str | None) -> None:
    """Send the built site to PAPERS_PUBLISH_TO, or to the target that is named; only what differs is sent.

    Exit status 2: no target is named; 1: it could not be published.
    """
    from papers_pipeline.site.publish import TARGETS, PublishError, publish
    from papers_pipeline.store import locks

    settings = _settings()
    target = target or settings.publish_to
    if not target:
        raise click.UsageError(f"name a target with --to, or set PAPERS_PUBLISH_TO: {TARGETS}")
    with locks.held(settings.home / "locks", "site", on_wait=PlainWatcher(err).note):
        try:
            published = publish(settings.data / "site", target)
        except PublishError as error:
            _fail(escape(str(error)))
    out.print(f"Published to {published}", soft_wrap=True, markup=False)


@main.command()
@click.option(
    "--port",
    type=int,
    default=8000,
    show_default=True,
    help="The port on 127.0.0.1; 0 takes a free one.",
)
def serve(port: int) -> None:
    """Preview the built site on loopback."""
    site = _settings().data / "site"
    if not (site / "index.html").exists():
        _fail(f"no site at {site}: build a day first, `papers build --date latest`")
    handler = partial(SimpleHTTPRequestHandler, directory=str(Path(site.path)))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        _fail(f"port {port}: {error.strerror}; name another with --port")
    out.print(f"http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
