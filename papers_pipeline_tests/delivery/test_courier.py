"""When a day goes out, and what is done if nobody knows what went out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from papers_pipeline.delivery.apprise import Chats
from papers_pipeline.delivery.courier import Policy, Report
from papers_pipeline.delivery.digest import digest_of
from papers_pipeline.delivery.email import Email, mail_server
from papers_pipeline.delivery.telegram import Telegram
from papers_pipeline.records import DailyIssue, IssueText
from papers_pipeline.sandbox.mail import mail_running
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import Fault, World
from papers_pipeline_tests.helpers.delivering import SITE, Desk
from papers_pipeline_tests.helpers.pages import DAY, LOCALES, every_case, issue, paper, written

PENDING = IssueText(state="pending", reason="budget")


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[Desk]:
    """A desk that sends letters in English to one reader."""
    world = World()
    (tmp_path / "en.txt").write_text("ada@example.net\n")
    with mail_running(world) as url:
        desk = Desk(tmp_path, None, world)
        lists = {"en": tmp_path / "en.txt"}
        desk.channel = Email(partial(mail_server, url), lists, None, desk.clock)
        yield desk


@pytest.fixture
def posts(tmp_path: Path) -> Iterator[Desk]:
    """A desk that posts in English to one chat."""
    world = World()
    with running(world) as url:
        yield Desk(tmp_path, Telegram(url, "1:s3cret", {"en": "@papers"}), world)


@pytest.fixture
def chats(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose posts apprise takes to the mail server."""
    world = World()
    with mail_running(world) as url:
        yield Desk(tmp_path, Chats({"en": [url, f"{url}&name=two"]}), world)


def waits(report: Report) -> str:
    assert (report.sent, report.edited) == (0, 0)
    return report.waits["en"]


def at(desk: Desk, text: str) -> None:
    desk.clock.moment = datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_letter_waits_until_the_day_is_over_and_a_post_does_not(letters: Desk, posts: Desk):
    at(letters, "2025-02-06T23:00")
    at(posts, "2025-02-06T01:00")
    day = issue(paper(), state="open")
    assert waits(letters.deliver(day)) == (
        "the day is open, and it is before PAPERS_DELIVER_HOUR=24"
    )
    assert posts.deliver(day).sent == 1


def test_a_letter_may_go_out_from_a_set_hour_on(letters: Desk):
    letters.policy = Policy(hour=18)
    day = issue(paper(), state="open")
    at(letters, "2025-02-06T17:59")
    assert waits(letters.deliver(day))
    at(letters, "2025-02-06T18:00")
    assert letters.deliver(day).sent == 1


def test_after_its_hour_a_day_goes_out_whatever_the_time_of_the_next_day(letters: Desk):
    letters.policy = Policy(hour=18)
    at(letters, "2025-02-07T03:00")
    assert letters.deliver(issue(paper(), state="open")).sent == 1


@pytest.mark.parametrize(("now", "sent"), [("2025-02-09T23:00", 1), ("2025-02-10T00:00", 0)])
def test_a_backfill_of_old_days_sends_nothing(letters: Desk, posts: Desk, now: str, sent: int):
    for desk in (letters, posts):
        at(desk, now)
        assert desk.deliver(issue(paper())).sent == sent
        assert desk.deliver(issue(paper()), again=True).sent == sent


def test_an_old_post_is_edited_no_more(posts: Desk):
    posts.deliver(issue(paper()))
    at(posts, "2025-02-10T00:00")
    assert waits(posts.deliver(issue(paper(), paper("2502.00002")))) == (
        "the day is more than PAPERS_DELIVER_DAYS=3 days ago"
    )


@pytest.mark.parametrize("state", ["shrunk", "stalled", "quiet"])
def test_a_list_that_is_not_in_order_sends_nothing(letters: Desk, posts: Desk, state: str):
    for desk in (letters, posts):
        assert waits(desk.deliver(issue(paper(), state=state))) == f"the list is {state}"


def test_a_letter_waits_for_four_of_five_texts(letters: Desk):
    full = [paper(f"2502.0000{number}") for number in range(1, 5)]
    lacking = [paper(f"2502.0001{number}", summaries={"en": PENDING}) for number in range(2)]
    assert waits(letters.deliver(issue(*full, *lacking))) == "only 4 of 6 papers have a text"
    assert letters.deliver(issue(*full, *lacking[:1])).sent == 1
    assert letters.rows[0].state == "sent"


def test_a_language_without_texts_sends_nothing(posts: Desk):
    day = issue(paper(summaries={"en": PENDING}))
    assert waits(posts.deliver(day)) == "no paper has a text in this language"


def test_a_digest_has_what_a_reader_of_the_day_needs():
    """Not the papers that moved, were withdrawn, or have no text."""
    digest = digest_of(every_case(), LOCALES["en"], SITE)
    shown = [(entry.url.rpartition("/")[2], entry.title, entry.sentence) for entry in digest.papers]
    text = "The authors show how a bridge of sensors foresees gusts."
    slogan = "Bridges learn to count the wind"
    assert shown == [
        ("2502.00001.html", slogan, text),
        ("2502.00003.html", "Sensor Bridges Foresee Gusts", "A short AI text."),
        ("2502.00007.html", slogan, text),
        ("2502.00009.html", slogan, text),
    ]
    assert digest.listed == 7


def test_without_an_address_links_lead_to_arxiv():
    digest = digest_of(issue(paper()), LOCALES["en"], None)
    assert (digest.url, digest.papers[0].url) == (None, "https://arxiv.org/abs/2502.00001")


def test_a_digest_reads_formulas_as_text():
    text = written("en").model_copy(
        update={"title": "At $O(n^2)$ cost", "text": "It takes $\\alpha$ steps. And more."}
    )
    (entry,) = digest_of(issue(paper(summaries={"en": text})), LOCALES["en"], SITE).papers
    assert (entry.title, entry.sentence) == ("At O(n²) cost", "It takes α steps.")


@pytest.mark.parametrize("kind", ["letters", "posts"])
def test_a_damaged_table_makes_its_messages_doubtful(kind: str, request: pytest.FixtureRequest):
    desk: Desk = request.getfixturevalue(kind)
    desk.deliver(issue(paper()))
    received = len(desk.posts) + len(desk.letters)
    desk.lake.path(f"delivery_{desk.channel.name}", str(DAY)).write_bytes(b"PAR1 no more")
    for _ in range(2):
        report = desk.deliver(issue(paper()))
        assert (report.sent, len(report.doubts)) == (0, 1)
        assert "the table that knew is damaged" in report.doubts[0]
    assert len(desk.posts) + len(desk.letters) == received == 1


def test_a_damaged_table_makes_the_messages_of_all_languages_doubtful(posts: Desk):
    posts.channel = Telegram(posts.channel.endpoint, "1:s3cret", {"en": "@papers", "ru": "@ru"})
    posts.deliver(issue(paper()))
    posts.lake.path("delivery_telegram", str(DAY)).write_bytes(b"PAR1 no more")
    assert len(posts.deliver(issue(paper()), languages=["en"]).doubts) == 1
    assert len(posts.deliver(issue(paper())).doubts) == 2
    assert len(posts.posts) == 2


def test_a_chat_gets_the_first_papers_once(chats: Desk):
    papers = [paper(f"2502.0000{number}", upvotes=9 - number) for number in range(1, 8)]
    assert chats.deliver(issue(*papers)).sent == 2
    assert chats.deliver(issue(*papers, paper())).unchanged == 2
    (letter, _) = chats.letters
    assert letter["Subject"] == "Papers of the Day · Thursday, February 6, 2025"
    text = letter.get_body(("plain", "html")).get_content()
    assert text.count("Bridges learn to count the wind · ") == 5
    assert "· 8 upvotes" in text
    assert f"2 more papers: {SITE}/en/d/2025-02-06.html" in text


def test_a_chat_that_does_not_accept_is_in_doubt(chats: Desk):
    chats.world.faults = [Fault("RCPT", 550, times=1)]
    report = chats.deliver(issue(paper()))
    assert (report.sent, len(report.doubts)) == (1, 1)
    assert "did not accept the post" in report.doubts[0]
    assert "127.0.0.1" not in report.doubts[0]
    assert chats.deliver(issue(paper())).sent == 0


def test_languages_and_messages_can_be_chosen(letters: Desk):
    letters.channel.lists["ru"] = letters.channel.lists["en"]
    day: DailyIssue = issue(paper())
    assert letters.deliver(day, languages=["ru"]).sent == 1
    assert letters.deliver(day, only=["no such message"]).sent == 0
    assert letters.deliver(day).sent == 1
    assert [str(letter["Content-Language"]) for letter in letters.letters] == ["ru", "en"]
