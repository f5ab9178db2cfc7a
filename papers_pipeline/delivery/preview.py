"""A digest as Markdown: what the Dagster UI shows of a delivery."""

from papers_pipeline.delivery.digest import Digest
from papers_pipeline.text.markdown import escaped, link


def markdown(digest: Digest) -> str:
    """The digest, in which no title is markup."""
    lines = [f"**{escaped(digest.name)}** · {escaped(digest.date)} · {escaped(digest.count)}"]
    for paper in digest.papers:
        title = f"{paper.emoji} {link(paper.title, paper.url)}".strip()
        lines.append(f"{title} · {escaped(digest.votes(paper))}")
        lines.append(escaped(paper.sentence))
    return "\n\n".join(lines)
