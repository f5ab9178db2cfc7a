"""The variables of prompts about a paper's title and abstract."""

from papers_pipeline.records import Paper, UnaskableReason


def abstract_variables(paper: Paper) -> dict[str, str]:
    """Title and abstract, as templates name them."""
    return {"title": paper.title, "abstract": paper.abstract}


def missing_abstract(paper: Paper) -> UnaskableReason | None:
    """The reason not to ask about a paper whose abstract is empty."""
    return None if paper.abstract else "no_abstract"
