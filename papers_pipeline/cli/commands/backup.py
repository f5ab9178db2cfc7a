"""`papers backup` and `papers restore`."""

import sys

import click

from papers_pipeline.cli.terminal import current_clock, current_settings, err, out
from papers_pipeline.store.files import folder_at


@click.command()
@click.argument("target")
def backup(target: str) -> None:
    """Copy what cannot be had again to TARGET, a folder or a bucket such as s3://bucket/papers.

    Copies answers, tables with the lists, the ledger and batches under way, and only what changed
    since the last time. PDFs, pages and Dagster's databases are left out: a build makes them again.
    """
    from papers_pipeline.store.backup import back_up
    from papers_pipeline.wiring import kept_folders

    done = back_up(kept_folders(current_settings(), current_clock()), folder_at(target))
    out.print(f"{target}: {done.files:,} files, {done.written:,} copied", soft_wrap=True)


@click.command()
@click.argument("source")
def restore(source: str) -> None:
    """Write what the data folder lacks from SOURCE, the target of `papers backup`.

    Files that are there stay as they are. Then build the days: it buys nothing. Exit status 1 if a
    file of the copy is damaged; the others are restored.
    """
    from papers_pipeline.store.backup import restore as restore_from
    from papers_pipeline.wiring import kept_folders

    done = restore_from(folder_at(source), kept_folders(current_settings(), current_clock()))
    out.print(f"{source}: {done.files:,} files, {done.written:,} restored", soft_wrap=True)
    for path in done.damaged:
        err.print(f"damaged in the copy, not restored: {path}", soft_wrap=True)
    if done.damaged:
        sys.exit(1)
