"""A paper as a BibTeX entry in arXiv's form: https://info.arxiv.org/help/hypertex/bibstyles.

Text from the feed is escaped. Only a formula in the title is kept as TeX, if its commands are safe.
"""

import unicodedata

import regex

from papers_pipeline.base.characters import one_line
from papers_pipeline.records import IssuePaper

# Not pylatexenc's: it would write `\{`, and BibTeX counts braces even behind a backslash.
ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
}
"""What is written instead of a character that TeX would take for its own."""
_FORMULA = regex.compile(r"\$([^$]+)\$")
_COMMAND = regex.compile(r"\\([A-Za-z]+|.)")
# Safe in a reader's bibliography. pylatexenc also knows commands that need packages.
SAFE_COMMANDS = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho
    sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon
    Phi Psi Omega ell infty partial nabla mathcal mathbf mathbb mathrm mathit mathsf
    boldsymbol text textbf texttt hat tilde bar vec sqrt frac times cdot pm star ast circ
    dagger to rightarrow leftarrow Rightarrow sim approx leq geq ll gg neq in
"""
_SAFE_COMMANDS = frozenset(SAFE_COMMANDS.split())


def bibtex(paper: IssuePaper) -> str:
    """The entry, one field per line, without a trailing newline."""
    title = escaped(paper.title, formulas=True)
    fields = {
        "title": f"{{{title}}}",  # double braces keep the capitals in every style
        "author": " and ".join(_name(author.name) for author in paper.authors),
        "year": _year(paper),
        "eprint": escaped(paper.arxiv_id),
        "archivePrefix": "arXiv",
        "url": escaped(paper.url),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key(paper)},", *lines, "}"])


def key(paper: IssuePaper) -> str:
    """The citation key: the first author's last name and the arXiv id. Later versions keep it."""
    last_name = paper.authors[0].name.split()[-1:] if paper.authors else []
    decomposed = unicodedata.normalize("NFKD", "".join(last_name).lower())
    ascii_name = decomposed.encode("ascii", "ignore").decode()
    name = "".join(filter(str.isalpha, ascii_name)) or "arxiv"
    return name + "".join(part for part in paper.arxiv_id if part.isalnum() or part == ".")


def known_commands() -> list[str]:
    """The names of all commands that an entry can have, in alphabetical order."""
    return sorted(_SAFE_COMMANDS.union(_COMMAND.findall(" ".join(ESCAPES.values()))))


def escaped(text: str, *, formulas: bool = False) -> str:
    """TeX source that prints a text on one line. With `formulas`, safe formulas stay formulas."""
    text = one_line(regex.sub(r"\p{C}", " ", text))
    if not formulas:
        return _escaped_text(text)
    parts = _FORMULA.split(text)
    has_stray_dollar = any("$" in part for part in parts)
    if has_stray_dollar:
        return _escaped_text(text)
    pieces = []
    for place, part in enumerate(parts):
        is_formula = place % 2 == 1
        if is_formula and _is_safe(part):
            pieces.append(f"${part}$")
        else:
            pieces.append(_escaped_text(f"${part}$" if is_formula else part))
    return "".join(pieces)


def _escaped_text(text: str) -> str:
    return "".join(ESCAPES.get(character, character) for character in text)


def _is_safe(formula: str) -> bool:
    """Whether a formula has only safe commands, no comment, and braces in pairs."""
    depth = 0
    for character in formula:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    if depth or regex.search("[%#&~]", formula):
        return False
    return _SAFE_COMMANDS.issuperset(_COMMAND.findall(formula))


def _name(name: str) -> str:
    """An author's name, in braces where BibTeX would split it or swap its parts."""
    name = escaped(name)
    return f"{{{name}}}" if regex.search(r",|\band\b", name) else name


def _year(paper: IssuePaper) -> str:
    """The year of publication; if the feed has none, the year of a new-style arXiv id."""
    if paper.published_at:
        return str(paper.published_at.year)
    if regex.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv_id):
        return f"20{paper.arxiv_id[:2]}"
    return ""
