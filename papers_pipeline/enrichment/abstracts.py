"""A paper's title and abstract: as the variables of prompts, and as the source of an answer."""

from papers_pipeline.prompts.prompt import without_latex
from papers_pipeline.records import Paper, UnaskableReason


def abstract_variables(paper: Paper) -> dict[str, str]:
    """Title and abstract, as templates name them."""
    return {"title": paper.title, "abstract": paper.abstract}


def missing_abstract(paper: Paper) -> UnaskableReason | None:
    """The reason not to ask about a paper whose abstract is empty."""
    return None if paper.abstract else "no_abstract"


def source_of(title: str, abstract: str) -> str:
    """What an answer may quote: title and abstract as the list has them, and as a model reads them.

    A prompt shows them without LaTeX.
    """
    listed = f"{title}\n{abstract}"
    return f"{listed}\n{without_latex(listed)}"
