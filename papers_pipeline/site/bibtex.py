"""A paper as an entry of a BibTeX file, as arXiv gives it: https://info.arxiv.org/help/hypertex/bibstyles.

What the feed says is text: nothing of it is a command of TeX, but for formulas of a title in plain commands.
"""

import unicodedata

import regex

from papers_pipeline.records import IssuePaper

# BibTeX counts braces even behind a backslash, so that a brace of the text has to be named.
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
_PLAIN_COMMANDS = regex.compile(
    r"alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|"
    r"phi|varphi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|ell|infty|partial|nabla|"
    r"mathcal|mathbf|mathbb|mathrm|mathit|mathsf|boldsymbol|text|textbf|texttt|hat|tilde|bar|vec|sqrt|frac|times|cdot|"
    r"pm|star|ast|circ|dagger|to|rightarrow|leftarrow|Rightarrow|sim|approx|leq|geq|ll|gg|neq|in"
)


def bibtex(paper: IssuePaper) -> str:
    """The entry, a field a line, without a final line break."""
    fields = {
        "title": f"{{{escaped(paper.title, formulas=True)}}}",  # doubly braced: styles leave its capitals alone
        "author": " and ".join(_name(author.name) for author in paper.authors),
        "year": _year(paper),
        "eprint": escaped(paper.arxiv_id),
        "archivePrefix": "arXiv",
        "url": escaped(paper.url),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key(paper)},", *lines, "}"])


def key(paper: IssuePaper) -> str:
    """What the entry is cited by: the first author's last name and the arXiv id, which later versions do not change."""
    last = paper.authors[0].name.split()[-1:] if paper.authors else []
    plain = unicodedata.normalize("NFKD", "".join(last).lower()).encode("ascii", "ignore").decode()
    name = "".join(filter(str.isalpha, plain)) or "arxiv"
    return name + "".join(it for it in paper.arxiv_id if it.isalnum() or it == ".")


def escaped(text: str, *, formulas: bool = False) -> str:
    """A text of one line as TeX source that prints it; with ``formulas`` those in plain commands stay formulas."""
    text = " ".join(regex.sub(r"\p{C}", " ", text).split())
    parts = _FORMULA.split(text) if formulas else [text]
    if len(parts) > 1 and "$" in "".join(parts):  # an odd sign of dollars: not all are formulas
        parts = [text]
    return "".join(
        (f"${part}$" if _is_plain(part) else _as_text(f"${part}$")) if place % 2 else _as_text(part)
        for place, part in enumerate(parts)
    )


def _as_text(text: str) -> str:
    return str(_SPECIAL.sub(lambda found: _ESCAPES[found[0]], text))


def _is_plain(formula: str) -> bool:
    """Whether a formula has no command but plain ones, no comment, and braces in pairs."""
    depth = 0
    for character in formula:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    commands = _COMMAND.findall(formula)
    return (
        depth == 0
        and not regex.search("[%#&~]", formula)
        and all(map(_PLAIN_COMMANDS.fullmatch, commands))
    )


def _name(name: str) -> str:
    """An author; in braces where BibTeX would take the name for several or turn it round."""
    plain = escaped(name)
    return f"{{{plain}}}" if regex.search(r",|\band\b", plain) else plain


def _year(paper: IssuePaper) -> str:
    """The year of publication; of the arXiv id, `YYMM.number`, where the feed does not tell it."""
    if paper.published_at:
        return str(paper.published_at.year)
    return f"20{paper.arxiv_id[:2]}" if regex.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv_id) else ""
