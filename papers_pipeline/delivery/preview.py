"""A digest as Markdown: what the Dagster UI shows of a delivery."""

from papers_pipeline.delivery.digest import Digest
from papers_pipeline.text.markdown import link, literal


def markdown(digest: Digest) -> str:
    """The digest, in which no text is markup."""
    lines = [f"**{literal(digest.name)}** · {literal(digest.date)} · {literal(digest.count)}"]
    for paper in digest.papers:
        title = f"{literal(paper.emoji)} {link(paper.title, paper.url)}".strip()
        lines.append(f"{title} · {literal(digest.votes(paper))}")
        lines.append(literal(paper.sentence))
    return "\n\n".join(lines)
