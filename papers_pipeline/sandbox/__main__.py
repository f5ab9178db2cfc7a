"""Serve the outside world on 127.0.0.1.

python -m papers_pipeline.sandbox --port PORT [--data DIR] [--substitute-pdfs] [--now TIME]
    [--list-seconds S] [--arxiv-seconds S] [--model-seconds S]
"""

from datetime import datetime
from pathlib import Path

import click

from papers_pipeline.sandbox.server import serve
from papers_pipeline.sandbox.world import SAMPLE, Latency, World


@click.command(help=__doc__)
@click.option("--port", type=int, required=True, help="The port on 127.0.0.1.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=SAMPLE,
    help="A folder with hf_api/<date>.json and pdf/<id>.pdf; by default the sample days.",
)
@click.option(
    "--substitute-pdfs",
    is_flag=True,
    help="Serve another PDF in place of a missing one.",
)
@click.option(
    "--now",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    help="The sandbox's time; by default the machine's time.",
)
@click.option("--list-seconds", type=float, default=0.0, help="The latency of the list.")
@click.option("--arxiv-seconds", type=float, default=0.0, help="The latency of a file of arXiv.")
@click.option("--model-seconds", type=float, default=0.0, help="The latency of a model's answer.")
def main(
    port: int,
    data: Path,
    substitute_pdfs: bool,
    now: datetime | None,
    list_seconds: float,
    arxiv_seconds: float,
    model_seconds: float,
) -> None:
    if not (data / "hf_api").is_dir():
        raise click.UsageError(f"{data} has no folder hf_api with one list per day (<date>.json)")
    latency = Latency(list_seconds, arxiv_seconds, model_seconds)
    world = World(folder=data, now=now, substitute_pdfs=substitute_pdfs, latency=latency)
    days = len(world.days())
    click.echo(f"Sandbox on http://127.0.0.1:{port}: {days} days from {data}", err=True)
    serve(world, port)


main()
