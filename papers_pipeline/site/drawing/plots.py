"""Plots as inline SVG, drawn by matplotlib: text stays text in the page's own font, and colours are the page's, so that
light and dark themes and a Content-Security-Policy without inline styles hold for them too."""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 300
LINE_HEIGHT, ROW_HEIGHT = 120, 38
FONT_SIZE = 11
"""In units of the plot, as the style sheet has it: `.plot text`."""
CLASSES = ("line", "bar", "grid", "value", "name")
"""What the style sheet colours; an artist is told by its gid."""
_BESIDE: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "gid": "value",
    "annotation_clip": False,
}
_STYLE = {"fill", "stroke", "stroke-width", "text-anchor"}


def line(
    title: str,
    description: str,
    values: Sequence[float | None],
    ends: tuple[str, str],
    top: float,
    written: Callable[[float], str],
) -> Markup:
    """A line over equal steps, from 0 to `top`; where there is no value it goes straight on to the next. The last value
    stands at its end as ``written``; `ends` are the labels of the first and last step."""
    points = [(step, value) for step, value in enumerate(values) if value is not None]

    def draw(figure: "Figure") -> None:
        axes = figure.add_axes((36 / WIDTH, 20 / LINE_HEIGHT, 216 / WIDTH, 88 / LINE_HEIGHT))
        axes.set_axisbelow(True)
        axes.set_frame_on(False)
        axes.set_xlim(0, max(len(values) - 1, 1))
        axes.set_ylim(0, top)
        axes.set_xticks([0, max(len(values) - 1, 1)], list(ends))
        first, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
        axes.set_yticks([0, top / 2, top], [written(0), "", written(top)])
        axes.tick_params(length=0, pad=5, left=False, bottom=False)
        axes.yaxis.grid(True, clip_on=False, gid="grid", color="black", linewidth=1)
        axes.plot(*zip(*points, strict=True), gid="line", color="black", linewidth=2, clip_on=False)
        axes.annotate(written(points[-1][1]), points[-1], (5, 0), **_BESIDE)

    return _drawn(draw, LINE_HEIGHT, title, description)


def bars(title: str, description: str, rows: Sequence[tuple[str, int]]) -> Markup:
    """Horizontal bars, the first row on top: the name above each bar, its number behind it."""

    def draw(figure: "Figure") -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, max(number for _, number in rows) * 1.15)
        axes.set_ylim(len(rows), 0)
        for place, (name, number) in enumerate(rows):
            axes.barh(
                place + 0.68,
                number,
                height=0.28,
                gid="bar",
                color="black",
                clip_on=False,
                linewidth=0,
            )
            axes.text(0, place + 0.38, name, gid="name", parse_math=False)
            axes.annotate(str(number), (number, place + 0.68), (5, 0), **_BESIDE)

    return _drawn(draw, ROW_HEIGHT * len(rows), title, description)


def _drawn(draw: Callable[["Figure"], None], height: int, title: str, description: str) -> Markup:
    import matplotlib  # a second of import that only a changed page needs
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    fixed: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "papers",
        "font.size": FONT_SIZE,
    }
    with warnings.catch_warnings(), matplotlib.rc_context(fixed):
        warnings.filterwarnings(
            "ignore", "Glyph .* missing", UserWarning
        )  # browsers have a font for it
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        figure.patch.set_visible(False)
        draw(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = ElementTree.fromstring(buffer.getvalue())
    svg = ElementTree.Element(
        "svg", {"class": "plot", "viewBox": drawn.attrib["viewBox"], "role": "img"}
    )
    for tag, text in (("title", title), ("desc", description)):
        ElementTree.SubElement(svg, tag).text = text
    svg.extend(_marks(drawn, {}))
    return Markup(ElementTree.tostring(svg, encoding="unicode", short_empty_elements=False))


def _marks(element: ElementTree.Element, of: Mapping[str, str]) -> Iterator[ElementTree.Element]:
    """The paths and texts of a drawing for a page: without names that other plots have too, their style as attributes,
    and black as the colour of the text around them."""
    tag = element.tag.rpartition("}")[2]
    if element.get("id") in CLASSES:
        of = {"class": str(element.get("id"))}
    if tag in ("path", "text"):
        style = dict(
            part.strip().split(": ", 1)
            for part in element.get("style", "").split(";")
            if part.strip()
        )
        given = {name: value for name, value in element.attrib.items() if name in ("d", "x", "y")}
        shown = {
            name: value.replace("#000000", "currentColor")
            for name, value in style.items()
            if name in _STYLE
        }
        made = ElementTree.Element(tag, {**given, **of, **shown})
        made.text = element.text
        yield made
    elif tag in ("svg", "g"):
        for child in element:
            yield from _marks(child, of)
