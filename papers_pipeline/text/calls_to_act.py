"""Finds what would have a reader install a program, open a machine's address, or call somebody.

A hostile abstract can talk a model into such advice. A paper's own is no fault.
"""

from collections.abc import Iterator

import regex

from papers_pipeline.base.characters import bare, excerpt
from papers_pipeline.base.faults import Fault

_INSTALLERS = (
    r"pip[23]?|pipx|uv|conda|mamba|npm|npx|pnpm|yarn|brew|apt|apt-get|cargo|gem|docker|go|winget"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_PATTERNS = {
    "a command that installs something": regex.compile(
        rf"(?i)\b(?:{_INSTALLERS})\s+(?:-\S+\s+|pip\s+)*(?:install|add|run|pull|tap|exec)\s+\S+"
        r"|\b(?:curl|wget)\s+(?:-\S+\s+)*\S+\.\S+|\bnpx\s+\S+"
    ),
    # A version such as 1.2.3.4 is no address unless a port follows.
    "the address of a machine": regex.compile(
        rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?:(?=:\d)|(?=/)|(?![\d.]))(?::\d{{1,5}})?"
        r"|\blocalhost:\d{2,5}\b|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){5,7}[0-9a-fA-F]{1,4}(?![\w:])"
    ),
    # Groups of three and three and four, or a plus sign: a number in prose has neither.
    "a telephone number": regex.compile(
        r"(?<![\w.,])(?:\+\d{1,3}[\s().-]*(?:\d{2,4}[\s().-]*){2,4}\d{2,4}"
        r"|(?:1[\s.-])?\(?\d{3}\)?[\s.-]\d{3}[.-]\d{4}"
        r"|8[\s-]?\(?\d{3}\)?[\s-]\d{3}[\s-]\d{2}[\s-]\d{2})(?![\w.,]?\d)"
    ),
}


def call_to_act_faults(text: str, source: str) -> Iterator[Fault]:
    """A fault for each kind of advice in the text that the source does not have."""
    known = bare(source)
    for kind, pattern in _PATTERNS.items():
        for found in pattern.finditer(text):
            if bare(found[0]) in known:
                continue
            message = f'The answer holds {kind}, "{excerpt(found[0])}": leave it out.'
            yield Fault("call_to_act", message)
            break
