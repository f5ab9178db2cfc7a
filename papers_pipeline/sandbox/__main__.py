"""`python -m papers_pipeline.sandbox --port P [--data DIR] [--substitute-pdfs]`: the outside world on loopback."""

from datetime import datetime
from pathlib import Path

import click

from papers_pipeline.sandbox.server import serve
from papers_pipeline.sandbox.world import SAMPLE, World


@click.command(help=__doc__)
@click.option("--port", type=int, required=True, help="The port on 127.0.0.1.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SAMPLE,
    help="A folder laid out as hf_api/<date>.json and pdf/<id>.pdf; by default the sample days.",
)
@click.option(
    "--substitute-pdfs",
    is_flag=True,
    help="Serve one of the PDFs in place of one that is not there.",
)
@click.option(
    "--now",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    help="The sandbox's time; by default the machine's.",
)
def main(port: int, data: Path, substitute_pdfs: bool, now: datetime | None) -> None:
    if not (data / "hf_api").is_dir():
        raise click.UsageError(f"{data} has no folder hf_api with a list a day (<date>.json)")
    world = World(folder=data, now=now, substitute_pdfs=substitute_pdfs)
    click.echo(
        f"Sandbox on http://127.0.0.1:{port}: {len(world.days())} days from {data}", err=True
    )
    serve(world, port)


main()
