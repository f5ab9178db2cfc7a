"""Feeds are valid, keep a paper's id for ever, and show papers that have a text."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import pytest

from papers_pipeline.records import IssueAuthor, IssueText, IssueTopics
from papers_pipeline.site.parts.feeds import NEWEST
from papers_pipeline_tests.helpers.pages import HOSTILE, LANGUAGES, LOCALES, written
from papers_pipeline_tests.site.index_site import URL, IndexSite, everywhere, on

ATOM = "{http://www.w3.org/2005/Atom}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DAY = date(2026, 3, 2)
LATER = datetime(2026, 3, 9, 12, tzinfo=UTC)
Element = ElementTree.Element


def one(parent: Element, tag: str) -> Element:
    (found,) = parent.findall(ATOM + tag)
    return found


def valid_atom(text: str) -> Element:
    """Parse a feed and check sections 4.1 and 4.2 of https://www.rfc-editor.org/rfc/rfc4287."""
    feed = ElementTree.fromstring(text)
    assert feed.tag == ATOM + "feed"
    addresses = [
        link.get("href") for link in feed.findall(ATOM + "link") if link.get("rel") == "self"
    ]
    assert len(addresses) == 1
    entries = feed.findall(ATOM + "entry")
    assert list(feed)[len(feed) - len(entries) :] == entries
    for element in (feed, *entries):
        assert one(element, "id").text.startswith("https://")
        assert one(element, "title").text.strip()
        assert TIME.fullmatch(one(element, "updated").text)
        alternates = [
            link
            for link in element.findall(ATOM + "link")
            if link.get("rel", "alternate") == "alternate"
        ]
        assert len(alternates) == 1
        for link in element.findall(ATOM + "link"):
            assert link.get("href").startswith("https://")
        for person in element.findall(ATOM + "author"):
            assert one(person, "name").text.strip()
        for category in element.findall(ATOM + "category"):
            assert category.get("term")
    assert feed.findall(ATOM + "author") or all(entry.findall(ATOM + "author") for entry in entries)
    for entry in entries:
        assert TIME.fullmatch(one(entry, "published").text)
        (body,) = entry.findall(ATOM + "content") + entry.findall(ATOM + "summary")
        assert len(body) == 0
        assert body.text.strip()
        assert body.get("type") == ("html" if body.tag == ATOM + "content" else None)
    ids = [one(entry, "id").text for entry in entries]
    assert len(ids) == len(set(ids))
    return feed


def valid_json_feed(text: str) -> dict:
    """Parse a feed and check what https://www.jsonfeed.org/version/1.1/ requires, with types."""
    feed = json.loads(text)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert all(
        isinstance(feed[key], str) for key in ("title", "home_page_url", "feed_url", "language")
    )
    for item in feed["items"]:
        assert all(isinstance(item[key], str) for key in ("id", "url", "external_url", "title"))
        (body,) = item.keys() & {"content_html", "content_text"}
        assert item[body].strip()
        assert ("authors" in item) == (body == "content_html")
        assert all(TIME.fullmatch(item[key]) for key in ("date_published", "date_modified"))
        assert all(author["name"] for author in item.get("authors", []))
        assert all(isinstance(tag, str) for tag in item["tags"])
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"])
    return feed


def ids(site: IndexSite, path: str) -> list[str]:
    return [one(entry, "id").text for entry in valid_atom(site.read(path)).findall(ATOM + "entry")]


def content(text: str) -> str:
    """The text of an entry's HTML, which must be well formed."""
    return "".join(html5lib.HTMLParser(strict=True).parseFragment(text).itertext())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_entry_is_the_text_of_its_language(lang, tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    site.write({DAY: [on(DAY, "2603.00001")]})
    feed = valid_atom(site.read(f"{lang}/feed.xml"))
    assert feed.get(LANG) == LOCALES[lang].html
    assert {
        link.get("rel", "alternate"): link.get("href") for link in feed.findall(ATOM + "link")
    } == {
        "self": f"{URL}/{lang}/feed.xml",
        "alternate": f"{URL}/{lang}/index.html",
    }
    entry = one(feed, "entry")
    assert one(entry, "id").text == f"https://arxiv.org/abs/2603.00001#{lang}"
    assert one(entry, "title").text == written(lang).title
    assert [link.get("href") for link in entry.findall(ATOM + "link")] == [
        f"{URL}/{lang}/p/2603.00001.html"
    ]
    assert one(entry, "published").text == one(entry, "updated").text == "2026-03-02T08:00:00+00:00"
    assert [one(author, "name").text for author in entry.findall(ATOM + "author")] == [
        "Ada Example",
        "Bo Sample",
    ]
    assert [
        (category.get("term"), category.get("label"))
        for category in entry.findall(ATOM + "category")
    ] == [(name, LOCALES[lang].topic(name)) for name in ("rl", "small_models")]
    words = content(one(entry, "content").text)
    for said in (
        written(lang).text,
        "Sensor Bridges Foresee Gusts",
        "Institute of Invented Bridges",
        "windy-1",
    ):
        assert said in words

    same = valid_json_feed(site.read(f"{lang}/feed.json"))
    (item,) = same["items"]
    assert (same["language"], item["id"], item["content_html"]) == (
        LOCALES[lang].html,
        one(entry, "id").text,
        one(entry, "content").text,
    )
    assert item["tags"] == [LOCALES[lang].topic(name) for name in ("rl", "small_models")]


def test_a_corrected_text_changes_its_entry_and_never_its_id(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    first = on(DAY, "2603.00001")
    site.write({DAY: [first]})
    before = site.read("ru/feed.xml")
    better = written("ru").model_copy(update={"text": "Лучше.", "created_at": LATER})
    made = site.write(
        {DAY: [first.model_copy(update={"summaries": first.summaries | {"ru": better}})]}
    )
    assert {path for path in made if "feed" in path or path.endswith(".xml")} == {
        *("ru/feed.xml", "ru/feed.json", "ru/t/rl.xml", "ru/t/small_models.xml", "sitemap.xml"),
        "ru/i/institute-of-invented-bridges.xml",
    }
    old, new = (one(valid_atom(text), "entry") for text in (before, site.read("ru/feed.xml")))
    assert one(old, "id").text == one(new, "id").text
    assert one(old, "published").text == one(new, "published").text
    assert one(new, "updated").text == "2026-03-09T12:00:00+00:00"
    assert "Лучше." in content(one(new, "content").text)


@pytest.mark.parametrize(
    "changed",
    [
        {"authors": [IssueAuthor(name="Another Author")]},
        {"institutions_source": "hf_organization"},
        {"topics": IssueTopics(names=["rl"], source="keywords")},
        {
            "summaries": {
                "en": IssueText(
                    state="pending", reason="not_built", source="abstract", text="The abstract."
                )
            }
        },
    ],
)
def test_whatever_an_entry_shows_makes_its_feed_again(changed, tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    first = on(DAY, "2603.00001")
    site.write({DAY: [first]})
    paper = first.model_copy(update=changed)
    assert "en/feed.xml" in site.write({DAY: [paper]})
    fresh = IndexSite(tmp_path / "fresh", URL)
    fresh.write({DAY: [paper]})
    assert site.read("en/feed.xml") == fresh.read("en/feed.xml")


def test_a_vote_and_a_page_that_moves_leave_feeds_and_ids_alone(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    papers = [on(DAY, f"2603.{number:05}", upvotes=number) for number in range(4)]
    site.write({DAY: papers})
    before = ids(site, "en/feed.xml")
    voted = [paper.model_copy(update={"upvotes": 100 - paper.upvotes}) for paper in papers]
    assert not {
        path for path in site.write({DAY: voted}) if "feed" in path or path.endswith(".xml")
    }
    elsewhere = IndexSite(tmp_path / "moved", "https://elsewhere.example")
    elsewhere.write({DAY: papers})
    assert ids(elsewhere, "en/feed.xml") == before


def test_a_paper_comes_when_it_has_a_text_in_the_language(tmp_path: Path):
    pending = IssueText(state="pending", reason="no_provider")
    standin = IssueText(
        state="pending",
        reason="no_provider",
        source="hf_ai_summary",
        text="Short.",
        model="hf-mini",
    )
    site = IndexSite(tmp_path, URL)
    site.write(
        {DAY: [on(DAY, "2603.00001", summaries={"ru": pending, "zh": pending, "en": standin})]}
    )
    assert [len(ids(site, f"{lang}/feed.xml")) for lang in LANGUAGES] == [0, 1, 0]
    entry = one(valid_atom(site.read("en/feed.xml")), "entry")
    assert one(entry, "title").text == "Sensor Bridges Foresee Gusts"
    words = content(one(entry, "content").text)
    assert "Short." in words
    assert LOCALES["en"].text("pending.no_provider") in words

    site.write({DAY: [on(DAY, "2603.00001")]})
    assert [len(ids(site, f"{lang}/feed.xml")) for lang in LANGUAGES] == [1, 1, 1]


def test_a_feed_holds_the_newest_by_their_time_of_listing(tmp_path: Path):
    days = {
        day: [
            on(
                day,
                f"{day:%y%m}.{day.day}{number:03}",
                listed_at=datetime(2026, 3, day.day, number % 24, tzinfo=UTC),
            )
            for number in range(40)
        ]
        for day in (DAY, DAY + timedelta(days=1))
    }
    site = IndexSite(tmp_path, URL)
    site.write(days)
    papers = sorted(
        (paper for of_day in days.values() for paper in of_day),
        key=lambda paper: (paper.listed_at, paper.arxiv_id),
    )
    newest = [f"https://arxiv.org/abs/{paper.arxiv_id}#en" for paper in reversed(papers)][:NEWEST]
    assert ids(site, "en/feed.xml") == newest
    assert [item["id"] for item in valid_json_feed(site.read("en/feed.json"))["items"]] == newest


def test_a_withdrawn_paper_is_in_no_feed(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    site.write(
        {DAY: [on(DAY, "2603.00001", status="withdrawn"), on(DAY, "2603.00002", status="gone")]}
    )
    assert ids(site, "en/feed.xml") == ["https://arxiv.org/abs/2603.00002#en"]


def test_a_topic_has_a_feed_of_its_papers(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    topics = IssueTopics(names=["cv"], source="model")
    site.write({DAY: [on(DAY, "2603.00001", topics=topics), on(DAY, "2603.00002")]})
    assert ids(site, "zh/t/cv.xml") == ["https://arxiv.org/abs/2603.00001#zh"]
    assert (
        one(valid_atom(site.read("en/t/cv.xml")), "title").text
        == "Computer vision · Papers of the Day"
    )
    assert {path for path in site.files if path.endswith(".xml") and "/t/" in path} == everywhere(
        "t/cv.xml", "t/rl.xml", "t/small_models.xml"
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_institution_and_an_author_have_feeds_of_their_papers(lang, tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    elsewhere = on(DAY, "2603.00003", institutions=["ETH Zürich"], authors=[])
    site.write({DAY: [on(DAY, "2603.00001"), on(DAY, "2603.00002"), elsewhere]})
    both = [f"https://arxiv.org/abs/2603.0000{number}#{lang}" for number in (2, 1)]
    for stem, name in (
        ("i/institute-of-invented-bridges", "Institute of Invented Bridges"),
        ("a/ada-example", "Ada Example"),
    ):
        assert ids(site, f"{lang}/{stem}.xml") == both
        feed = valid_json_feed(site.read(f"{lang}/{stem}.json"))
        assert [item["id"] for item in feed["items"]] == both
        assert feed["title"] == f"{name} · {LOCALES[lang].text('site.name')}"
        assert feed["feed_url"] == f"{URL}/{lang}/{stem}.json"
        assert feed["home_page_url"] == f"{URL}/{lang}/{stem}.html"
        entries = valid_atom(site.read(f"{lang}/{stem}.xml")).findall(ATOM + "entry")
        summaries = [one(entry, "summary").text for entry in entries]
        assert summaries == [item["content_text"] for item in feed["items"]]
        assert summaries == ["Sensor Bridges Foresee Gusts"] * 2
    assert ids(site, f"{lang}/i/eth-zurich.xml") == [f"https://arxiv.org/abs/2603.00003#{lang}"]


def test_feeds_are_valid_whatever_a_list_holds(tmp_path: Path):
    evil = HOSTILE + "\x00\x0b\x1f\ufffe ]]>"
    text = IssueText(state="done", source="model", title=evil, text=evil, model=evil)
    hostile = on(
        DAY,
        "2603.00001",
        title=evil,
        institutions=[evil],
        authors=[{"name": evil}, {"name": "\x00"}, {"name": "Ada Example"}],
        summaries=dict.fromkeys(LANGUAGES, text),
    )
    again = hostile.model_copy(update={"arxiv_id": "2603.00003"})
    bare = on(DAY, "2603.00002", authors=[], institutions=[], topics=IssueTopics(), emoji=None)
    site = IndexSite(tmp_path, URL)
    site.write({DAY: [hostile, bare, again]})
    kinds = set()
    for path in site.files:
        if path.endswith(".xml") and path != "sitemap.xml":
            valid_atom(site.read(path))
            kinds.add(path.split("/")[1])
        elif path.endswith(".json"):
            valid_json_feed(site.read(path))
    assert kinds == {"feed.xml", "t", "i", "a"}
    feed = valid_json_feed(site.read("en/feed.json"))
    name = HOSTILE + " ]]>"
    assert [item["authors"] for item in feed["items"]] == [
        [{"name": name}, {"name": "Ada Example"}],
        [],
        [{"name": name}, {"name": "Ada Example"}],
    ]
    shown = html5lib.parseFragment(feed["items"][0]["content_html"])
    assert [
        element.tag for element in shown.iter() if element.tag.endswith(("script", "img"))
    ] == []


def test_feeds_exist_only_where_the_site_has_an_address(tmp_path: Path):
    site = IndexSite(tmp_path)
    site.write({DAY: [on(DAY, "2603.00001")]})
    assert [
        path for path in site.files if path.endswith(".xml") or path.endswith("feed.json")
    ] == []


def test_an_empty_feed_is_valid(tmp_path: Path):
    site = IndexSite(tmp_path, URL)
    site.write({})
    for lang in LANGUAGES:
        assert ids(site, f"{lang}/feed.xml") == []
        assert valid_json_feed(site.read(f"{lang}/feed.json"))["items"] == []
