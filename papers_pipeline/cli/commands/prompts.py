"""`papers prompts`, with `diff` and `eval`."""

import click
from rich.table import Table

from papers_pipeline.cli.commands.evaluation import evaluate
from papers_pipeline.cli.terminal import (
    agree,
    as_usage,
    current_clock,
    current_settings,
    out,
    rule,
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

    Only these calls are bought. If you adopt the prompt, their answers are there already. Figures
    of both sides follow, as those of `papers prompts eval`, except for affiliations and
    translations.
    """
    from papers_pipeline.cli.comparison import answer, reports_of, sample
    from papers_pipeline.cli.evaluations import print_figures
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
        table.add_row(stage.show(before.old), stage.show(after))
        out.print(table)
    reports = reports_of(settings, stage, samples, rows)
    if reports:
        rule("figures")
        print_figures(reports)


prompts.add_command(evaluate)
