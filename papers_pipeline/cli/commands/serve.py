"""`papers serve`."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from papers_pipeline.cli.terminal import current_settings, fail, out
from papers_pipeline.store.files import is_local


@click.command()
@click.option(
    "--port",
    type=int,
    default=8000,
    show_default=True,
    help="The port on 127.0.0.1; 0 takes a free one.",
)
def serve(port: int) -> None:
    """Preview the built site on loopback."""
    site = current_settings().data / "site"
    if not is_local(site):
        fail(f"{site} is not a local folder: publish it to one with `papers publish --to FOLDER`")
    if not (site / "index.html").exists():
        fail(f"no site at {site}: build a day first, `papers build --date latest`")
    handler = partial(SimpleHTTPRequestHandler, directory=str(Path(site.path)))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        fail(f"port {port}: {error.strerror}; name another with --port")
    out.print(f"http://127.0.0.1:{server.server_port}/ (Ctrl+C stops it)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
