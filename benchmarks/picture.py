"""Draws where a day's time goes: a bar per asset, from its start to its end."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import dagster as dg

WIDTH, NAMES, AXIS = 720, 190, 28
ROW, BAR = 19, 13
RIGHT = 46
LISTS = ("feed_response", "feed_listing", "paper_votes")
DOCUMENTS = ("paper_pdfs", "parsed_text", "figures")
PAGES = (
    "daily_issue",
    "related_papers",
    "daily_pages",
    "monthly_pages",
    "weekly_pages",
    "site_index",
    "search_index",
)
KINDS = {
    "start": "start",
    "list": "list",
    "documents": "arXiv, PDFs",
    "models": "models",
    "pages": "pages",
}
"""The style classes of bars, and how the legend names them."""
LEGEND_STEP = 96
TICK_SECONDS = (1, 2, 5, 10, 20, 50, 100)
MOST_TICKS = 10
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.quiet { fill: #59636e }
.grid { stroke: #d1d9e0 }
.bound { stroke: #cf222e; stroke-dasharray: 4 3 }
.start { fill: #818b98 } .list { fill: #0969da } .documents { fill: #1a7f37 }
.models { fill: #8250df } .pages { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #3d444d }
.bound { stroke: #ff7b72 }
.start { fill: #9198a1 } .list { fill: #4493f8 } .documents { fill: #3fb950 }
.models { fill: #ab7df8 } .pages { fill: #db6d28 }
}
"""


@dataclass(frozen=True)
class Bar:
    """The time of an asset, in seconds since the command was called."""

    name: str
    start: float
    end: float


def step_bars(dagster_home: Path, started_at: float) -> list[Bar]:
    """The steps of all runs of a Dagster home, in the order of their start.

    The first bar is the time before the first of them.
    """
    bars = []
    os.environ["DAGSTER_HOME"] = str(dagster_home)  # the storage in dagster.yaml reads it
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs():
            for step in instance.get_run_step_stats(run.run_id):
                if step.start_time and step.end_time:
                    start, end = step.start_time - started_at, step.end_time - started_at
                    bars.append(Bar(step.step_key, start, end))
    bars.sort(key=lambda bar: (bar.start, bar.end))
    first = bars[0].start if bars else 0.0
    return [Bar("start of Python and Dagster", 0.0, first), *bars]


def draw(path: Path, bars: Sequence[Bar], seconds: float, bound_seconds: float) -> None:
    """Write the picture of a day that took `seconds`, with a line at its lower bound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(bars, seconds, bound_seconds), encoding="utf-8")


def svg(bars: Sequence[Bar], seconds: float, bound_seconds: float) -> str:
    """The picture. Its colours follow the reader's light or dark scheme."""
    longest = max(seconds, bound_seconds)
    scale = (WIDTH - NAMES - RIGHT) / longest
    bottom = AXIS + ROW * len(bars)
    parts = []
    for tick in _ticks(longest):
        x = NAMES + tick * scale
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{AXIS}" y2="{bottom}"/>')
        parts.append(f'<text class="quiet" x="{x:.1f}" y="18" text-anchor="middle">{tick} s</text>')
    for number, bar in enumerate(bars):
        parts += _bar(bar, AXIS + number * ROW, scale)
    x = NAMES + bound_seconds * scale
    parts.append(f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{AXIS}" y2="{bottom}"/>')
    told = f"The day took {seconds:.0f} s. Dashed: its lower bound, {bound_seconds:.0f} s."
    parts.append(f'<text class="quiet" x="{NAMES}" y="{bottom + 20}">{told}</text>')
    parts += _legend(bottom + 38)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 46}" '
        f'role="img" aria-label="{told}">\n<style>{STYLE}</style>\n{body}\n</svg>\n'
    )


def _bar(bar: Bar, top: float, scale: float) -> list[str]:
    x, width = NAMES + bar.start * scale, max(1.0, (bar.end - bar.start) * scale)
    baseline = top + BAR - 1
    return [
        f'<text x="{NAMES - 8}" y="{baseline}" text-anchor="end">{escape(bar.name)}</text>',
        f'<rect class="{_kind(bar.name)}" x="{x:.1f}" y="{top + 1}" width="{width:.1f}" '
        f'height="{BAR}" rx="2"/>',
        f'<text class="quiet" x="{x + width + 5:.1f}" y="{baseline}">'
        f"{bar.end - bar.start:.1f}</text>",
    ]


def _legend(baseline: int) -> list[str]:
    parts = []
    for number, (kind, words) in enumerate(KINDS.items()):
        x = NAMES + number * LEGEND_STEP
        parts.append(
            f'<rect class="{kind}" x="{x}" y="{baseline - 10}" width="10" height="10" rx="2"/>'
        )
        parts.append(f'<text class="quiet" x="{x + 15}" y="{baseline}">{words}</text>')
    return parts


def _kind(name: str) -> str:
    if " " in name:
        return "start"
    if name in LISTS:
        return "list"
    if name in DOCUMENTS:
        return "documents"
    return "pages" if name in PAGES else "models"


def _ticks(seconds: float) -> range:
    step = next((step for step in TICK_SECONDS if seconds / step <= MOST_TICKS), TICK_SECONDS[-1])
    return range(0, int(seconds) + 1, step)
