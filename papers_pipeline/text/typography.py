"""Puts no-break spaces where a language's typography wants them. Nothing else changes."""

import re
from collections.abc import Callable

NO_BREAK = "\N{NO-BREAK SPACE}"

# After A. Milchin and L. Cheltsova, "Spravochnik izdatelya i avtora", and Russian web practice.
_RUSSIAN = (
    # A word of one or two letters never ends a line: "в", "и", "не", "из".
    (r"(?<![\w-])((?!(?:бы?|же?|л[иь]) )[а-яё]{1,2}) (?=\S)", rf"\1{NO_BREAK}"),
    # A particle never starts a line.
    (r"(?<=\w) (?=(?:бы?|же?|л[иь])(?!\w))", NO_BREAK),
    # Neither does a dash.
    (r"(?<=\S) (?=[—–] )", NO_BREAK),
    # A percent sign stands apart from its number.
    (r"(?<=\d)(?=%)", NO_BREAK),
    # A number stays with its unit, percent sign or noun. Groups of three digits stay together.
    (
        r"(?<=\d) (?=[%‰°$€₽]|[а-яё]{3}|г\.|\d{3}(?!\d)"
        r"|(?:км|кг|мс|мм|см|[гмткб]б|дб|к?вт|[кмг]?гц)\b)",
        NO_BREAK,
    ),
    (r"(?<=\d) (?=(?:[KMGT]?[Bb]|[kKмМ]?[mм]s?|Hz|FLOPs?|UTC|GPU)\b)", NO_BREAK),
    (r"(?<=[№§]) (?=\d)", NO_BREAK),
    (r"\b(т\.|и) (?=(?:е|к|д|п|н|о)\.)", rf"\1{NO_BREAK}"),
)


def setter(language: str) -> Callable[[str], str]:
    """The function that sets texts of a language. Without rules for it, texts stay unchanged."""
    return russian if language == "ru" else str


def russian(text: str) -> str:
    """A Russian text with no-break spaces after short words, before dashes and after numbers.

    A percent sign gets a space of its own: 34 %. Only spaces change, so that a search for its words
    still finds the text.
    """
    for pattern, replacement in _RUSSIAN:
        text = re.sub(pattern, replacement, text, flags=re.IGNORECASE)
    return text
