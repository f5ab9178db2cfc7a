"""Run the main job on the sample days, or open the Dagster UI on its results.

python -m papers_pipeline.sandbox.demo [--ui]

Settings from the environment and from `.env` are ignored, so no real key can reach the sandbox.
"""

import contextlib
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.cli import main as cli
from papers_pipeline.defs.schedules import NIGHTS_BACK
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
    """Replace the caller's settings with the demo's.

    The working directory becomes the demo's data folder, which has no `.env`.
    """
    DATA.mkdir(parents=True, exist_ok=True)
    os.chdir(DATA)
    for name in setting_names():
        os.environ.pop(name, None)
    os.environ["PAPERS_DATA_DIR"] = str(DATA)
    os.environ["DAGSTER_HOME"] = str(DATA / "dagster")
    os.environ["HF_ENDPOINT"] = url
    os.environ["ARXIV_ENDPOINT"] = url
    os.environ["PAPERS_ARXIV_REQUESTS_PER_SECOND"] = "1000"
    os.environ.update(provider_settings(url))


def provider_settings(url: str, key: str = KEY) -> dict[str, str]:
    """The settings that send every provider's requests to the sandbox."""
    settings = {}
    for provider in PROVIDERS.values():
        settings[provider.base_url_variable] = url + base_path(provider)
        if provider.key_variable:
            settings[provider.key_variable] = key
    return settings


def build_samples(world: World) -> None:
    """Build the first day on its evening, and all three days after the last has ended.

    By then one paper of the first day has moved to another day.
    """
    first_day, *_, last_day = map(str, world.days())
    if not (DATA / "lake").exists():
        console.print(
            f"[bold]The evening of {first_day}[/bold]: the day is open, its list is still growing."
        )
        build(world, FIRST_EVENING, "--date", first_day)
    console.print(
        f"\n[bold]The morning of {AFTERWARDS.date()}[/bold]: "
        "all days are over, and a paper of the first day has moved."
    )
    status = build(world, AFTERWARDS, "--from", first_day, "--to", last_day)
    console.print(f"Requests to the sandbox: {_request_counts(world)}")
    console.print(
        f"Open {DATA / 'site' / 'index.html'} in a browser, or run `make demo-ui`.", soft_wrap=True
    )
    if status:
        sys.exit(status)


def _request_counts(world: World) -> str:
    """The number of requests by kind; calls of models are counted for each provider."""
    counts: Counter[str] = Counter()
    for request, times in world.asked.items():
        kind, _, subject = request.partition(" ")
        is_model_call = subject in ("answer", "models")
        counts[request if is_model_call else kind] += times
    return ", ".join(f"{kind} {times}x" for kind, times in sorted(counts.items()))


def build(world: World, now: datetime, *days: str) -> int:
    """Run `papers build` at a given time and return its exit status."""
    world.now = now
    try:
        cli.main(["build", *days], obj=FixedClock(now), standalone_mode=False)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def open_ui(world: World, port: int) -> None:
    """Run `dg dev` on the demo's data until it is interrupted.

    No list is expected after those of the sample, so `no_days_missing` misses none.
    """
    world.now = None
    today = datetime.now(UTC).date()
    expected_none = [today + timedelta(days=number) for number in range(-NIGHTS_BACK, 15)]
    os.environ["PAPERS_QUIET_DAYS"] = ",".join(map(str, expected_none))
    dg = Path(sys.executable).with_name("dg")
    console.print(f"The Dagster UI will be at http://127.0.0.1:{port} (press Ctrl+C to stop it)")
    command = [str(dg), "dev", "-w", str(ROOT / "workspace.yaml")]
    command += ["--port", str(port), "--host", "127.0.0.1"]
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(command, env={**os.environ, "DG_CLI_TELEMETRY": "0"}, check=False)


if __name__ == "__main__":
    main()
