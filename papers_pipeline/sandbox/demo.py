"""`python -m papers_pipeline.sandbox.demo [--ui]`: the main job on the sample days, or the Dagster UI on what it made.

No setting of the environment or of `.env` reaches it, so that no real key is ever sent to the sandbox.
"""

import contextlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.cli import main as cli
from papers_pipeline.sandbox.providers import base_path
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import World
from papers_pipeline.settings import setting_names

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "demo"
FIRST_EVENING = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
AFTERWARDS = datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
UI_PORT = 3000
KEY = "key-of-the-sandbox"
console = Console(highlight=False)


@click.command(help=__doc__)
@click.option("--ui", is_flag=True, help="Open the Dagster UI with the sandbox running.")
@click.option(
    "--port", type=int, default=UI_PORT, show_default=True, help="The port of the UI on 127.0.0.1."
)
def main(ui: bool, port: int) -> None:
    world = World()
    with running(world) as url:
        enter(url)
        if not (DATA / "site" / "index.html").exists() or not ui:
            build_samples(world)
        if ui:
            open_ui(world, port)


def enter(url: str) -> None:
    """Leave the caller's settings behind: the environment's, and `.env` by changing to a folder that has none."""
    DATA.mkdir(parents=True, exist_ok=True)
    os.chdir(DATA)
    for name in setting_names():
        os.environ.pop(name, None)
    os.environ |= {
        "PAPERS_DATA_DIR": str(DATA),
        "DAGSTER_HOME": str(DATA / "dagster"),
        "HF_ENDPOINT": url,
    }
    os.environ |= {
        "ARXIV_ENDPOINT": url,
        "PAPERS_ARXIV_REQUESTS_PER_SECOND": "1000",
    } | provider_settings(url)


def provider_settings(url: str, key: str = KEY) -> dict[str, str]:
    """The settings that send every provider's requests to the sandbox."""
    settings = {}
    for provider in PROVIDERS.values():
        settings[provider.base_url_variable] = url + base_path(provider)
        if provider.key_variable:
            settings[provider.key_variable] = key
    return settings


def build_samples(world: World) -> None:
    """Build the first day on its evening, then all three days when they are over: one paper has moved by then."""
    days = [str(day) for day in world.days()]
    if not (DATA / "lake").exists():
        console.print(
            f"[bold]The evening of {days[0]}[/bold]: the day is open, its list still grows."
        )
        build(world, FIRST_EVENING, "--date", days[0])
    console.print(
        f"\n[bold]The morning of {AFTERWARDS.date()}[/bold]: all days are over; a paper of the first has moved."
    )
    status = build(world, AFTERWARDS, "--from", days[0], "--to", days[-1])
    asked: Counter[str] = Counter()
    for request, times in world.asked.items():
        kind, _, what = request.partition(" ")
        asked[request if what in ("answer", "models") else kind] += times
    told = ", ".join(f"{kind} {times}x" for kind, times in sorted(asked.items()))
    console.print(f"The sandbox was asked for: {told}")
    console.print(
        f"Open {DATA / 'site' / 'index.html'} in a browser, or run `make demo-ui`.", soft_wrap=True
    )
    if status:
        sys.exit(status)


def build(world: World, now: datetime, *days: str) -> int:
    """`papers build` at a given time; returns its exit status."""
    world.now = now
    try:
        cli.main(["build", *days], obj=FixedClock(now), standalone_mode=False)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def open_ui(world: World, port: int) -> None:
    """Run `dg dev` on the demo's data until it is interrupted."""
    world.now = None
    dg = Path(sys.executable).with_name("dg")
    console.print(f"The Dagster UI will be at http://127.0.0.1:{port} (Ctrl+C ends it)")
    command = [
        str(dg),
        "dev",
        "-w",
        str(ROOT / "workspace.yaml"),
        "--port",
        str(port),
        "--host",
        "127.0.0.1",
    ]
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(command, env={**os.environ, "DG_CLI_TELEMETRY": "0"}, check=False)


if __name__ == "__main__":
    main()
