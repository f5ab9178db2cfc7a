"""A paper as a BibTeX entry, in arXiv's form: https://info.arxiv.org/help/hypertex/bibstyles.

Data from the feed is text and never runs as TeX. Only a title's formulas stay TeX, if they use
plain commands alone.
"""

import unicodedata

import regex

from papers_pipeline.records import IssuePaper

# BibTeX counts braces even after a backslash, so a brace in the text needs its name.
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
} | {character: f"\\{character}" for character in "&%$#_"}
_SPECIAL = regex.compile(r"[\\{}~^<>&%$#_]")
_FORMULA = regex.compile(r"\$([^$]+)\$")
_COMMAND = regex.compile(r"\\([A-Za-z]+|.)")
_PLAIN_COMMANDS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma
tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
ell infty partial nabla mathcal mathbf mathbb mathrm mathit mathsf boldsymbol text textbf texttt
hat tilde bar vec sqrt frac times cdot pm star ast circ dagger to rightarrow leftarrow Rightarrow
sim approx leq geq ll gg neq in
"""
_PLAIN_COMMAND_NAMES = frozenset(_PLAIN_COMMANDS.split())


def bibtex(paper: IssuePaper) -> str:
    """The entry, one field a line, without a final line break."""
    fields = {
        # Doubly braced, so that styles leave its capitals alone.
        "title": f"{{{escaped(paper.title, formulas=True)}}}",
        "author": " and ".join(_name(author.name) for author in paper.authors),
        "year": _year(paper),
        "eprint": escaped(paper.arxiv_id),
        "archivePrefix": "arXiv",
        "url": escaped(paper.url),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key(paper)},", *lines, "}"])


def key(paper: IssuePaper) -> str:
    """The citation key: the first author's last name and the arXiv id, which versions share."""
    last = paper.authors[0].name.split()[-1:] if paper.authors else []
    plain = unicodedata.normalize("NFKD", "".join(last).lower()).encode("ascii", "ignore").decode()
    name = "".join(filter(str.isalpha, plain)) or "arxiv"
    number = [character for character in paper.arxiv_id if character.isalnum() or character == "."]
    return name + "".join(number)


def escaped(text: str, *, formulas: bool = False) -> str:
    """A one-line text as TeX source that prints it.

    With ``formulas``, those in plain commands stay formulas.
    """
    text = " ".join(regex.sub(r"\p{C}", " ", text).split())
    parts = _FORMULA.split(text) if formulas else [text]
    if any("$" in part for part in parts):  # an odd number of dollar signs: some are no formula
        return _as_text(text)
    escaped_parts = []
    for place, part in enumerate(parts):
        is_formula = place % 2 == 1  # `split` alternates text and formulas
        if is_formula and _is_plain(part):
            escaped_parts.append(f"${part}$")
        elif is_formula:
            escaped_parts.append(_as_text(f"${part}$"))
        else:
            escaped_parts.append(_as_text(part))
    return "".join(escaped_parts)


def _as_text(text: str) -> str:
    return str(_SPECIAL.sub(lambda found: _ESCAPES[found[0]], text))


def _is_plain(formula: str) -> bool:
    """Whether a formula has plain commands only, no comment, and paired braces."""
    depth = 0
    for character in formula:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    if depth or regex.search("[%#&~]", formula):
        return False
    return _PLAIN_COMMAND_NAMES.issuperset(_COMMAND.findall(formula))


def _name(name: str) -> str:
    """An author's name, in braces if BibTeX would split or reorder it."""
    plain = escaped(name)
    return f"{{{plain}}}" if regex.search(r",|\band\b", plain) else plain


def _year(paper: IssuePaper) -> str:
    """The year of publication, else of the arXiv id (`YYMM.number`), else nothing."""
    if paper.published_at:
        return str(paper.published_at.year)
    if regex.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv_id):
        return f"20{paper.arxiv_id[:2]}"
    return ""
