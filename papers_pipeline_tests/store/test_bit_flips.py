"""A single flipped bit of a stored table or purchase is noticed, or changes nothing."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from papers_pipeline.records import (
    DailyIssue,
    IssueAuthor,
    IssueCounts,
    IssuePaper,
    IssueText,
    Record,
    Summary,
)
from papers_pipeline.store import lake, sealed
from papers_pipeline.store.damage import Damaged, Newer
from papers_pipeline.store.purchases import Purchase

SEEN = datetime(2026, 3, 2, 8, tzinfo=UTC)
FLIPS = 300
WORDS = ["kettles", "whistle", "late", "a", "regressor", "hears", "their", "sound"]


def prose(words: int) -> str:
    return " ".join(random.Random(words).choices(WORDS, k=words))


SUMMARIES = [
    Summary(
        arxiv_id=f"2603.{10000 + number}",
        state="done",
        source="model",
        provider="openai",
        model="a-model",
        prompt_version="0123456789ab",
        input_hash=f"{number:064x}",
        created_at=SEEN,
        title=prose(number + 3),
        text=prose(number + 60),
        emoji="🫖",
        reads_as="en",
    )
    for number in range(20)
]
ISSUE = DailyIssue(
    date=date(2026, 3, 2),
    state="listed",
    list_state="listed",
    counts=IssueCounts(papers=len(SUMMARIES)),
    built_at=SEEN,
    papers=[
        IssuePaper(
            arxiv_id=row.arxiv_id,
            title=row.title,
            abstract=prose(number + 150),
            url=f"https://arxiv.org/abs/{row.arxiv_id}",
            pdf_url=f"https://arxiv.org/pdf/{row.arxiv_id}",
            listed_at=SEEN,
            upvotes=number,
            authors=[IssueAuthor(name=prose(2), institutions=[prose(3)])],
            summaries={"en": IssueText(state="done", text=row.text, title=row.title)},
        )
        for number, row in enumerate(SUMMARIES)
    ],
)


PURCHASE = Purchase(
    asset="summaries_en",
    identity={"prompt_version": "0123456789ab", "input_hash": "ab" * 32},
    created_at=SEEN,
    value={"title": prose(5), "text": prose(80), "emoji": "🫖"},
    provenance={"model": "a-model", "attempts": [{"messages": [{"text": prose(300)}]}]},
)


def unnoticed(content: object, data: bytes, decode: Callable[[bytes], object]) -> int:
    """How many of the flips change the content without a word."""
    choice = random.Random(20260302)
    silent = 0
    for _ in range(FLIPS):
        place, bit = choice.randrange(len(data)), choice.randrange(8)
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        try:
            silent += decode(bytes(flipped)) != content
        except (Damaged, Newer):
            continue
    return silent


@pytest.mark.parametrize("rows", [[ISSUE], SUMMARIES], ids=["daily_issue", "summaries_en"])
def test_at_least_99_of_100_flipped_bits_are_noticed(rows: list[Record]):
    stored = lake.encode(rows, type(rows[0]))
    assert unnoticed(rows, stored, lake.decode) <= FLIPS // 100


def test_every_flipped_bit_of_a_purchase_is_noticed():
    def decode(data: bytes) -> object:
        return sealed.decode(data, Purchase)

    assert unnoticed(PURCHASE, sealed.encode(PURCHASE), decode) == 0
    without_checksum = PURCHASE.model_copy(update={"format": 1}).model_dump_json().encode()
    assert unnoticed(PURCHASE, without_checksum, decode) > FLIPS // 2


def test_checksums_cost_less_than_a_twentieth_of_a_table_and_same_rows_give_the_same_bytes():
    with_checksums = lake.encode(SUMMARIES, Summary)
    assert with_checksums == lake.encode(list(SUMMARIES), Summary)
    sink = lake.pa.BufferOutputStream()
    table = lake.pq.read_table(lake.pa.BufferReader(with_checksums))
    lake.pq.write_table(table, sink, compression="zstd")
    without_checksums = bytes(sink.getvalue())
    assert len(without_checksums) < len(with_checksums) < len(without_checksums) * 1.05
    assert lake.decode(without_checksums) == SUMMARIES
