"""Real LaTeXML pages, which are not in this repository, with figures counted by hand.

The folder PAPERS_REAL_DATA has them in `arxiv_html/`.
"""

import json
import os
from pathlib import Path

import pytest

from papers_pipeline.documents.figures import read_figures

PAGES = Path(os.environ["PAPERS_REAL_DATA"]) / "arxiv_html"
COUNTED = {
    # Each figure's section and the first words of its caption. The pages have 4, 2 and 2 tables.
    "1706.03762": [
        ("Model Architecture", "The Transformer"),
        ("Model Architecture", "(left) Scaled"),
        ("Attention Visualizations", "An example"),
        ("Attention Visualizations", "Two attention"),
        ("Attention Visualizations", "Many of"),
    ],
    "2305.03393": [
        ("Introduction", "Comparison between"),
        ("Problem Statement", "Frequency of"),
        ("Optimised Table Structure Language", "OTSL description"),
        ("Experiments", "Architecture sketch"),
    ],
    "2501.00089": [
        ("Introduction", "Our SFNet"),
        ("Results", "SFNet learned"),
        ("Discussion", "Linear relationships"),
        ("Discussion", "SFNet comparison"),
    ],
}


@pytest.mark.parametrize("arxiv_id", COUNTED)
def test_a_real_page_has_the_figures_counted_by_hand(arxiv_id: str):
    url = f"https://export.arxiv.org/html/{arxiv_id}v1"
    found = read_figures((PAGES / f"{arxiv_id}.html").read_bytes(), url)
    assert [
        (figure.section, " ".join((figure.caption or "").split()[:2])) for figure in found
    ] == COUNTED[arxiv_id]
    assert all(figure.url.startswith(f"{url}/") for figure in found)
    assert len({figure.url for figure in found}) == len(found)
    assert not any(
        "\n" in (figure.caption or "") or "<" in (figure.caption or "") for figure in found
    )


def test_fragments_of_arxiv_pages_give_their_links():
    fragments = [
        json.loads(line)["html"]
        for line in (PAGES / "_real_snippets.jsonl").read_text("utf-8").splitlines()
    ]
    url = "https://arxiv.org/html/2508.17536"
    links = [
        [figure.url for figure in read_figures(fragment.encode(), url)] for fragment in fragments
    ]
    # The second ends inside its image's tag. The images of the fourth have no source.
    assert links == [[f"{url}/assets/x1.png"], [], [f"{url}/x1.png"], []]
