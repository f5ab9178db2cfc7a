"""`papers prompts`, with `diff` and `eval`."""

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from papers_pipeline.cli.terminal import (
    agree,
    as_usage,
    current_clock,
    current_settings,
    new_table,
    out,
    rule,
    watcher,
)


@click.group(invoke_without_command=True)
@click.pass_context
def prompts(context: click.Context) -> None:
    """List the prompts with their assets, versions, current and outdated days, and models.

    Models that are not configured stand in brackets.
    """
    if context.invoked_subcommand:
        return
    from papers_pipeline.wiring import models_of, planner_of, prompts_of

    settings, clock = current_settings(), current_clock()
    rows = as_usage(lambda: planner_of(settings, clock)).plan()
    models = models_of(settings, clock)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("prompt", "asset", "version", "current", "behind", "models"):
        table.add_column(name, justify="right" if name in ("current", "behind") else "left")
    for prompt in prompts_of(settings).every:
        configured = models.configured(prompt)
        chain = []
        for model in prompt.models:
            chain.append(model if model in configured else f"({model})")
        current = behind = 0
        for row in rows:
            if row.asset == prompt.asset:
                current += row.state == "current"
                behind += row.state != "current"
        table.add_row(
            prompt.name,
            prompt.asset,
            prompt.version,
            str(current),
            str(behind),
            ", ".join(chain),
        )
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
    """Show a changed prompt's answers about a few papers beside the stored ones.

    Only these calls are bought. If you adopt the prompt, their answers come from the cache.
    """
    from papers_pipeline.cli.comparison import answer, sample
    from papers_pipeline.wiring import planner_of

    settings, clock = current_settings(), current_clock()
    stage, samples = as_usage(lambda: sample(settings, name, count))
    items = [sample.item for sample in samples]
    calls, usd = planner_of(settings, clock).estimate(stage.asset, items)
    cost = "for free"
    if calls:
        cost = "at an unknown price" if usd is None else f"for about {usd:.4f} USD"
    out.print(f"{name} {stage.prompt.version}: {len(samples)} papers, {calls} calls {cost}")
    if calls:
        agree(f"Buy {calls} calls {cost}?", yes)
    rows = answer(settings, clock, stage, samples)
    for before, after in zip(samples, rows, strict=True):
        rule(f"{before.old.arxiv_id} {before.day}")
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
        table.add_column(f"before, {before.old.prompt_version}", ratio=1)
        table.add_column(f"now, {after.prompt_version}", ratio=1)
        table.add_row(escape(stage.show(before.old)), escape(stage.show(after)))
        out.print(table)


@prompts.command("eval")
@click.argument("name", type=click.Choice(["affiliations"]))
@click.option(
    "--labels",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON lines of hand-labelled papers; by default those of the sample days.",
)
def eval_prompt(name: str, labels: Path | None) -> None:
    """Measure precision and recall of a prompt on hand-labelled papers, with the configured models.

    A line is an object with `id`, `affiliations` and `author_affiliations`. The PDFs come from
    arXiv.
    """
    from papers_pipeline.cli.evaluation import SAMPLE_LABELS, evaluate, load_labels
    from papers_pipeline.cli.reports import money

    settings, clock = current_settings(), current_clock()
    labelled = as_usage(lambda: load_labels(labels or SAMPLE_LABELS))
    result = evaluate(settings, clock, labelled, watcher(plain=True).of("labels"))
    table = new_table(("",), ("found", "right", "expected", "precision", "recall"))
    for title, score in (("institutions", result.institutions), ("author links", result.links)):
        table.add_row(
            title,
            str(score.found),
            str(score.right),
            str(score.expected),
            f"{score.precision:.1%}",
            f"{score.recall:.1%}",
        )
    out.print(table)
    for arxiv_id, fault in result.faults.items():
        out.print(f"{arxiv_id}: {fault}", markup=False, soft_wrap=True)
    for unread in result.unread:
        out.print(f"not read: {unread}", markup=False, soft_wrap=True)
    calls, tokens, usd = money([result.spent])
    papers = f"{result.papers} papers, {len(result.unread)} not read"
    out.print(f"{papers}; {calls} calls, {tokens} tokens, USD {usd}")
