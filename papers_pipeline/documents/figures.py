"""Reads the figures of a paper from the HTML that arXiv makes with LaTeXML.

Every float is a `<figure>` whose classes give its kind
(https://math.nist.gov/~BMiller/LaTeXML/manual/schema/). A figure's panels are nested `<figure>`s,
cells or plain images. arXiv's image addresses come in three forms
(https://github.com/arXiv/html_feedback/issues/554, 6854):

- with `<base href="/html/2501.00089v1/">`;
- without it, and with the id in each `src`;
- below an address that lacks its final slash.
"""

import re
from collections.abc import Iterator, Mapping
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

Parents = Mapping[Element, Element]


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
    parents = _parents(root)
    folder = _folder(root, url)
    seen: set[str] = set()
    figures: list[Figure] = []
    for float_ in root.iter("figure"):
        if not _stands_alone(float_, parents) or not _is_figure(float_, parents):
            continue
        links = []
        for image in _images(float_, parents):
            link = _link(image, folder, url)
            if link:
                links.append(link)
        # Figures can share a panel, such as a legend. Without a new panel, a figure is repeated.
        new_links = [link for link in links if link not in seen]
        if not new_links:
            continue
        seen.update(links)
        caption = _caption(float_, parents)
        section = _section(float_, parents)
        figures.append(Figure(url=new_links[0], caption=caption, section=section))
    return figures


def _parents(root: Element) -> Parents:
    parents = {}
    for parent in root.iter():
        for child in parent:
            parents[child] = parent
    return parents


def _name(node: Element) -> str:
    """The name of an element without its namespace, or '' for a comment."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _classes(node: Element) -> set[str]:
    return set(node.get("class", "").split())


def _ancestors(node: Element, parents: Parents) -> Iterator[Element]:
    parent = parents.get(node)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


def _stands_alone(float_: Element, parents: Parents) -> bool:
    """Whether a float is outside all others, or has a numbered caption of its own."""
    if _number(float_, parents) is not None:
        return True
    return not any(ancestor.tag == "figure" for ancestor in _ancestors(float_, parents))


def _is_figure(float_: Element, parents: Parents) -> bool:
    """Whether a float is a figure, and not a table, an algorithm or a listing.

    The caption decides before the environment, because authors put tables into `figure` and
    figures into `table`.
    """
    kind = _number(float_, parents)
    return kind == "figure" or (kind is None and "ltx_figure" in _classes(float_))


def _own_captions(float_: Element, parents: Parents) -> Iterator[Element]:
    """The captions of a float, without those of its panels."""
    for caption in float_.iter("figcaption"):
        for ancestor in _ancestors(caption, parents):
            if ancestor.tag == "figure":
                if ancestor is float_:
                    yield caption
                break


def _number(float_: Element, parents: Parents) -> str | None:
    """The kind that a float's numbered caption names, such as "figure" or "table", or None.

    The number of a panel does not count.
    """
    for caption in _own_captions(float_, parents):
        for node in caption.iter("span"):
            kind = _kind_of_tag(node)
            if kind and not PANEL.search(_text(node, frozenset())):
                return kind
        if NUMBERED.match(fold(_text(caption))):
            return "figure"
    return None


def _kind_of_tag(node: Element) -> str | None:
    classes = _classes(node)
    for kind in FLOATS:
        if f"ltx_tag_{kind}" in classes:
            return kind
    return None


def _images(float_: Element, parents: Parents) -> Iterator[Element]:
    """The images of a float in document order, without those of a float that stands alone in it."""
    for node in float_.iter():
        if node.tag not in ("img", "object") or _is_icon(node):
            continue
        ancestors = list(_ancestors(node, parents))
        inside = ancestors[: ancestors.index(float_)]
        if not any(_hides_image(holder, parents) for holder in inside):
            yield node


def _hides_image(holder: Element, parents: Parents) -> bool:
    """Whether an image in this element belongs to a caption, a formula or another float."""
    if _name(holder) in ("figcaption", "math"):
        return True
    return holder.tag == "figure" and _number(holder, parents) is not None


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
    address = url if base is None else urljoin(url, base.get("href", ""))
    path = urlsplit(address).path
    last_part = path.rpartition("/")[2]
    return urljoin(address, f"{path}/") if ID_FOLDER.fullmatch(last_part) else address


def _caption(float_: Element, parents: Parents) -> str | None:
    """The words of the float's own caption, or else of its first panel's."""
    captions = [*_own_captions(float_, parents), *float_.iter("figcaption")]
    words = fold(_text(captions[0])) if captions else ""
    return excerpt(NUMBERED.sub("", words), MOST_CAPTION, whole_words=True) or None


def _section(float_: Element, parents: Parents) -> str | None:
    """The title of the float's outermost section, unnumbered. None before the first section."""
    sections = [node for node in _ancestors(float_, parents) if node.tag == "section"]
    for section in reversed(sections):
        for node in section:
            if "ltx_title" in _classes(node):
                return fold(_text(node)) or None
    return None


def _text(node: Element, unread: frozenset[str] | set[str] = UNREAD) -> str:
    """The words of an element with its white space. Mathematics is made readable."""
    pieces = [node.text or ""]
    for child in node:
        name = _name(child)
        if name == "math":
            pieces.append(readable_math(child.get("alttext") or "".join(child.itertext())))
        elif name and not _classes(child) & unread:
            space = " " if name in ("br", "p", "div") else ""
            pieces.append(f"{space}{_text(child, unread)}{space}")
        pieces.append(child.tail or "")
    return "".join(pieces)
