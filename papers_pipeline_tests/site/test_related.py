"""Related papers have similar words, are never from later days, and appear once."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from upath import UPath

from papers_pipeline.records import Paper, RelatedPapers
from papers_pipeline.site.related import MOST, STRONGEST, relations
from papers_pipeline.store.files import write
from papers_pipeline.store.lake import Lake, encode

ONE, TWO, THREE = (date(2026, 3, number) for number in (2, 3, 4))
WIND = "Sensors on bridges predict gusts of wind with a recurrent forecaster"
CARDS = "A poker agent bluffs against opponents by counterfactual regret"


def paper(arxiv_id: str, title: str, abstract: str = "") -> Paper:
    return Paper(
        arxiv_id=arxiv_id,
        title=title,
        abstract=abstract,
        authors=[],
        first_seen_at=datetime.now(UTC),
    )


def built(lake: Lake, day: date, *papers: Paper) -> list[RelatedPapers]:
    """Compute and store the rows of a day, as its run does."""
    rows = relations(day, papers, lake)
    write(lake.path("related_papers", day.isoformat()), encode(rows, RelatedPapers))
    return rows


def named(rows: list[RelatedPapers]) -> list[list[tuple[str, date]]]:
    return [[(paper.arxiv_id, paper.day) for paper in row.related] for row in rows]


def test_papers_with_the_same_words_are_found_in_earlier_days_and_in_the_same(tmp_path: Path):
    lake = Lake(UPath(tmp_path))
    assert named(built(lake, ONE, paper("2603.00001", WIND), paper("2603.00002", CARDS))) == [
        [],
        [],
    ]
    rows = built(
        lake, TWO, paper("2603.00003", f"{WIND} again"), paper("2603.00004", f"{WIND} and {CARDS}")
    )
    assert named(rows)[0] == [("2603.00001", ONE), ("2603.00004", TWO)]
    assert sorted(named(rows)[1]) == [("2603.00001", ONE), ("2603.00002", ONE), ("2603.00003", TWO)]
    assert rows[0].related[0].title == WIND


def test_a_day_finds_the_papers_of_an_earlier_day_that_is_still_being_built(tmp_path: Path):
    in_order, side_by_side = Lake(UPath(tmp_path / "a")), Lake(UPath(tmp_path / "b"))
    earlier = [paper("2603.00001", WIND), paper("2603.00002", CARDS)]
    later = [paper("2603.00003", f"{WIND} again"), paper("2603.00004", CARDS)]
    built(in_order, ONE, *earlier)
    write(side_by_side.path("feed_listing", str(ONE)), encode(earlier, Paper))
    rows = built(side_by_side, TWO, *later)
    assert rows == built(in_order, TWO, *later)
    assert named(rows)[0] == [("2603.00001", ONE)]
    built(side_by_side, ONE, *earlier)
    assert relations(TWO, later, side_by_side) == rows


def test_rows_stay_if_nothing_that_was_compared_changed(tmp_path: Path, monkeypatch):
    lake = Lake(UPath(tmp_path))
    built(lake, ONE, paper("2603.00001", WIND))
    rows = built(lake, TWO, paper("2603.00003", WIND))

    def compare(*_: object) -> None:
        raise AssertionError("compared again")

    monkeypatch.setattr("papers_pipeline.site.related._words", compare)
    assert relations(TWO, [paper("2603.00003", WIND)], lake, rows) == rows
    with pytest.raises(AssertionError, match="compared again"):
        relations(TWO, [paper("2603.00003", f"{WIND} again")], lake, rows)
    monkeypatch.undo()
    built(lake, ONE, paper("2603.00001", CARDS))
    assert named(relations(TWO, [paper("2603.00003", WIND)], lake, rows)) == [[]]


def test_later_days_change_nothing(tmp_path: Path):
    lake = Lake(UPath(tmp_path))
    built(lake, ONE, paper("2603.00001", WIND))
    before = built(lake, TWO, paper("2603.00003", WIND), paper("2603.00004", CARDS))
    built(lake, THREE, paper("2603.00005", WIND), paper("2603.00006", CARDS))
    assert built(lake, TWO, paper("2603.00003", WIND), paper("2603.00004", CARDS)) == before


def test_a_paper_that_two_days_list_is_named_once_and_is_no_relation_of_its_own(tmp_path: Path):
    lake = Lake(UPath(tmp_path))
    built(lake, ONE, paper("2603.00001", WIND))
    assert named(built(lake, TWO, paper("2603.00001", WIND))) == [[]]
    assert named(built(lake, THREE, paper("2603.00002", WIND))) == [[("2603.00001", TWO)]]


def test_of_many_the_newest_five_of_equals_are_kept(tmp_path: Path):
    lake = Lake(UPath(tmp_path))
    built(lake, ONE, *(paper(f"2603.{number:05}", WIND) for number in range(1, 9)))
    (row,) = built(lake, TWO, paper("2603.00010", WIND))
    assert [paper.arxiv_id for paper in row.related] == [
        f"2603.{number:05}" for number in range(8, 3, -1)
    ]
    assert len(row.related) == MOST


def test_a_paper_without_words_and_a_day_without_papers_have_none(tmp_path: Path):
    lake = Lake(UPath(tmp_path))
    built(lake, ONE, paper("2603.00001", WIND))
    (row,) = built(lake, TWO, paper("2603.00002", "! ?"))
    assert (row.terms, row.counts, row.related) == ([], [], [])
    assert built(lake, THREE) == []


def test_a_row_has_the_words_as_numbers_and_how_often(tmp_path: Path):
    (row,) = relations(ONE, [paper("2603.00001", "Wind", "Wind the bridge")], Lake(UPath(tmp_path)))
    assert sorted(row.counts) == [1, 3]  # the title counts twice, and "the" is a stop word
    assert row.terms == sorted(set(row.terms))


def test_the_words_that_tell_a_paper_apart_come_first_with_their_weights(tmp_path: Path):
    lake = Lake(UPath(tmp_path))
    built(lake, ONE, *(paper(f"2603.{number:05}", "Wind wind model") for number in range(9)))
    rows = built(lake, TWO, paper("2603.00010", "Gusts model"), paper("2603.00011", "! ?"))
    (common,) = set(rows[0].terms) & set(built(lake, ONE, paper("2603.00000", "Model"))[0].terms)
    assert rows[0].strongest[1:] == [common]
    assert rows[0].weights[0] > rows[0].weights[1]
    assert (rows[1].strongest, rows[1].weights) == ([], [])


def test_only_the_strongest_words_are_kept(tmp_path: Path):
    words = " ".join(f"word{number}" for number in range(40))
    (row,) = relations(ONE, [paper("2603.00001", "Wind", words)], Lake(UPath(tmp_path)))
    assert len(row.strongest) == len(row.weights) == STRONGEST
    assert row.weights == sorted(row.weights, reverse=True)
