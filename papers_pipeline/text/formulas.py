"""Typesets TeX in titles and abstracts: formulas as MathML, common text macros as characters.

The feed's texts have only part of their TeX: most lost their dollar signs (`O(n^{-1/2})`), and many
still have `\\%`, `--` or `~`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup, escape

from papers_pipeline.base.characters import one_line
from papers_pipeline.text.latex import accented, readable_math, script

LONGEST = 1000
"""Characters. A longer formula is shown as source."""

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
"""Prose between two dollar signs, which are then prices."""

ELEMENTS = """
    math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle mpadded mphantom msub msup msubsup
    munder mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose merror
"""
ATTRIBUTES = """
    display mathvariant stretchy fence separator form accent accentunder lspace rspace width height
    depth linethickness movablelimits largeop minsize maxsize columnalign rowspacing columnspacing
    displaystyle scriptlevel notation
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
    (r"``?(.{1,200}?)''", "“\\1”"),
)
_SCRIPT = re.compile(
    r"""(?<=[^\W_]|\))(?P<mark>[_^])\{(?P<braced>[\w\s+\-−*/().,=]{1,20})\}
      | (?<=[^\W_]|\))\^(?P<raised>\d{1,2}(?![\w(])|[A-Za-z*](?![\w(])|\d(?=[A-Z]\b))
      | (?<![\w/.\-])(?P<base>[^\W\d_])_(?P<lowered>[0-9a-z])(?![\w/.]\w|_)
    """,
    re.VERBOSE,
)
"""A power or an index that lost its dollar signs, but no URL and no name with underscores."""

_COMMAND = re.compile(r"\\[A-Za-z]+\*?(?:\{[^{}]*\})*")
"""A command that is left outside of formulas: an author's own macro, or a lost formula."""

OPENING = 60
"""Characters at the start of a text by which a reader finds it in the public record."""


def typeset(text: str, words: Callable[[str], str | Markup] | None = None) -> Markup:
    """A text as HTML with formulas as MathML, or as source in `<code>` if they cannot be typeset.

    `words` turns the text between formulas into HTML or plain text. By default it typesets English
    written for TeX.
    """
    words = words or _english
    html = Markup("")
    end = 0
    for found in _FORMULA.finditer(text):
        if _is_formula(found):
            html += words(text[end : found.start()])
            html += _mathml(*_source(found))
            end = found.end()
    return html + words(text[end:])


def typeset_recorded(text: str) -> Markup:
    """A text as HTML whose first `OPENING` characters are the same as the text's.

    If typesetting would change them, macros stay as they are. For texts in the public record that a
    reader must be able to find on the page.
    """
    html = typeset(text)
    opening = one_line(text)[:OPENING]
    if one_line(html.striptags()).startswith(opening):
        return html
    return typeset(text, escape)


def plain(text: str) -> str:
    """A text without LaTeX, its formulas in Unicode: for window titles, prompts and the like."""
    line = ""
    end = 0
    for found in _FORMULA.finditer(text):
        if _is_formula(found):
            latex, _ = _source(found)
            line += _plain_words(text[end : found.start()]) + readable_math(latex)
            end = found.end()
    return line + _plain_words(text[end:])


def _plain_words(text: str) -> str:
    """The text between formulas, with its macros, powers and indices as characters."""
    words = _COMMAND.sub(lambda found: readable_math(found[0]), _without_macros(text))
    return _SCRIPT.sub(_plain_script, words)


def _plain_script(found: re.Match[str]) -> str:
    raised = found["raised"]
    if raised:
        return script("^", raised)
    return (found["base"] or "") + script(found["mark"] or "_", found["lowered"] or found["braced"])


def _source(found: re.Match[str]) -> tuple[str, bool]:
    """The formula without its delimiters, and whether it is a display formula."""
    display = found["display"] or found["bracket"]
    return (display or found["paren"] or found["dollar"]).strip(), bool(display)


def _is_formula(found: re.Match[str]) -> bool:
    """Whether it is a formula rather than prose between two prices, as in `$5-$6`."""
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
    except Exception:  # the converter raises anything; the source is readable all the same
        return Markup("<code>{}</code>").format(latex)


def _only_mathml(element: ElementTree.Element) -> ElementTree.Element:
    """A copy of the element with the allowed attributes only.

    Raises ValueError for a foreign element, or a command that the converter did not know.
    """
    name = element.tag.rpartition("}")[2]
    if name not in _ELEMENTS or "\\" in (element.text or ""):
        raise ValueError(f"<{name}> {element.text}")
    attributes = {key: value for key, value in element.attrib.items() if key in _ATTRIBUTES}
    copy = ElementTree.Element(name, attributes)
    copy.text = element.text
    copy.extend(_only_mathml(child) for child in element)
    return copy


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
