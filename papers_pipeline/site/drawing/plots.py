"""Plots as inline SVG, drawn by matplotlib.

Text stays text in the page's font, and colours are the page's. So plots follow the light and dark
themes, and a Content-Security-Policy without inline styles allows them.
"""

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
"""In units of the plot; the same as `.plot text` of the style sheet."""
CLASSES = ("line", "bar", "grid", "value", "name")
"""Classes of the style sheet. An artist's gid is its class."""
_NEXT_TO_POINT: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "gid": "value",
    "annotation_clip": False,
}
_STYLE_ATTRIBUTES = {"fill", "stroke", "stroke-width", "text-anchor"}


def line(
    title: str,
    description: str,
    values: Sequence[float | None],
    ends: tuple[str, str],
    top: float,
    label: Callable[[float], str],
) -> Markup:
    """A line over equal steps, on a scale from 0 to `top`.

    The line skips steps without a value and ends with a label of its last value. `ends` are the
    names of the first and last step.
    """
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
        axes.set_yticks([0, top / 2, top], [label(0), "", label(top)])
        axes.tick_params(length=0, pad=5, left=False, bottom=False)
        axes.yaxis.grid(True, clip_on=False, gid="grid", color="black", linewidth=1)
        axes.plot(*zip(*points, strict=True), gid="line", color="black", linewidth=2, clip_on=False)
        axes.annotate(label(points[-1][1]), points[-1], (5, 0), **_NEXT_TO_POINT)

    return _drawn(draw, LINE_HEIGHT, title, description)


def bars(title: str, description: str, rows: Sequence[tuple[str, int]]) -> Markup:
    """Horizontal bars, first row on top, with the name above each bar and the number after it."""

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
            axes.annotate(str(number), (number, place + 0.68), (5, 0), **_NEXT_TO_POINT)

    return _drawn(draw, ROW_HEIGHT * len(rows), title, description)


def _drawn(draw: Callable[["Figure"], None], height: int, title: str, description: str) -> Markup:
    import matplotlib  # a second of import that only a changed page needs
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "papers",
        "font.size": FONT_SIZE,
    }
    with warnings.catch_warnings(), matplotlib.rc_context(settings):
        # The browser has a font for glyphs that matplotlib lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        figure.patch.set_visible(False)
        draw(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawing = ElementTree.fromstring(buffer.getvalue())
    attributes = {"class": "plot", "viewBox": drawing.attrib["viewBox"], "role": "img"}
    svg = ElementTree.Element("svg", attributes)
    for tag, text in (("title", title), ("desc", description)):
        ElementTree.SubElement(svg, tag).text = text
    svg.extend(_marks(drawing, {}))
    return Markup(ElementTree.tostring(svg, encoding="unicode", short_empty_elements=False))


def _marks(
    element: ElementTree.Element, inherited: Mapping[str, str]
) -> Iterator[ElementTree.Element]:
    """The paths and texts of a drawing, for a page.

    They lose ids, which other plots have too. Styles become attributes, and black becomes the
    colour of the surrounding text.
    """
    tag = element.tag.rpartition("}")[2]
    gid = element.get("id")
    if gid in CLASSES:
        inherited = {"class": gid}
    if tag in ("path", "text"):
        mark = ElementTree.Element(tag)
        for name in ("d", "x", "y"):
            if name in element.attrib:
                mark.set(name, element.attrib[name])
        mark.attrib.update(inherited)
        mark.attrib.update(_style(element))
        mark.text = element.text
        yield mark
    elif tag in ("svg", "g"):
        for child in element:
            yield from _marks(child, inherited)


def _style(element: ElementTree.Element) -> dict[str, str]:
    """The declarations of an inline style that a page keeps."""
    kept = {}
    for declaration in element.get("style", "").split(";"):
        name, _, value = declaration.strip().partition(": ")
        if name in _STYLE_ATTRIBUTES:
            kept[name] = value.replace("#000000", "currentColor")
    return kept
