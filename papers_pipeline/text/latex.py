"""LaTeX mathematics as plain text, for places that cannot set it: `3\\times 3` is "3 × 3", `d^{-1/2}` is "d^(-1/2)"."""

import re
import unicodedata
from collections.abc import Iterator

LONGEST = 300
"""A longer formula is an equation of its own rather than a word of a sentence; it is cut."""

TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\s+|.", re.DOTALL)
LOOKS = """
    rm bf it sf tt cal mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak mathscr boldsymbol bm text textbf
    textit textrm texttt textsf textsc operatorname operatorname* mbox hbox emph displaystyle textstyle scriptstyle left
    right big Big bigg Bigg bigl bigr Bigl Bigr middle limits nolimits mathop mathbin mathrel mathord ensuremath
    underline overline widehat widetilde hat tilde bar vec dot ddot ( ) [ ] !
"""
UNSEEN = frozenset(LOOKS.split())
"""Commands that change how their argument looks, or its size: the argument is read, the change is not."""
SPACED = {
    "times": "×", "cdot": "·", "pm": "±", "mp": "∓", "div": "÷", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥",
    "neq": "≠", "ne": "≠", "approx": "≈", "equiv": "≡", "sim": "∼", "simeq": "≃", "propto": "∝", "ll": "≪", "gg": "≫",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "leftrightarrow": "↔", "Rightarrow": "⇒", "mapsto": "↦",
    "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "cup": "∪", "cap": "∩", "mid": "|", "circ": "∘",
    "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "quad": "", "qquad": "",
}  # fmt: skip
CLOSE = {
    "infty": "∞", "partial": "∂", "nabla": "∇", "sum": "∑", "prod": "∏", "int": "∫", "forall": "∀", "exists": "∃",
    "ldots": "…", "dots": "…", "cdots": "…", "ell": "ℓ", "emptyset": "∅", "star": "⋆", "ast": "∗", "dagger": "†",
    "prime": "′", "degree": "°", "lVert": "‖", "rVert": "‖", "Vert": "‖", "|": "‖", "langle": "⟨", "rangle": "⟩",
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "setminus": "∖", "checkmark": "✓", "varepsilon": "ε",
    "vartheta": "ϑ", "varphi": "φ", "uparrow": "↑", "downarrow": "↓", "top": "⊤", "bot": "⊥",
}  # fmt: skip
RAISED = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
LOWERED = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")


def readable_math(latex: str) -> str:
    """The formula as one line of text; what is not known keeps its name, and nothing raises."""
    tokens = iter(TOKEN.findall(latex[:LONGEST]))
    whole = ""
    while True:  # a closing brace too many ends a group that was never opened
        whole += _group(tokens)
        rest = next(tokens, None)
        if rest is None:
            break
        tokens = iter([rest, *tokens])
    return " ".join(whole.split())


def _group(tokens: Iterator[str]) -> str:
    """The text up to the brace that closes the group, or to the end."""
    text = ""
    for token in tokens:
        if token == "}":
            break
        piece = _piece(token, tokens)
        # A function's name, or one that is not known, would run into the variable before it.
        named = token.startswith("\\") and piece == token[1:] and piece.isalpha()
        text += f" {piece}" if named and text[-1:].isalnum() else piece
    return text


def _piece(token: str, tokens: Iterator[str]) -> str:
    if token == "{":
        return _group(tokens)
    if token in "^_":
        return _script(token, _argument(tokens))
    if token in "~&" or token.isspace():
        return " "
    return _command(token[1:], tokens) if len(token) > 1 else token


def _argument(tokens: Iterator[str]) -> str:
    token = next((token for token in tokens if not token.isspace()), "")
    return _piece(token, tokens).strip() if token else ""


def _command(name: str, tokens: Iterator[str]) -> str:
    if name in ("frac", "dfrac", "tfrac"):
        return f"{_operand(_argument(tokens))}/{_operand(_argument(tokens))}"
    if name == "sqrt":
        return f"√{_operand(_argument(tokens))}"
    if name in SPACED:
        return f" {SPACED[name]} "
    if name in CLOSE:
        return CLOSE[name]
    if name in UNSEEN:
        return ""
    if not name[0].isalpha():
        return name if name in "{}%_&#$" else " "
    return _greek(name) or name


def _greek(name: str) -> str:
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(
            f"GREEK {size} LETTER {'LAMDA' if name.lower() == 'lambda' else name.upper()}"
        )
    except KeyError:
        return ""


def _operand(text: str) -> str:
    return text if len(text) == 1 or re.fullmatch(r"[^\W_.]+(\.[0-9]+)?", text) else f"({text})"


def _script(mark: str, text: str) -> str:
    table = RAISED if mark == "^" else LOWERED
    if text and all(ord(character) in table for character in text):
        return text.translate(table)
    if mark == "^" and text in ("", "∘", "°", "′", "†", "∗"):
        return "°" if text == "∘" else text
    return mark + _operand(text)
