"""Papers with the same rare words in title and abstract: TF-IDF over the papers up to a day.

Later days never count, so a day built again finds the same. scikit-learn and SciPy take a second to
import, so they are imported when a day is compared.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa

from papers_pipeline.records import Paper, RelatedPaper, RelatedPapers
from papers_pipeline.store.lake import Lake, scan_table

ASSET = "related_papers"
COMPARISON = f"2 scikit-learn {version('scikit-learn')}"
"""The version of how papers are compared. Count it up when that changes."""
MOST = 5
LEAST_SIMILARITY = 0.12
"""Below this cosine, papers of real days shared little but the language of their field."""
STRONGEST = 15
"""Words of a paper in its day's file of words: few enough for a few kilobytes a day."""
TERMS = 2**20
"""Hash buckets for words: so many that few words of a field share one."""


def relations(
    day: date, papers: Sequence[Paper], lake: Lake, before: Sequence[RelatedPapers] = ()
) -> list[RelatedPapers]:
    """One row a paper, in the order given: its most similar papers of the day and earlier days.

    A paper is not related to itself, and a paper that several days list counts once, on the last.
    `before` are the rows of the last build: they stay if nothing that was compared has changed.
    """
    if not papers:
        return []
    earlier = _earlier_words(day, lake)
    fingerprint = _fingerprint(papers, earlier)
    if _is_current(before, papers, fingerprint):
        return list(before)
    today = _word_table(papers, day.isoformat())
    if earlier.num_rows:
        known = _newest(pa.concat_tables([earlier, today.cast(earlier.schema)]))
    else:
        known = _newest(today)
    vectors = _vectors(known)
    rows = []
    for place, similar in enumerate(_most_similar(vectors, len(papers))):
        strongest, weights = _strongest(vectors[known.num_rows - len(papers) + place])
        row = RelatedPapers(
            arxiv_id=papers[place].arxiv_id,
            title=papers[place].title,
            terms=today["terms"][place].as_py(),
            counts=today["counts"][place].as_py(),
            strongest=strongest,
            weights=weights,
            related=[_related_paper(known, number) for number in similar],
            fingerprint=fingerprint,
        )
        rows.append(row)
    return rows


def _earlier_words(day: date, lake: Lake) -> pa.Table:
    """The words of the papers of earlier listed days.

    Most days have stored them. Those of a day that is still being built come from its listing, so
    that days built side by side find the same as days built in order.
    """
    stored = [partition for partition in lake.partitions(ASSET) if partition < str(day)]
    listed = [partition for partition in lake.partitions("feed_listing") if partition < str(day)]
    tables = [scan_table(lake, ASSET, stored, ("arxiv_id", "title", "terms", "counts"))]
    for partition in sorted(set(listed) - set(stored)):
        papers = lake.read("feed_listing", partition, Paper)
        if papers:
            tables.append(_word_table(papers, partition))
    known = [table for table in tables if table.num_rows]
    if not known:
        return tables[0]
    same_schema = [table.cast(known[0].schema) for table in known]
    return pa.concat_tables(same_schema).sort_by("partition")


def _word_table(papers: Sequence[Paper], partition: str) -> pa.Table:
    """The words of a day's papers, a row a paper. Words of the title count twice."""
    texts = [f"{paper.title}\n{paper.title}\n{paper.abstract}" for paper in papers]
    terms, counts, ends = _words(texts)
    return pa.table(
        {
            "arxiv_id": [paper.arxiv_id for paper in papers],
            "title": [paper.title for paper in papers],
            "terms": pa.ListArray.from_arrays(ends, terms),
            "counts": pa.ListArray.from_arrays(ends, counts),
            "partition": [partition] * len(papers),
        }
    )


def _fingerprint(papers: Sequence[Paper], earlier: pa.Table) -> str:
    """Hash of all that is compared: the papers with their texts, and the papers of earlier days."""
    compared = hashlib.sha256(COMPARISON.encode())
    for paper in papers:
        compared.update(f"{paper.arxiv_id}\n{paper.title}\n{paper.abstract}\0".encode())
    for name in ("partition", "arxiv_id", "title"):
        compared.update("\n".join(earlier[name].to_pylist()).encode())
    if earlier.num_rows:
        for name in ("terms", "counts"):
            compared.update(earlier[name].combine_chunks().flatten().to_numpy().tobytes())
    return compared.hexdigest()


def _is_current(before: Sequence[RelatedPapers], papers: Sequence[Paper], fingerprint: str) -> bool:
    if len(before) != len(papers):
        return False
    return all(row.fingerprint == fingerprint for row in before)


def _related_paper(known: pa.Table, number: int) -> RelatedPaper:
    return RelatedPaper(
        arxiv_id=known["arxiv_id"][number].as_py(),
        day=date.fromisoformat(known["partition"][number].as_py()),
        title=known["title"][number].as_py(),
    )


def _words(texts: Sequence[str]) -> tuple[Any, Any, Any]:
    """The hashed words of all texts, their counts, and where the words of each text begin."""
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
    """Each paper once, from the last of its days. Rows keep their order, the last day last."""
    places = {arxiv_id: row for row, arxiv_id in enumerate(known["arxiv_id"].to_pylist())}
    return known.take(sorted(places.values()))


def _vectors(known: pa.Table) -> Any:
    """The words of each row as a sparse vector of length 1, weighted by TF-IDF."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    terms = known["terms"].combine_chunks()
    counts = known["counts"].combine_chunks()
    ends = np.concatenate([[0], np.cumsum(terms.value_lengths().to_numpy())])
    words = (counts.flatten().to_numpy().astype("float64"), terms.flatten().to_numpy(), ends)
    matrix = csr_matrix(words, shape=(known.num_rows, TERMS))
    # Sublinear: a word used ten times says about twice as much as one used twice.
    return TfidfTransformer(sublinear_tf=True).fit_transform(matrix)


def _strongest(vector: Any) -> tuple[list[int], list[float]]:
    """The words with the highest weights of a row, highest first, and these weights."""
    # Rounded before they are ordered, so that every machine has the same order.
    weights = np.round(vector.data, 2)
    order = np.lexsort((vector.indices, -weights))[:STRONGEST]
    return vector.indices[order].tolist(), weights[order].tolist()


def _most_similar(vectors: Any, compared: int) -> list[list[int]]:
    """The rows most similar to each of the last `compared` rows, newest first among equals."""
    first = vectors.shape[0] - compared
    # Rounded, so that equal similarities are equal on every machine.
    similarities = np.round((vectors[first:] @ vectors.T).toarray(), 6)
    similarities[np.arange(compared), first + np.arange(compared)] = 0
    found = []
    for row in similarities:
        similar = np.flatnonzero(row >= LEAST_SIMILARITY)
        order = np.lexsort((-similar, -row[similar]))
        found.append(similar[order][:MOST].tolist())
    return found
