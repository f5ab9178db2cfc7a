"""The data files of all months in a folder, laid out as a dataset of the Hugging Face Hub.

https://huggingface.co/docs/hub/datasets-manual-configuration
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from upath import UPath

from papers_pipeline.issue.export import LICENSE, exported, json_lines, parquet
from papers_pipeline.records import DailyIssue
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake

CARD = f"""---
license: {LICENSE.lower()}
language: [{{languages}}]
pretty_name: Digest of Hugging Face Daily Papers
task_categories: [summarization]
configs:
- config_name: default
  data_files: "data/*.parquet"
---

# Digest of Hugging Face Daily Papers

One file a month, one row a paper: its days in the list, votes, topics, institutions, and a summary
in each language, with the model and the version of the prompt that wrote it. `json/` has the same
rows as JSON Lines.

Summaries are written by language models, which make mistakes. Titles, authors and dates are arXiv's
metadata (CC0), votes are those of Hugging Face. Abstracts and figures are not part of the data.

| months | papers |
|---|---|
| {{first}} to {{last}} | {{papers:,}} |
"""


@dataclass(frozen=True)
class Exported:
    """What `write_dataset` did: how many files there are, how many of them changed, and rows."""

    files: int
    changed: int
    papers: int


def write_dataset(lake: Lake, folder: UPath) -> Exported:
    """Write a Parquet and a JSON Lines file for each month of stored days, and the dataset's card.

    Only files whose content differs are written. A month without papers has no file.
    """
    changed = papers = 0
    months: list[str] = []
    languages: set[str] = set()
    for month, issues in _months(lake):
        rows = exported(issues)
        if not rows:
            continue
        months.append(month)
        papers += len(rows)
        languages |= {text.language for row in rows for text in row.texts}
        changed += storage.write(folder / "data" / f"{month}.parquet", parquet(rows))
        changed += storage.write(folder / "json" / f"{month}.jsonl", json_lines(rows))
    if not months:
        return Exported(0, 0, 0)
    card = CARD.format(
        languages=", ".join(sorted(languages)), first=months[0], last=months[-1], papers=papers
    )
    changed += storage.write(folder / "README.md", card.encode())
    return Exported(2 * len(months) + 1, changed, papers)


def _months(lake: Lake) -> Iterator[tuple[str, list[DailyIssue]]]:
    """The stored issues of each month, in order. A day that cannot be read is left out."""
    for month, days in groupby(lake.partitions("daily_issue"), key=lambda day: day[:7]):
        issues: list[DailyIssue] = []
        for day in days:
            issues += lake.read("daily_issue", day, DailyIssue) or ()
        yield month, issues
