"""The figures of a paper, read from the HTML that arXiv makes of its LaTeX with LaTeXML: links, captions and sections.

Every float is a `<figure>` whose classes say what it is (https://math.nist.gov/~BMiller/LaTeXML/manual/schema/); a
figure's panels are `<figure>`s, cells or plain images inside it. Addresses come in three ways, all met on arXiv: with
`<base href="/html/2501.00089v1/">`; without it and with the id in each `src`; and below an address that lacks its last
slash (https://github.com/arXiv/html_feedback/issues/554, 6854).
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
"""Raised with every change that makes other rows of the same page."""

MOST_CAPTION = 600
SMALLEST_PIXELS = 40
"""An image that is lower and narrower is an icon of the text, a mark of a legend or a logo."""

ID_FOLDER = re.compile(r"(?:[0-9]{4}\.[0-9]{4,5}|[0-9]{7})(?:v[0-9]+)?")
NUMBERED = re.compile(
    r"^(?:figure|fig\.?)\s*(?:[A-Z]\.?)?[0-9]+(?:[.\-][0-9]+)*\s*[:.|]\s*", re.IGNORECASE
)
PANEL = re.compile(r"\(\w+\)|[0-9][a-z]\b")
"""The number of a panel: "(a)", "Figure 4(a)", "Figure 4a"."""
FLOATS = {"figure", "table", "float", "algorithm", "lstlisting"}
"""What a numbered caption can call its float; a caption may hold numbered items and equations too."""
UNREAD = {"ltx_tag", "ltx_note", "ltx_ERROR"}
"""Marks and numbers, footnotes and unknown macros: no part of a caption's or a title's words."""

Parents = Mapping[Element, Element]


def read_figures(html: bytes, url: str) -> list[Figure]:
    """The figures of a page in its order, each image once; an empty list for a page without any.

    ``url`` is the address that gave the page after all redirects. A figure of several panels is one figure with the
    first panel's link; a float that holds several numbered figures side by side is as many. Links are https, or lie on
    the page's own host.
    """
    # huge_tree lifts the limit on depth from 256 elements to 2048; the client limits the size.
    root = etree.HTML(html, etree.HTMLParser(encoding="utf-8", huge_tree=True))
    if root is None:  # nothing but white space
        return []
    parents: Parents = {child: parent for parent in root.iter() for child in parent}
    folder, seen = _folder(root, url), set[str]()
    figures: list[Figure] = []
    for float_ in root.iter("figure"):
        if not _stands_alone(float_, parents) or not _is_figure(float_, parents):
            continue
        links = [link for image in _images(float_, parents) if (link := _link(image, folder, url))]
        # Figures may share a panel, such as a legend; one whose every panel was there before is that figure again.
        if new := [link for link in links if link not in seen]:
            seen.update(links)
            figures.append(
                Figure(
                    url=new[0], caption=_caption(float_, parents), section=_section(float_, parents)
                )
            )
    return figures


def _name(node: Element) -> str:
    """The name of an element without its name space; empty for a comment."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _classes(node: Element) -> set[str]:
    return set(node.get("class", "").split())


def _ancestors(node: Element, parents: Parents) -> Iterator[Element]:
    while (parent := parents.get(node)) is not None:
        yield parent
        node = parent


def _stands_alone(float_: Element, parents: Parents) -> bool:
    """Whether it is no panel of another float: it lies in none, or has a numbered caption of its own."""
    if _number(float_, parents) is not None:
        return True
    return not any(ancestor.tag == "figure" for ancestor in _ancestors(float_, parents))


def _is_figure(float_: Element, parents: Parents) -> bool:
    """Whether it is a figure and not a table, an algorithm or a listing: what the caption calls it counts before the
    environment that holds it, since authors put tables into `figure` and figures into `table`."""
    kind = _number(float_, parents)
    return kind == "figure" or (kind is None and "ltx_figure" in _classes(float_))


def _own_captions(float_: Element, parents: Parents) -> Iterator[Element]:
    for caption in float_.iter("figcaption"):
        if next(node for node in _ancestors(caption, parents) if node.tag == "figure") is float_:
            yield caption


def _number(float_: Element, parents: Parents) -> str | None:
    """The kind that the numbered caption of a float names: "figure", "table", "float"; None without such a caption.
    A panel's number does not count."""
    for caption in _own_captions(float_, parents):
        for node in caption.iter("span"):
            kind = next((name for name in FLOATS if f"ltx_tag_{name}" in _classes(node)), None)
            if kind and not PANEL.search(_text(node, frozenset())):
                return kind
        if NUMBERED.match(fold(_text(caption))):
            return "figure"
    return None


def _images(float_: Element, parents: Parents) -> Iterator[Element]:
    """The images of a float in document order, without those of a float that stands alone inside it."""
    for node in float_.iter():
        if node.tag not in ("img", "object"):
            continue
        holders = list(_ancestors(node, parents))
        inside = holders[: holders.index(float_)]
        if any(_name(holder) in ("figcaption", "math") for holder in inside) or _is_icon(node):
            continue
        if not any(
            holder.tag == "figure" and _number(holder, parents) is not None for holder in inside
        ):
            yield node


def _is_icon(image: Element) -> bool:
    sizes = [image.get(side, "") for side in ("width", "height")]
    small = all(size.isdecimal() and int(size) < SMALLEST_PIXELS for size in sizes)
    return small or bool(_classes(image) & {"ltx_Math", "ltx_missing_image"})


def _link(image: Element, folder: str, page: str) -> str | None:
    source = (image.get("src" if image.tag == "img" else "data") or "").strip()
    if not source:
        return None
    # The id that a source begins with is that of the page's own folder, whatever the address says.
    first = source.split("/")[0]
    try:
        link = urljoin(folder, f"../{source}" if ID_FOLDER.fullmatch(first) else source)
        parts, own = urlsplit(link), urlsplit(page)
    except ValueError:  # half an IPv6 address, which no picture has
        return None
    if parts.scheme != "https" and parts[:2] != own[:2]:
        return None
    return requote_uri(link)


def _folder(root: Element, url: str) -> str:
    """The address that sources are relative to: a paper's address names a folder, with its last slash or without."""
    base = root.find(".//base[@href]")
    address = urljoin(url, base.get("href", "")) if base is not None else url
    path = urlsplit(address).path
    return urljoin(address, f"{path}/") if ID_FOLDER.fullmatch(path.rpartition("/")[2]) else address


def _caption(float_: Element, parents: Parents) -> str | None:
    """The words of the float's own caption, else those of its first panel's."""
    captions = [*_own_captions(float_, parents), *float_.iter("figcaption")]
    words = fold(_text(captions[0])) if captions else ""
    return excerpt(NUMBERED.sub("", words), MOST_CAPTION, whole_words=True) or None


def _section(float_: Element, parents: Parents) -> str | None:
    """The title of the outermost section that holds a float, without its number; None before the first one."""
    for holder in reversed([node for node in _ancestors(float_, parents) if node.tag == "section"]):
        title = next((node for node in holder if "ltx_title" in _classes(node)), None)
        if title is not None:
            return fold(_text(title)) or None
    return None


def _text(node: Element, unread: frozenset[str] | set[str] = UNREAD) -> str:
    """The words of an element, white space as it stands; mathematics by ``readable_math``."""
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
