"""Papers whose titles and abstracts have the same rare words: TF-IDF over the papers of all days up to one.

It never looks at later days, so that a day built again finds the same. scikit-learn and SciPy take a second to load and
are loaded when a day is really compared.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from papers_pipeline.records import Paper, RelatedPaper, RelatedPapers
from papers_pipeline.store.lake import Lake, scan_table

ASSET = "related_papers"
MOST = 5
LEAST_LIKE = 0.12
"""The cosine below which two papers share little but the language of their field; seen on real days."""
TERMS = 2**20
"""The numbers that words are hashed to: so many that few words of a field share one."""


def relations(day: date, papers: Sequence[Paper], lake: Lake) -> list[RelatedPapers]:
    """A row a paper of the day, in the order given, compared with those of the day and of the stored days before it.

    A paper is not its own relation, nor is any named twice: one that an earlier day lists too counts at the later.
    """
    if not papers:
        return []
    terms, counts, ends = _words(
        [f"{paper.title}\n{paper.title}\n{paper.abstract}" for paper in papers]
    )
    own = pa.table(
        {
            "arxiv_id": [paper.arxiv_id for paper in papers],
            "title": [paper.title for paper in papers],
            "terms": pa.ListArray.from_arrays(ends, terms),
            "counts": pa.ListArray.from_arrays(ends, counts),
            "partition": [day.isoformat()] * len(papers),
        }
    )
    days = [it for it in lake.partitions(ASSET) if it < day.isoformat()]
    earlier = scan_table(lake, ASSET, days, ("arxiv_id", "title", "terms", "counts"))
    known = _newest(
        pa.concat_tables([earlier, own.cast(earlier.schema)]) if earlier.num_rows else own
    )
    near = _nearest(known, len(papers))
    ids, titles, listed = (known[name].to_pylist() for name in ("arxiv_id", "title", "partition"))
    return [
        RelatedPapers(
            arxiv_id=paper.arxiv_id,
            title=paper.title,
            terms=own["terms"][row].as_py(),
            counts=own["counts"][row].as_py(),
            related=[
                RelatedPaper(arxiv_id=ids[it], day=date.fromisoformat(listed[it]), title=titles[it])
                for it in found
            ],
        )
        for row, (paper, found) in enumerate(zip(papers, near, strict=True))
    ]


def _words(texts: Sequence[str]) -> tuple[Any, Any, Any]:
    """The numbers of each text's words, in order, how often it has each, and where the words of each text begin."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        n_features=TERMS, alternate_sign=False, norm=None, stop_words="english"
    )
    vectors = vectorizer.transform(texts)
    vectors.sort_indices()
    return (
        vectors.indices.astype("int64"),
        vectors.data.astype("int64"),
        vectors.indptr.astype("int32"),
    )


def _newest(known: pa.Table) -> pa.Table:
    """Each paper once, as the last of its days has it; those of the last day stay at the end, in their order."""
    places = {arxiv_id: row for row, arxiv_id in enumerate(known["arxiv_id"].to_pylist())}
    return known.take(sorted(places.values()))


def _nearest(known: pa.Table, asking: int) -> list[list[int]]:
    """The rows that each of the last ``asking`` rows is most like, the likest first and of equals the newest."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    terms, counts = (known[name].combine_chunks() for name in ("terms", "counts"))
    ends = np.concatenate([[0], np.cumsum(terms.value_lengths().to_numpy())])
    words = (counts.flatten().to_numpy().astype("float64"), terms.flatten().to_numpy(), ends)
    # Sublinear: a word that stands there ten times says about twice as much as one that stands there twice.
    vectors = TfidfTransformer(sublinear_tf=True).fit_transform(
        csr_matrix(words, shape=(known.num_rows, TERMS))
    )
    first = known.num_rows - asking
    likeness = np.round(
        (vectors[first:] @ vectors.T).toarray(), 6
    )  # what differs by less is equal on any machine
    likeness[np.arange(asking), first + np.arange(asking)] = 0
    found = []
    for row in likeness:
        near = np.flatnonzero(row >= LEAST_LIKE)
        found.append([int(it) for it in near[np.lexsort((-near, -row[near]))][:MOST]])
    return found
