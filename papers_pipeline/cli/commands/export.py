"""`papers export`."""

import click
from upath import UPath

from papers_pipeline.cli.terminal import current_settings, out


@click.command()
@click.option(
    "--to", "folder", required=True, metavar="FOLDER", help="Where the files go; made if absent."
)
def export(folder: str) -> None:
    """Write all months as data: Parquet, JSON Lines and a card, laid out for the Hugging Face Hub.

    Nothing is uploaded. Files that did not change stay as they are.
    """
    from papers_pipeline.issue.dataset import write_dataset
    from papers_pipeline.wiring import lake_of

    done = write_dataset(lake_of(current_settings()), UPath(folder))
    out.print(
        f"{folder}: {done.files:,} files, {done.changed:,} changed, {done.papers:,} papers",
        soft_wrap=True,
    )
