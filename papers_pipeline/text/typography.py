"""No-break spaces as the typography of a language asks for them. Letters and marks of a text stay as they are."""

import re
from collections.abc import Callable

NO_BREAK = "\N{NO-BREAK SPACE}"

# Rules after A. Milchin and L. Cheltsova, "Spravochnik izdatelya i avtora", and the practice of Russian web type.
_RUSSIAN = (
    # A word of one or two letters does not end a line: "в", "и", "не", "из".
    (r"(?<![\w-])((?!(?:бы?|же?|л[иь]) )[а-яё]{1,2}) (?=\S)", rf"\1{NO_BREAK}"),
    # A particle does not begin one.
    (r"(?<=\w) (?=(?:бы?|же?|л[иь])(?!\w))", NO_BREAK),
    # Nor does a dash.
    (r"(?<=\S) (?=[—–] )", NO_BREAK),
    # A number and its unit, percent sign or noun; digits in groups of three.
    (
        r"(?<=\d) (?=[%‰°$€₽]|[а-яё]{3}|г\.|(?:км|кг|мс|мм|см|[гмткб]б|дб|к?вт|[кмг]?гц)\b|\d{3}(?!\d))",
        NO_BREAK,
    ),
    (r"(?<=\d) (?=(?:[KMGT]?[Bb]|[kKмМ]?[mм]s?|Hz|FLOPs?|UTC|GPU)\b)", NO_BREAK),
    (r"(?<=[№§]) (?=\d)", NO_BREAK),
    (r"\b(т\.|и) (?=(?:е|к|д|п|н|о)\.)", rf"\1{NO_BREAK}"),
)


def setter(language: str) -> Callable[[str], str]:
    """What sets a text of a language, by its code; for a language without rules, what leaves it alone."""
    return russian if language == "ru" else str


def russian(text: str) -> str:
    """A Russian text with no-break spaces behind short words, before dashes and between a number and what it counts.

    Only blanks change, so that a set text is found by its words.
    """
    for pattern, replacement in _RUSSIAN:
        text = re.sub(pattern, replacement, text, flags=re.IGNORECASE)
    return text
