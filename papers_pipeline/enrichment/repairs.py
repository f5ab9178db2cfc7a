"""Mends what is mechanical in an answer, free of charge, before the guardrails judge it.

Each repair is idempotent: a repaired text is repaired into itself.
"""

import regex

from papers_pipeline.text.markup import MARKUP

FULL_STOPS = {"zh": "。", "ja": "。", "hi": "।"}
"""The full stop of a language, where it is not a point."""

_MARKS = (("«", "»"), ("“", "”"), ("„", "“"), ("„", "”"), ("‘", "’"), ("「", "」"), ("『", "』"))
_STRAIGHT = ('"', "'", "`")
_FULL_STOP = regex.compile(r"(?<![.。．])[.。．｡]$")
# "U.S." and "et al." keep their point.
_ABBREVIATION = regex.compile(r"(?i)(?:\.\p{L}|\b(?:al|etc|vs|inc|др|пр|т\.\s?[дп]))\.$")
_FINISHED = regex.compile(r"[.!?…。！？।:：;；,，][\"'»”’」』)）\]]*$")
_CAN_END = regex.compile(r"[\p{L}\p{N}%％°\"'»”’」』)）\]]$")
# Where Chinese touches a Latin word or a number: "用7B模型" is "用 7B 模型".
_TOUCHING = regex.compile(
    r"(?<=\p{Han})(?=[\p{Latin}\p{Greek}\d])|(?<=[\p{Latin}\p{Greek}\d%])(?=\p{Han})"
)
_FORMULA = regex.compile(
    r"\$\$[^$]+\$\$|\\\([^$]{1,300}?\\\)|\\\[[^$]{1,300}?\\\]|(?<![\\$])\$(?!\s)[^$\n]{1,300}(?<!\s)\$(?!\$)"
)
_NAKED = regex.compile(
    r"[\p{L}\p{N})]*(?:\\[A-Za-z]+(?:\{[^{}]*\})*|\\[%&#_$,; ]|[\^_]\{[^{}]*\})[\p{L}\p{N}]*"
)


def repaired_title(language: str, title: str) -> str:
    """The title without LaTeX, quotation marks around the whole and a final full stop.

    In Chinese, blanks set off Latin words and numbers. `language` is an ISO 639-1 code.
    """
    before = None
    title = _set_off(language, _without_latex(title.strip()))
    while before != title:
        before = title
        title = _without_full_stop(_unquoted(title)).strip()
    return title


def repaired_text(language: str, text: str) -> str:
    """The text without LaTeX, and with the full stop of its language (ISO 639-1) at its end.

    In Chinese, blanks set off Latin words and numbers.
    """
    text = _set_off(language, _without_latex(text.strip()))
    if not text or _FINISHED.search(text) or not _CAN_END.search(text):
        return text
    return text + FULL_STOPS.get(language.split("-")[0].lower(), ".")


def _set_off(language: str, text: str) -> str:
    if language.split("-")[0].lower() != "zh":
        return text
    return str(_TOUCHING.sub(" ", text))


def _without_full_stop(title: str) -> str:
    if _ABBREVIATION.search(title):
        return title
    return str(_FULL_STOP.sub("", title))


def _unquoted(title: str) -> str:
    """The title without a pair of quotation marks around it: «A» и «B» keeps its own."""
    pairs = [*_MARKS, *((mark, mark) for mark in _STRAIGHT)]
    for opening, closing in pairs:
        inner = title[1:-1]
        if title[:1] == opening and title[-1:] == closing and len(title) > 2:
            return title if opening in inner or closing in inner else inner
    return title


def _without_latex(text: str) -> str:
    """The text with its formulas in Unicode. A formula that Unicode cannot write stays as it is."""
    if not MARKUP["LaTeX"].search(text) and not regex.search(r"\$[^$]+\$|\\[%&#_$,;]", text):
        return text
    # Loaded only if needed: pylatexenc and latex2mathml take a tenth of a second.
    from papers_pipeline.text.formulas import plain
    from papers_pipeline.text.latex import is_writable, readable_math

    def converted(found: "regex.Match[str]") -> str:
        written = plain(found[0])
        return written if is_writable(found[0]) else found[0]

    def naked(found: "regex.Match[str]") -> str:
        return readable_math(found[0]) if is_writable(found[0]) else found[0]

    return str(_NAKED.sub(naked, _FORMULA.sub(converted, text)))
