"""Markdown that says what a text says: no text from outside can become a heading, link or HTML.

https://spec.commonmark.org/0.31.2/#backslash-escapes
"""

import re
from urllib.parse import quote

from papers_pipeline.base.characters import fold
from papers_pipeline.text import formulas
from papers_pipeline.text.links import web_url

_SPECIAL = re.compile(r"[\\`*_\[\]<>&#~$|]")
_START = re.compile(r"\d{1,9}[.)]|[+\-=]")
"""What begins a list, or underlines a heading, at the start of a line."""
_URL_SAFE = "%:/?#@!$&'*+,;=~"


def escaped(text: str) -> str:
    """A text on one line, its formulas in Unicode, that Markdown shows as it is."""
    return literal(formulas.plain(text))


def literal(text: str) -> str:
    """A text without formulas, on one line, that Markdown shows as it is."""
    line = fold(text)
    source = _SPECIAL.sub(r"\\\g<0>", line)
    start = _START.match(source)
    if start:
        end = start.end() - 1
        source = f"{source[:end]}\\{source[end:]}"
    return source


def link(label: str, url: str) -> str:
    """A link with a text without formulas; the text alone if the address is none of the web."""
    if not web_url(url):
        return literal(label)
    return f"[{literal(label)}]({quote(fold(url), safe=_URL_SAFE)})"
