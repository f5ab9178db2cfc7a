"""`papers mcp`."""

from importlib.metadata import version

import click

from papers_pipeline.cli.terminal import current_settings


@click.command()
def mcp() -> None:
    """Let an assistant search and read the stored papers.

    Speaks the Model Context Protocol on standard input and output until they are closed. It reads
    the built days and writes nothing.
    """
    from papers_pipeline.cli.mcp_server import mcp_server
    from papers_pipeline.wiring import lake_of, renderer_of

    settings = current_settings()
    server = mcp_server(lake_of(settings), renderer_of(settings), version("papers_pipeline"))
    server.run("stdio")
