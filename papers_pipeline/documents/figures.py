"""Reads the figures of a paper from the HTML that arXiv makes with LaTeXML.

Every float is a `<figure>` whose classes give its kind
(https://math.nist.gov/~BMiller/LaTeXML/manual/schema/). A figure's panels are nested `<figure>`s,
cells or plain images. arXiv's image addresses come in three forms
(https://github.com/arXiv/html_feedback/issues/554, 6854):

- with `<base href="/html/2501.00089v1/">`;
- without it, and with the id in each `src`;
- below an address that lacks its final slash.

One walk collects the floats of a page, and texts are read up to a length. Reading a page therefore
takes time in proportion to its size, however deep it is nested.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml.etree import _Element as Element
from requests.utils import requote_uri

from papers_pipeline.base.characters import excerpt, fold
from papers_pipeline.records import Figure
from papers_pipeline.text.latex import readable_math

FIGURES_VERSION = "1"
"""To be raised when a change alters the figures of any page."""

MOST_CAPTION = 600
MOST_TEXT = 5000
"""Characters and tags of a text that are read. A caption shows far fewer."""
MOST_NUMBER = 100
"""Characters and tags of a caption's number that are read."""
SMALLEST_PIXELS = 40
"""An image smaller than this in both directions is an icon, a legend's mark or a logo."""

ID_FOLDER = re.compile(r"(?:[0-9]{4}\.[0-9]{4,5}|[0-9]{7})(?:v[0-9]+)?")
NUMBERED = re.compile(
    r"^(?:figure|fig\.?)\s*(?:[A-Z]\.?)?[0-9]+(?:[.\-][0-9]+)*\s*[:.|]\s*", re.IGNORECASE
)
PANEL = re.compile(r"\(\w+\)|[0-9][a-z]\b")
"""Matches the number of a panel: "(a)", "Figure 4(a)", "Figure 4a"."""
FLOATS = {"figure", "table", "float", "algorithm", "lstlisting"}
"""Kinds of floats in numbered captions. Captions can also contain numbered items and equations."""
UNREAD = {"ltx_tag", "ltx_note", "ltx_ERROR"}
"""Classes of text outside the words of a caption or title: numbers, footnotes, unknown macros."""


@dataclass
class _Caption:
    """A caption, the `place`-th of its page.

    `kind` is what its number names, such as "figure" or "table", if it has one. The number of a
    panel does not count.
    """

    place: int
    element: Element
    kind: str | None = None


@dataclass(eq=False)
class _Float:
    """A `<figure>`.

    - `parent`: the float around it.
    - `hiders`: how many captions and formulas it is in.
    - `title`: that of its outermost section.
    - `captions`: its own, without those of its panels.
    - `images`: those inside it, without those of a float that stands alone in it.
    """

    element: Element
    parent: "_Float | None"
    hiders: int
    title: Element | None
    captions: list[_Caption] = field(default_factory=list)
    images: list[Element] = field(default_factory=list)

    @cached_property
    def number(self) -> str | None:
        """The kind that its first numbered caption names, or None."""
        for caption in self.captions:
            if caption.kind:
                return caption.kind
            if NUMBERED.match(fold(_text(caption.element))):
                return "figure"
        return None

    @property
    def stands_alone(self) -> bool:
        """Whether it is outside all others, or has a numbered caption of its own."""
        return self.parent is None or self.number is not None

    @property
    def is_figure(self) -> bool:
        """Whether it is a figure, and not a table, an algorithm or a listing.

        The caption decides before the environment, because authors put tables into `figure` and
        figures into `table`.
        """
        if self.number is None:
            return "ltx_figure" in _classes(self.element)
        return self.number == "figure"


@dataclass(frozen=True)
class _Image:
    element: Element
    float_: _Float
    hiders: int


class _Walk:
    """Collects the floats, their captions and their images in one walk over a page."""

    def __init__(self, root: Element) -> None:
        self.floats: list[_Float] = []
        self.images: list[_Image] = []
        self._captions = 0
        self._hiders = 0
        self._open_floats: list[_Float] = []
        self._open_captions: list[_Caption | None] = [None]
        self._titles: list[Element | None] = [None]
        for event, node in etree.iterwalk(root, events=("start", "end")):
            self._visit(_name(node), node, entered=event == "start")

    def _visit(self, name: str, node: Element, entered: bool) -> None:
        match name:
            case "figure":
                self._figure(node, entered)
            case "figcaption":
                self._hiders += 1 if entered else -1
                self._caption(node, entered)
            case "math":
                self._hiders += 1 if entered else -1
            case "section":
                self._section(node, entered)
            case "span" if entered:
                self._tag(node)
            case "img" | "object" if entered and self._open_floats and not _is_icon(node):
                self.images.append(_Image(node, self._open_floats[-1], self._hiders))

    def _figure(self, node: Element, entered: bool) -> None:
        if not entered:
            self._open_floats.pop()
            self._open_captions.pop()
            return
        parent = self._open_floats[-1] if self._open_floats else None
        float_ = _Float(node, parent, self._hiders, self._titles[-1])
        self.floats.append(float_)
        self._open_floats.append(float_)
        self._open_captions.append(None)

    def _caption(self, node: Element, entered: bool) -> None:
        outer = self._open_captions[-1]
        if not entered:
            if outer and outer.element is node:
                self._open_captions[-1] = None
        elif self._open_floats and outer is None:  # a caption inside a caption is part of it
            caption = _Caption(self._captions, node)
            self._captions += 1
            self._open_floats[-1].captions.append(caption)
            self._open_captions[-1] = caption

    def _section(self, node: Element, entered: bool) -> None:
        if not entered:
            self._titles.pop()
            return
        outer = self._titles[-1]
        self._titles.append(_title(node) if outer is None else outer)

    def _tag(self, node: Element) -> None:
        caption = self._open_captions[-1]
        if caption is None or caption.kind:
            return
        kind = _kind_of_tag(node)
        if kind and not PANEL.search(_text(node, frozenset(), MOST_NUMBER)):
            caption.kind = kind


def read_figure_file(path: Path, url: str) -> list[Figure]:
    """The figures of a page in a file, see `read_figures`."""
    return read_figures(path.read_bytes(), url)


def read_figures(html: bytes, url: str) -> list[Figure]:
    """The figures of a page in reading order, each image once.

    `url` is the page's address after redirects. A figure with several panels gets the link of its
    first panel. A float with several numbered figures yields all of them. Links are https, or on
    the page's own host.
    """
    # huge_tree lifts the limit on depth from 256 elements to 2048; the client limits the size.
    root = etree.HTML(html, etree.HTMLParser(encoding="utf-8", huge_tree=True))
    if root is None:  # nothing but white space
        return []
    walk = _Walk(root)
    _give_images(walk)
    captions = _captions(walk.floats)
    folder = _folder(root, url)
    seen: set[str] = set()
    figures: list[Figure] = []
    for float_ in walk.floats:
        if not float_.stands_alone or not float_.is_figure:
            continue
        links = []
        for image in float_.images:
            link = _link(image, folder, url)
            if link:
                links.append(link)
        # Figures can share a panel, such as a legend. Without a new panel, a figure is repeated.
        new_links = [link for link in links if link not in seen]
        if not new_links:
            continue
        seen.update(links)
        title = None if float_.title is None else fold(_text(float_.title)) or None
        caption = _words(captions.get(float_))
        figures.append(Figure(url=new_links[0], caption=caption, section=title))
    return figures


def _give_images(walk: _Walk) -> None:
    """Give each image to the nearest float around it that stands alone.

    An image in a caption or a formula belongs to no float.
    """
    owners: dict[_Float, _Float] = {}
    for float_ in walk.floats:
        is_panel = float_.parent is not None and not float_.stands_alone
        owners[float_] = owners[float_.parent] if is_panel and float_.parent else float_
    for image in walk.images:
        owner = owners[image.float_]
        if image.hiders == owner.hiders:
            owner.images.append(image.element)


def _captions(floats: Sequence[_Float]) -> dict[_Float, _Caption]:
    """The first of its own captions for each float, or else of its panels'."""
    first_inside: dict[_Float, _Caption] = {}
    for float_ in reversed(floats):  # panels before the float around them
        found = [*float_.captions[:1]]
        if float_ in first_inside:
            found.append(first_inside[float_])
        if found and float_.parent:
            if float_.parent in first_inside:
                found.append(first_inside[float_.parent])
            first_inside[float_.parent] = min(found, key=lambda caption: caption.place)
    captions = {}
    for float_ in floats:
        if float_.captions:
            captions[float_] = float_.captions[0]
        elif float_ in first_inside:
            captions[float_] = first_inside[float_]
    return captions


def _name(node: Element) -> str:
    """The name of an element without its namespace, or '' for a comment."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _classes(node: Element) -> set[str]:
    return set((node.get("class") or "").split())  # a comment answers None to any default


def _title(section: Element) -> Element | None:
    for node in section:
        if "ltx_title" in _classes(node):
            return node
    return None


def _kind_of_tag(node: Element) -> str | None:
    classes = _classes(node)
    for kind in FLOATS:
        if f"ltx_tag_{kind}" in classes:
            return kind
    return None


def _is_icon(image: Element) -> bool:
    if _classes(image) & {"ltx_Math", "ltx_missing_image"}:
        return True
    for size in (image.get("width", ""), image.get("height", "")):
        if not size.isdecimal() or int(size) >= SMALLEST_PIXELS:
            return False
    return True


def _link(image: Element, folder: str, page: str) -> str | None:
    source = (image.get("src" if image.tag == "img" else "data") or "").strip()
    if not source:
        return None
    if ID_FOLDER.fullmatch(source.split("/")[0]):
        # The source names the page's own folder, whatever the address says.
        source = f"../{source}"
    try:
        link = urljoin(folder, source)
        link_host = urlsplit(link)[:2]
        page_host = urlsplit(page)[:2]
    except ValueError:  # a malformed IPv6 address
        return None
    scheme = link_host[0]
    if scheme != "https" and link_host != page_host:
        return None
    return requote_uri(link)


def _folder(root: Element, url: str) -> str:
    """The address that sources are relative to.

    A paper's address names a folder, with or without its final slash.
    """
    base = root.find(".//base[@href]")
    address = url
    if base is not None:
        with suppress(ValueError):  # a malformed IPv6 address
            address = urljoin(url, base.get("href", ""))
    path = urlsplit(address).path
    last_part = path.rpartition("/")[2]
    return urljoin(address, f"{path}/") if ID_FOLDER.fullmatch(last_part) else address


def _words(caption: _Caption | None) -> str | None:
    """The words of a caption without its number."""
    words = fold(_text(caption.element)) if caption else ""
    return excerpt(NUMBERED.sub("", words), MOST_CAPTION, whole_words=True) or None


def _text(node: Element, unread: frozenset[str] | set[str] = UNREAD, most: int = MOST_TEXT) -> str:
    """The beginning of an element's words, with white space. Mathematics is made readable."""
    pieces = [node.text or ""]
    room = most - len(pieces[0])
    # The elements that are being read: their other children, and what follows their last one.
    open_: list[tuple[Iterator[Element], str]] = [(iter(node), "")]
    while open_ and room > 0:
        children, following = open_[-1]
        child = next(children, None)
        if child is None:
            open_.pop()
            piece = following
        else:
            name, tail = _name(child), child.tail or ""
            if name == "math":
                formula = child.get("alttext") or "".join(islice(child.itertext(), MOST_TEXT))
                piece = readable_math(formula) + tail
            elif name and not _classes(child) & unread:
                space = " " if name in ("br", "p", "div") else ""
                piece = space + (child.text or "")
                open_.append((iter(child), space + tail))
            else:
                piece = tail
        pieces.append(piece)
        room -= len(piece) + 1
    return "".join(pieces)[:most]
