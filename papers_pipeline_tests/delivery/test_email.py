"""A letter goes to each address once, as text and HTML, and no title reaches its headers."""

from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import html5lib
import pytest

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.delivery import email
from papers_pipeline.delivery.email import Email, mail_server
from papers_pipeline.sandbox.mail import mail_running
from papers_pipeline.sandbox.world import Fault, World
from papers_pipeline_tests.helpers.delivering import SITE, Desk, Killed
from papers_pipeline_tests.helpers.pages import DAY, HOSTILE, issue, paper, shown_as, written


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = World()
    with mail_running(world) as url:
        desk = Desk(tmp_path, None, world)
        lists = {"en": tmp_path / "en.txt"}
        desk.channel = Email(partial(mail_server, url), lists, None, desk.clock)
        yield desk


def subscribe(desk: Desk, *lines: str) -> None:
    desk.channel.lists["en"].write_text("\n".join(lines), encoding="utf-8")


def recipients(desk: Desk) -> list[str]:
    return [address for letter in desk.world.letters for address in letter.recipients]


def test_a_letter_has_both_texts_and_the_headers_of_a_list(desk: Desk):
    subscribe(desk, "ada@example.net")
    assert desk.deliver(issue(paper(), paper("2502.00002", upvotes=1))).sent == 1
    (letter,) = desk.letters
    key = desk.rows[0].key
    headers = {name: str(value) for name, value in letter.items()}
    assert headers.pop("Content-Type").startswith("multipart/alternative; boundary=")
    assert headers == {
        "From": "Papers of the Day <papers@example.org>",
        "To": "ada@example.net",
        "Subject": "Bridges learn to count the wind · Papers of the Day",
        "Date": "Fri, 07 Feb 2025 05:00:00 +0000",
        "Message-ID": f"<2025-02-06.en.{key}@example.org>",
        "List-Id": "<en.papers.example.org>",
        "List-Unsubscribe": "<mailto:papers@example.org?subject=unsubscribe>",
        "Auto-Submitted": "auto-generated",
        "Content-Language": "en",
        "MIME-Version": "1.0",
    }
    assert text_of(letter) == (
        "Papers of the Day\nThursday, February 6, 2025 · 2 papers\n"
        f"{SITE}/en/d/2025-02-06.html\n\n"
        "🌉 Bridges learn to count the wind\n"
        "The authors show how a bridge of sensors foresees gusts.\n"
        f"21 upvotes · {SITE}/en/p/2502.00001.html\n\n"
        "🌉 Bridges learn to count the wind\n"
        "The authors show how a bridge of sensors foresees gusts.\n"
        f"1 upvote · {SITE}/en/p/2502.00002.html\n\n"
        "-- \nYou receive this letter because you subscribed to the digest.\n"
        "Unsubscribe: mailto:papers@example.org?subject=unsubscribe\n"
    )
    page = html_of(letter)
    links = [link.get("href") for link in page.iter("a")]
    assert links == [
        f"{SITE}/en/d/2025-02-06.html",
        f"{SITE}/en/p/2502.00001.html",
        f"{SITE}/en/p/2502.00002.html",
        "mailto:papers@example.org?subject=unsubscribe",
    ]


def text_of(letter: EmailMessage) -> str:
    return letter.get_body(("plain",)).get_content().replace("\r\n", "\n")


def html_of(letter: EmailMessage):
    html = letter.get_body(("html",)).get_content()
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


def test_each_address_gets_its_own_letter_once(desk: Desk):
    subscribe(desk, "# readers", "", "ada@example.net", " bo@example.net ", "Ada@example.net")
    assert desk.deliver(issue(paper())).sent == 2
    assert recipients(desk) == ["ada@example.net", "bo@example.net"]
    assert [str(letter["To"]) for letter in desk.letters] == ["ada@example.net", "bo@example.net"]
    report = desk.deliver(issue(paper(), paper("2502.00002")))
    assert (report.sent, report.edited, report.unchanged) == (0, 0, 2)
    subscribe(desk, "ada@example.net", "bo@example.net", "cy@example.net")
    assert desk.deliver(issue(paper())).sent == 1
    assert recipients(desk)[2:] == ["cy@example.net"]


def test_stored_rows_name_no_reader(desk: Desk):
    subscribe(desk, "ada@example.net")
    desk.deliver(issue(paper()))
    stored = desk.lake.path("delivery_email", str(DAY)).read_bytes()
    assert b"ada" not in stored


@pytest.mark.parametrize(
    "line", ["nobody", "two@example.net, three@example.net", "é@example.net", "<x@example.net>"]
)
def test_a_line_that_is_no_address_is_told_and_the_others_get_their_letters(desk: Desk, line: str):
    subscribe(desk, line, "ada@example.net")
    report = desk.deliver(issue(paper()))
    assert report.failures == [f"{desk.channel.lists['en']}, line 1: no mail address"]
    assert recipients(desk) == ["ada@example.net"]


def test_a_list_that_cannot_be_read_is_told(desk: Desk):
    (failure,) = desk.deliver(issue(paper())).failures
    assert "en.txt: the list cannot be read" in failure


def test_no_title_reaches_the_headers_or_the_markup(desk: Desk):
    subscribe(desk, "ada@example.net")
    title = f"Kettles\r\nBcc: everyone@example.net\r\n\r\n{HOSTILE} \N{RIGHT-TO-LEFT OVERRIDE}evil"
    text = written("en").model_copy(update={"title": title, "text": "</bdi><b>.\n.\nMAIL FROM:<x>"})
    assert desk.deliver(issue(paper(summaries={"en": text}))).sent == 1
    assert recipients(desk) == ["ada@example.net"]
    (letter,) = desk.letters
    assert letter["Bcc"] is None
    assert str(letter["Subject"]).startswith("Kettles Bcc: everyone@example.net <script>")
    page = html_of(letter)
    assert list(page.iter("script")) == list(page.iter("img")) == list(page.iter("b")) == []
    (heading,) = page.iter("h2")
    assert "<script>alert(1)</script>" in shown_as("".join(heading.itertext()))
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in letter.get_body(("html",)).get_content()


def test_letters_are_seven_bit_with_short_lines(desk: Desk):
    desk.channel.lists["ru"] = desk.channel.lists["en"]
    subscribe(desk, "ada@example.net")
    desk.deliver(issue(*(paper(f"2502.{10000 + number}") for number in range(60))))
    assert len(desk.letters) == 2
    for letter in desk.world.letters:
        letter.content.decode("ascii")
        assert max(map(len, letter.content.split(b"\r\n"))) <= 100


def test_the_address_for_unsubscribing_can_be_set(desk: Desk):
    subscribe(desk, "ada@example.net")
    server, lists = desk.channel.server, desk.channel.lists
    desk.channel = Email(server, lists, "https://lists.example.org/leave", desk.clock)
    desk.deliver(issue(paper()))
    (letter,) = desk.letters
    assert letter["List-Unsubscribe"] == "<https://lists.example.org/leave>"
    assert text_of(letter).endswith("Unsubscribe: https://lists.example.org/leave\n")


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_refused_letter_is_sent_by_the_next_build_and_keeps_no_other(desk: Desk, step: str):
    subscribe(desk, "ada@example.net", "bo@example.net")
    desk.world.faults = [Fault(f"{step} ada", 451, "greylisted")]
    report = desk.deliver(issue(paper()))
    assert report.sent == 1
    (failure,) = report.failures
    assert failure.endswith("the mail server answered 451 greylisted")
    assert recipients(desk) == ["bo@example.net"]
    assert desk.deliver(issue(paper())).sent == 1
    assert recipients(desk) == ["bo@example.net", "ada@example.net"]


def test_a_letter_without_an_answer_is_in_doubt_and_the_rest_waits_for_the_next_build(desk: Desk):
    subscribe(desk, "ada@example.net", "bo@example.net")
    desk.world.faults = [Fault("DATA ada", cut_after=0)]
    report = desk.deliver(issue(paper()))
    assert recipients(desk) == ["ada@example.net"]
    assert (report.sent, len(report.doubts)) == (0, 1)
    assert report.failures == ["en: an earlier letter is in doubt"]
    report = desk.deliver(issue(paper()))
    assert (report.sent, len(report.doubts)) == (1, 1)
    assert recipients(desk) == ["ada@example.net", "bo@example.net"]


def test_a_sender_killed_after_the_letter_sends_once(desk: Desk, monkeypatch):
    subscribe(desk, "ada@example.net", "bo@example.net")
    send = email._Smtp.send

    def send_and_die(smtp, message):
        send(smtp, message)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(email._Smtp, "send", send_and_die)
        with pytest.raises(Killed):
            desk.deliver(issue(paper()))
    report = desk.deliver(issue(paper()))
    assert (report.sent, len(report.doubts)) == (1, 1)
    assert recipients(desk) == ["ada@example.net", "bo@example.net"]


def test_no_server_is_told_once_and_nothing_is_written(desk: Desk):
    subscribe(desk, "ada@example.net", "bo@example.net")
    away = partial(mail_server, "mailto://127.0.0.1:9?from=a@example.org&mode=insecure")
    desk.channel = Email(away, desk.channel.lists, None, desk.clock)
    assert desk.deliver(issue(paper())).failures == [
        "en: no connection to the mail server: ConnectionRefusedError"
    ]
    assert desk.rows == []


def test_the_server_is_named_as_for_alarms():
    server = mail_server("mailtos://ada:s3cret@gmail.com?name=Papers")
    assert (server.host, server.port, server.security) == ("smtp.gmail.com", 587, "starttls")
    assert str(server.sender) == "Papers <ada@gmail.com>"
    assert "s3cret" not in repr(server)
    with pytest.raises(OperatorError, match="no address of a mail server"):
        mail_server("json://s3cret.example.org")
