"""TeX inside the texts of papers, set for a page: formulas as MathML, the usual text macros as plain characters.

Titles and abstracts are written for TeX, and the feed hands them on half-digested: most have lost their dollar signs
(`O(n^{-1/2})`), many keep `\\%`, `--` or `~`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup, escape

from papers_pipeline.text.latex import accented, readable_math

LONGEST = 1000
"""Characters of the longest formula that is set; a longer one stays source."""

_FORMULA = re.compile(
    r"""
      (?<!\\)\$\$(?P<display>[^$]+)\$\$
    | \\\[(?P<bracket>.{1,1000}?)\\\]
    | \\\((?P<paren>.{1,1000}?)\\\)
    | (?<![\\$])\$(?P<dollar>(?!\s)(?:[^$\\]|\\.)+)(?<!\s)\$(?!\$)(?P<digit>(?=\d))?
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,}[,;]?\s+(?:[A-Za-z]{2,}|[a-z])\s")
"""Prose between two dollar signs: these are prices."""

ELEMENTS = """
    math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom msub msup msubsup munder mover
    munderover mmultiscripts mprescripts none mtable mtr mtd menclose merror
"""
ATTRIBUTES = """
    display mathvariant stretchy fence separator form accent accentunder lspace rspace width height depth
    linethickness movablelimits largeop minsize maxsize columnalign rowspacing columnspacing displaystyle scriptlevel
    notation
"""
_ELEMENTS, _ATTRIBUTES = frozenset(ELEMENTS.split()), frozenset(ATTRIBUTES.split())

_LOOK = re.compile(
    r"\\(?:text(?:bf|it|rm|sc|tt|sf|sl|normal)|emph|underline|mbox|textsuperscript)\s*\{([^{}]*)\}"
)
_SWITCH = re.compile(r"\{\\(?:bf|it|em|tt|sc|rm|sl|sf)\s+([^{}]*)\}")
_ACCENT = re.compile(
    r"""\\(['"`^~=.]|[vuHcr](?![A-Za-z]))\s*(?:\{\\?([A-Za-z])\}|\\?([A-Za-z])(?![A-Za-z]*\{))"""
)
_PLAIN: tuple[tuple[str, str], ...] = (
    (r"\\([%&#_{}$])", r"\1"),
    (r"\\eg\b\.?", "e.g."),
    (r"\\ie\b\.?", "i.e."),
    (r"\{?\\(?:deg|degree|textdegree)\b\}?", "°"),
    (r"\\(?:ldots|dots)\b", "…"),
    (r"\\(?:xspace|newline|noindent|smallskip)\b|\\\\(?=\s|$)", ""),
    (r"(?<=\w)---(?=\w)|(?<=\s)---(?=\s)", "—"),
    (r"(?<=\w)--(?=\w)|(?<=\s)--(?=\s)", "–"),
    (r"(?<=[\w.)])~(?=[\w(\[])", "\N{NO-BREAK SPACE}"),
    (r"``(.{1,200}?)''", "“\\1”"),
)
_SCRIPT = re.compile(
    r"""(?<=[^\W_]|\))(?P<mark>[_^])\{(?P<braced>[\w\s+\-−*/().,=]{1,20})\}
      | (?<=[^\W_]|\))\^(?P<raised>\d{1,2}(?![\w(])|[A-Za-z*](?![\w(])|\d(?=[A-Z]\b))
      | (?<![\w/.\-])(?P<base>[^\W\d_])_(?P<lowered>[0-9a-z])(?![\w/.]\w|_)
    """,
    re.VERBOSE,
)
"""A power or an index whose dollar signs were lost; names with underscores and addresses are none."""

OPENING = 60
"""Characters of a text by which a page can be held against the public record."""


def typeset(text: str, words: Callable[[str], str | Markup] | None = None) -> Markup:
    """``text`` as HTML, its formulas as MathML or, where they cannot be set, as their source in `<code>`.

    ``words`` makes HTML or plain text of what stands between the formulas; by default it is English written for TeX.
    """
    words = words or _english
    pieces, end = [], 0
    for found in _FORMULA.finditer(text):
        if _is_formula(found):
            pieces += [words(text[end : found.start()]), _mathml(*_source(found))]
            end = found.end()
    return Markup("").join([*pieces, words(text[end:])])


def typeset_recorded(text: str) -> Markup:
    """``text`` as HTML that begins letter for letter as it does: its macros are left alone where one stands in the
    first `OPENING` characters. For texts that the public record holds and that a reader must find on the page."""
    html = typeset(text)
    return (
        html
        if _collapsed(html.striptags()).startswith(_collapsed(text)[:OPENING])
        else typeset(text, escape)
    )


def plain(text: str) -> str:
    """``text`` without markup, its formulas as one can read them on a line: for titles of windows and the like."""
    pieces, end = [], 0
    for found in _FORMULA.finditer(text):
        if _is_formula(found):
            pieces += [_without_macros(text[end : found.start()]), readable_math(_source(found)[0])]
            end = found.end()
    return "".join([*pieces, _without_macros(text[end:])])


def _source(found: re.Match[str]) -> tuple[str, bool]:
    """The formula between its signs, and whether it stands on a line of its own."""
    display = found["display"] or found["bracket"]
    return (display or found["paren"] or found["dollar"]).strip(), bool(display)


def _is_formula(found: re.Match[str]) -> bool:
    """Whether it is one, and not the prose between two prices: `$5-$6`, `$5 a day and twice as much ($10)`."""
    latex = found["dollar"]
    if latex is None:
        return True
    if found["digit"] is not None and not re.search(r"[\\^_]", latex):
        return False
    return not _WORDS.search(re.sub(r"\\(?:text|mathrm|mbox)\w*\{[^{}]*\}", "", latex))


@lru_cache(4096)
def _mathml(latex: str, display: bool) -> Markup:
    try:
        if len(latex) > LONGEST:
            raise ValueError("too long")
        root = ElementTree.fromstring(convert(latex, display="block" if display else "inline"))
        return Markup(ElementTree.tostring(_only_mathml(root), encoding="unicode"))
    except (
        Exception
    ):  # the converter raises whatever it stumbles over; its source can be read all the same
        return Markup("<code>{}</code>").format(latex)


def _only_mathml(element: ElementTree.Element) -> ElementTree.Element:
    """A copy of the element without what is no formula. Raises `ValueError` for a foreign element and for a command
    that the converter did not know and left as it was."""
    name = element.tag.rpartition("}")[2]
    if name not in _ELEMENTS or "\\" in (element.text or ""):
        raise ValueError(f"<{name}> {element.text}")
    copy = ElementTree.Element(
        name, {key: value for key, value in element.attrib.items() if key in _ATTRIBUTES}
    )
    copy.text = element.text
    copy.extend(_only_mathml(child) for child in element)
    return copy


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _english(text: str) -> Markup:
    return Markup(_SCRIPT.sub(_script, str(escape(_without_macros(text)))))


def _script(found: re.Match[str]) -> str:
    raised = found["raised"] or (found["mark"] == "^" and found["braced"])
    if raised:
        return f"<sup>{raised.replace('-', '−')}</sup>"
    return f"{found['base'] or ''}<sub>{found['lowered'] or found['braced']}</sub>"


def _without_macros(text: str) -> str:
    if not re.search(r"[\\~`]|--", text):
        return text
    for pattern in (_LOOK, _SWITCH, _LOOK):
        text = pattern.sub(r"\1", text)
    text = _ACCENT.sub(_accented, text)
    for macro, character in _PLAIN:
        text = re.sub(macro, character, text)
    return text


def _accented(found: re.Match[str]) -> str:
    character = accented(found[1], found[2] or found[3])
    return character if len(character) == 1 else found[0]
