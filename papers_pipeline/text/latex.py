"""LaTeX as plain text, for places that cannot typeset it: `3\\times 3` becomes "3 × 3".

Symbols and accents come from pylatexenc. Its converter would lose what one line of text needs:
spaces around relations, raised and lowered digits, brackets around an operand.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from pylatexenc.latex2text import LatexNodes2Text, get_default_latex_context_db

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.loaded_once import loaded_once

LONGEST = 300
"""Characters. A longer formula is an equation rather than part of a sentence; it is cut."""

TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
STYLE_COMMANDS = """
    rm bf it sf tt cal mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak mathscr
    boldsymbol bm text textbf textit textrm texttt textsf textsc operatorname operatorname*
    mbox hbox emph displaystyle textstyle scriptstyle left right big Big bigg Bigg bigl bigr
    Bigl Bigr middle limits nolimits mathop mathbin mathrel mathord ensuremath underline
    overline widehat widetilde hat tilde bar vec dot ddot ( ) [ ] !
"""
_STYLE_COMMANDS = frozenset(STYLE_COMMANDS.split())
"""Commands that change only how their argument looks. They are dropped; the argument stays."""
_WITH_ARGUMENT = ("frac", "dfrac", "tfrac", "sqrt", "textsuperscript", "textsubscript")
FUNCTIONS = "arg argmax argmin cos det dim exp inf lim ln log max min mod Pr sin sup tan tanh"
_FUNCTIONS = frozenset(FUNCTIONS.split())
"""Commands that text writes as they are called."""
OWN_SYMBOLS = {
    "ne": "≠", "mid": "|", "|": "‖", "cdots": "…", "prime": "′", "degree": "°", "checkmark": "✓",
    "bot": "⊥", "epsilon": "ε", "phi": "φ", "quad": " ", "qquad": " ",
}  # fmt: skip
"""Symbols that pylatexenc 2.11 lacks or writes with a rarer character: `ϵ`, `ϕ`, `⋯`."""
SPACED = frozenset("×·±∓÷≤≥≠≈≡∼≃∝≪≫→←↔⇒↦∈∉⊂⊆∪∩|∘⊕⊗⊙≲≳≺≻≼≽⊃⊇⊊⇐⇔⟶⟹∧∨")
"""Relations and binary operators: text has a space on either side of them."""
RAISED = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
LOWERED = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")


def readable_math(latex: str) -> str:
    """The formula on one line. An unknown command becomes its name; no input raises."""
    tokens = iter(TOKEN.findall(latex[:LONGEST]))
    text = ""
    while True:
        text += _group(tokens)
        # `_group` stops at a closing brace, even at one that closes nothing.
        following = next(tokens, None)
        if following is None:
            return one_line(text)
        tokens = iter([following, *tokens])


def script(mark: str, text: str) -> str:
    """The text raised (`^`) or lowered (`_`): ⁻³ if Unicode has its characters, else ^(-1/2)."""
    table = RAISED if mark == "^" else LOWERED
    if text and all(ord(character) in table for character in text):
        return text.translate(table)
    if mark == "^" and text == "∘":
        return "°"
    if mark == "^" and text in ("", "°", "′", "†", "∗", "*"):
        return text
    return mark + _operand(text)


def is_writable(latex: str) -> bool:
    """Whether every command of the formula has a character, a look or a name: not `\\foo`."""
    commands = re.findall(r"\\([A-Za-z]+\*?)", latex)
    return all(map(_is_known, commands)) and len(latex) <= LONGEST


def accented(mark: str, letter: str) -> str:
    """The letter under an accent: `accented("v", "C")` is Č.

    Two characters if Unicode has no such letter.
    """
    text = LatexNodes2Text().latex_to_text(f"\\{mark}{{{letter}}}")
    return unicodedata.normalize("NFC", text)


def _group(tokens: Iterator[str]) -> str:
    """The text up to the next unmatched closing brace, or to the end."""
    text = ""
    for token in tokens:
        if token == "}":
            break
        piece = _piece(token, tokens)
        # A function's name or an unknown command would run into the variable before it.
        is_name = token.startswith("\\") and piece == token[1:] and piece.isalpha()
        text += f" {piece}" if is_name and text[-1:].isalnum() else piece
    return text


def _piece(token: str, tokens: Iterator[str]) -> str:
    if token == "{":
        return _group(tokens)
    if token in "^_":
        return script(token, _argument(tokens))
    if token in "~&" or token.isspace():
        return " "
    return _command(token[1:], tokens) if len(token) > 1 else token


def _argument(tokens: Iterator[str]) -> str:
    for token in tokens:
        if not token.isspace() and token[1:] not in _STYLE_COMMANDS:
            return _piece(token, tokens).strip()
    return ""


def _command(name: str, tokens: Iterator[str]) -> str:
    if name in ("frac", "dfrac", "tfrac"):
        return f"{_operand(_argument(tokens))}/{_operand(_argument(tokens))}"
    if name in ("textsuperscript", "textsubscript"):
        return script("^" if name == "textsuperscript" else "_", _argument(tokens))
    if name == "sqrt":
        return f"√{_operand(_argument(tokens))}"
    if name in _STYLE_COMMANDS:
        return ""
    symbol = _symbol(name)
    if symbol in SPACED:
        return f" {symbol} "
    if symbol:
        return symbol
    if name[0].isalpha():
        return name
    return name if name in "{}%_&#$" else " "


def _is_known(name: str) -> bool:
    if name in _STYLE_COMMANDS or name in _WITH_ARGUMENT:
        return True
    return name in _FUNCTIONS or bool(_symbol(name))


@loaded_once
def _macros() -> Any:
    return get_default_latex_context_db()


def _symbol(name: str) -> str:
    """The character for a command, or "" if there is none."""
    if name in OWN_SYMBOLS:
        return OWN_SYMBOLS[name]
    # One-letter commands are letters of text (`\L` is Ł); in formulas they are authors' macros.
    if len(name) == 1:
        return ""
    macro = _macros().get_macro_spec(name)
    text = macro.simplify_repl if macro else None
    # Other replacements are functions, format strings, or placeholders such as "<ref>".
    if not isinstance(text, str) or text.isascii() or "%" in text:
        return ""
    return text


def _operand(text: str) -> str:
    is_simple = len(text) == 1 or re.fullmatch(r"[^\W_.]+(\.[0-9]+)?", text)
    return text if is_simple else f"({text})"
