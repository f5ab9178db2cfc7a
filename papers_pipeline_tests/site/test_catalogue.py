"""The catalogue has every paper once, and pages are made again only if their data changed."""

import gc
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from papers_pipeline.records import IssuePaper
from papers_pipeline.site import catalogue
from papers_pipeline.site.catalogue import CACHE_FILE, Catalogue, digest, read_catalogue
from papers_pipeline.site.index import write_index_pages
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.slugs import slug
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.damage import NewerFormat
from papers_pipeline_tests.helpers.pages import LANGUAGES, LOCALES, lake_of, paper, renderer

DAYS = [date(2026, 3, number) for number in range(2, 5)]


def catalogue_of(tmp_path: Path, *days: tuple[date, list[IssuePaper]]) -> Catalogue:
    return read_catalogue(lake_of(tmp_path, *days))


def test_the_newest_day_comes_first_and_votes_decide_inside_it(tmp_path: Path):
    made = catalogue_of(
        tmp_path,
        (DAYS[0], [paper("2603.00001", upvotes=90)]),
        (
            DAYS[1],
            [
                paper("2603.00003", upvotes=5),
                paper("2603.00002", upvotes=5),
                paper("2603.00004", upvotes=8),
            ],
        ),
        (DAYS[2], []),
    )
    assert [card.arxiv_id for card in made.cards] == [
        "2603.00004",
        "2603.00002",
        "2603.00003",
        "2603.00001",
    ]
    assert [(day.date, day.papers) for day in made.days] == [
        (DAYS[0], 1),
        (DAYS[1], 3),
        (DAYS[2], 0),
    ]
    assert made.by_id["2603.00001"].slogans["ru"] == "Мосты учатся считать ветер"
    assert set(made.by_topic) == {"rl", "small_models"}
    assert made.institutions == {"institute-of-invented-bridges": "Institute of Invented Bridges"}
    assert len(made.by_institution["institute-of-invented-bridges"]) == 4


def test_a_paper_of_several_days_stands_at_the_latest_that_lists_it_with_its_most_votes(
    tmp_path: Path,
):
    made = catalogue_of(
        tmp_path,
        (
            DAYS[0],
            [
                paper("2603.00001", upvotes=9),
                paper("2603.00002", moved_to=DAYS[1], status="gone", upvotes=40),
            ],
        ),
        (DAYS[1], [paper("2603.00001", upvotes=7), paper("2603.00002", upvotes=3)]),
        (DAYS[2], [paper("2603.00001", upvotes=1, status="gone")]),
    )
    assert [(card.arxiv_id, card.day, card.upvotes) for card in made.cards] == [
        ("2603.00001", DAYS[1], 9),
        ("2603.00002", DAYS[1], 3),
    ]
    assert made.by_id["2603.00001"].days == DAYS
    assert made.by_id["2603.00002"].days == DAYS[:2]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bytes of all tables decoded since the list was last cleared."""
    tables: list[bytes] = []
    decode = catalogue.decode
    monkeypatch.setattr(
        catalogue, "decode", lambda data, *of: tables.append(data) or decode(data, *of)
    )
    return tables


def test_only_days_that_changed_are_decoded_again(tmp_path: Path, decoded: list[bytes]):
    days = [(day, [paper(f"2603.{number:05}")]) for number, day in enumerate(DAYS)]
    lake = lake_of(tmp_path, *days)
    first = read_catalogue(lake)
    kept = (lake.root / CACHE_FILE).read_bytes()
    assert len(decoded) == 3

    decoded.clear()
    again = read_catalogue(lake)
    assert decoded == []
    assert (again.cards, again.days) == (first.cards, first.days)
    assert [card.digest for card in again.cards] == [card.digest for card in first.cards]
    assert (lake.root / CACHE_FILE).read_bytes() == kept

    lake_of(tmp_path, (DAYS[1], [paper("2603.00001", upvotes=7)]))
    lake.path("daily_issue", str(DAYS[2])).unlink()
    after = read_catalogue(lake)
    assert len(decoded) == 1
    assert {card.arxiv_id: card.upvotes for card in after.cards} == {
        "2603.00000": 21,
        "2603.00001": 7,
    }

    decoded.clear()
    assert read_catalogue(lake).cards == after.cards
    assert decoded == []


@pytest.mark.parametrize("kept", [b"", b"no JSON", None])
def test_what_was_kept_by_another_release_or_is_damaged_is_read_anew(
    tmp_path: Path, decoded: list[bytes], kept: bytes | None
):
    lake = lake_of(tmp_path, (DAYS[0], [paper()]))
    cards = read_catalogue(lake).cards
    good = (lake.root / CACHE_FILE).read_bytes()
    storage.write(
        lake.root / CACHE_FILE,
        good.replace(b'"version":"', b'"version":"0') if kept is None else kept,
    )
    decoded.clear()
    assert read_catalogue(lake).cards == cards
    assert len(decoded) == 1
    assert (lake.root / CACHE_FILE).read_bytes() == good


def test_a_damaged_day_is_absent_and_the_others_stay(tmp_path: Path):
    lake = lake_of(tmp_path, (DAYS[0], [paper()]), (DAYS[1], [paper("2603.00009")]))
    lake.path("daily_issue", str(DAYS[0])).write_bytes(b"junk")
    assert [day.date for day in read_catalogue(lake).days] == [DAYS[1]]


def test_the_collector_works_again_after_an_index_that_failed(tmp_path: Path):
    lake = lake_of(tmp_path, (DAYS[0], [paper()]))
    newer = pa.table({"date": [DAYS[0]]}, metadata={"record": "DailyIssue", "format": "9"})
    pq.write_table(newer, lake.path("daily_issue", str(DAYS[0])).path)
    with pytest.raises(NewerFormat):
        write_index_pages(Site(UPath(tmp_path / "site"), renderer()), lake, {})
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)


def test_a_paper_that_moved_to_a_day_not_built_yet_stays_where_it_was(tmp_path: Path):
    moved = paper("2603.00001", moved_to=DAYS[2], status="gone")
    before = catalogue_of(tmp_path, (DAYS[0], [moved]), (DAYS[1], [moved]))
    assert [(card.day, card.days) for card in before.cards] == [(DAYS[1], DAYS[:2])]
    after = catalogue_of(tmp_path, (DAYS[2], [paper("2603.00001")]))
    assert [(card.day, card.days) for card in after.cards] == [(DAYS[2], DAYS)]


def test_a_rewritten_text_changes_the_digest_of_its_card(tmp_path: Path):
    before, same = (
        catalogue_of(tmp_path / name, (DAYS[0], [paper()])).cards[0] for name in ("a", "b")
    )
    text = (
        paper().summaries["ru"].model_copy(update={"created_at": datetime(2026, 3, 9, tzinfo=UTC)})
    )
    after = catalogue_of(
        tmp_path / "c", (DAYS[0], [paper(summaries=paper().summaries | {"ru": text})])
    ).cards[0]
    assert before.digest == same.digest != after.digest


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("École Polytechnique", "ecole-polytechnique"),
        ("MIT, CSAIL", "mit-csail"),
        ("mit  csail", "mit-csail"),
        ("AT&T Labs", "at-t-labs"),
        ("x" * 200, "x" * 80),
    ],
)
def test_slugs_are_plain_words(name: str, wanted: str):
    assert slug(name) == wanted


def test_names_that_ascii_cannot_tell_apart_are_told_by_a_hash():
    chinese = [slug(name) for name in ("清华大学", "北京大学", "清华大学 AI")]
    assert len(set(chinese)) == 3
    assert all(name.isalnum() and len(name) == 12 for name in chinese)


def test_pages_are_made_again_only_when_their_fingerprint_changes(tmp_path: Path):
    made: list[str] = []

    def page(path: str, content: str) -> Page:
        return Page(path, digest(content), lambda: made.append(path) or content.encode())

    site = Site(UPath(tmp_path / "site"), renderer())
    files, changed = site.write_pages([page("a.html", "1"), page("b.html", "1")], {})
    assert (made, changed) == (["a.html", "b.html"], 2)

    made.clear()
    before = {file.path: file for file in files}
    again, changed = site.write_pages([page("a.html", "1"), page("b.html", "2")], before)
    assert (made, changed) == (["b.html"], 1)
    assert again[0] == files[0]

    made.clear()
    (tmp_path / "site" / "b.html").write_bytes(b"of an earlier time")
    site.write_pages(
        [page("a.html", "1"), page("b.html", "2")], {file.path: file for file in again}
    )
    assert made == ["b.html"]

    made.clear()
    fewer = Site(site.root, Renderer(LANGUAGES[:1], LOCALES))
    fewer.write_pages([page("a.html", "1")], {file.path: file for file in again})
    assert made == ["a.html"]

    made.clear()
    (tmp_path / "site" / "a.html").unlink()
    before = {file.path: file for file in again}
    files, changed = site.write_pages([page("a.html", "1")], before)
    assert (made, changed) == (["a.html"], 2)
    assert [file.path for file in files] == ["a.html"]
    assert not (tmp_path / "site" / "b.html").exists()
