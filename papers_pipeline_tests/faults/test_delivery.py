"""Telegram, a mail server and a chat in every fault: no message goes out twice, and none is lost
without a word."""

import json
import socketserver
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.delivery import apprise, email, telegram
from papers_pipeline.delivery.apprise import Chats
from papers_pipeline.delivery.channel import Channel
from papers_pipeline.delivery.email import Email, mail_server
from papers_pipeline.delivery.telegram import Telegram
from papers_pipeline.sandbox.world import World
from papers_pipeline.store import files as storage
from papers_pipeline_tests.audit.matrix import Cell
from papers_pipeline_tests.helpers.delivering import Desk, Killed
from papers_pipeline_tests.helpers.disk import full
from papers_pipeline_tests.helpers.pages import DAY, issue, paper
from papers_pipeline_tests.helpers.speaking import endless, speaking

NOBODY = "http://127.0.0.1:9"
ACCEPTED = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 37\r\n\r\n",
    b'{"ok":true,"result":{"message_id":7}}',
]
Answers = dict[str, Iterable[bytes] | None]


def answered(status: int, description: str, wait_seconds: int = 0) -> Any:
    """An answer of Telegram."""
    document = {
        "ok": False,
        "description": description,
        "parameters": {"retry_after": wait_seconds},
    }
    body = json.dumps(document).encode()
    return lambda _: [b"HTTP/1.1 %d no\r\nContent-Length: %d\r\n\r\n" % (status, len(body)), body]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def post_office(answers: Answers, pause_seconds: float = 0.0) -> Iterator[str]:
    """A mail server with these answers to commands, a pause after each piece; yields its address.

    Without pieces, it hangs up.
    """
    usual: Answers = {"EHLO": [b"250-here\r\n250 AUTH PLAIN\r\n"], "DATA": [b"354 go on\r\n"]}
    usual |= {"GREETING": [b"220 here\r\n"], "AUTH": [b"235 welcome\r\n"]}
    ended = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            is_there = self.answer("GREETING")
            while is_there:
                verb = self.rfile.readline()[:4].decode().upper()
                is_there = bool(verb) and self.answer(verb)
                if verb == "DATA" and is_there:
                    for line in self.rfile:
                        if line == b".\r\n":
                            break
                    is_there = self.answer("END")

        def answer(self, verb: str) -> bool:
            pieces = answers.get(verb, usual.get(verb, [b"250 fine\r\n"]))
            for piece in pieces or ():
                try:
                    self.wfile.write(piece)
                except OSError:  # the other side has had enough
                    return False
                if pause_seconds and verb in answers and ended.wait(pause_seconds):
                    return False
            return pieces is not None

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        port = server.server_address[1]
        try:
            yield f"mailto://ada:s3cret@127.0.0.1:{port}?from=papers@example.org&mode=insecure"
        finally:
            ended.set()
            server.shutdown()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(telegram, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(email, "LONGEST_LETTER_SECONDS", 0.5)
    monkeypatch.setattr(apprise, "LONGEST_SECONDS", 1.0)
    (tmp_path / "en.txt").write_text("bo@example.net")
    return Desk(tmp_path, None, World())


def bot(url: str) -> Channel:
    return Telegram(url, "1:s3cret", {"en": "@papers"})


def letters(desk: Desk, url: str) -> Channel:
    return Email(partial(mail_server, url), {"en": desk.folder / "en.txt"}, None, desk.clock)


def chat(url: str) -> Channel:
    host = url.removeprefix("http://")
    return Chats({"en": [f"json://{host}/s3cret?rto=0.3&retry=0"]})


def told_of(desk: Desk) -> str:
    """What is told of a day whose message fails. In doubt, the next build sends nothing."""
    report = desk.deliver(issue(paper()))
    told = "; ".join([*report.failures, *report.doubts])
    assert report.sent == 0
    assert told
    assert "s3cret" not in told
    return told


def then_sends(desk: Desk, expected: int) -> None:
    assert desk.deliver(issue(paper())).sent == expected
    if not expected:
        assert desk.deliver(issue(paper()), again=True).sent == 1


@pytest.mark.parametrize(
    ("answer", "pause_seconds"),
    [
        pytest.param(
            lambda _: endless(b"HTT"),
            0.05,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="slow or drips",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="Telegram did not answer: ",
            ),
        ),
        pytest.param(
            lambda _: [b""],
            60,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="timeout",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="Telegram did not answer: ",
            ),
        ),
        pytest.param(
            answered(401, "Unauthorized"),
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="401 or 403",
                kept="nothing went out",
                retried="by the next build",
                told="Telegram answered 401: Unauthorized",
            ),
        ),
        pytest.param(
            answered(404, "Not Found"),
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="404",
                kept="nothing went out",
                retried="by the next build",
                told="Telegram answered 404: Not Found",
            ),
        ),
        pytest.param(
            answered(429, "Too Many Requests", 3600),
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="429",
                kept="nothing went out",
                retried="by the next build",
                told="Telegram asks to wait 3600 s",
            ),
        ),
        pytest.param(
            answered(502, "Bad Gateway"),
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="5xx",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="Telegram answered 502",
            ),
        ),
        pytest.param(
            lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"],
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="cut short",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="Telegram did not answer: ",
            ),
        ),
        pytest.param(
            lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<ok>"],
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="malformed",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="Telegram answered 200 and no JSON of its own",
            ),
        ),
        pytest.param(
            answered(400, "\x1b[31m" + "evil " * 99),
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="hostile",
                kept="nothing went out",
                retried="by the next build",
                told="Telegram answered 400: [31mevil evil ",
            ),
        ),
        pytest.param(
            answered(410, "Gone"),
            0,
            marks=pytest.mark.fault(
                party="Telegram",
                fault="changed or withdrawn",
                kept="nothing went out",
                retried="by the next build",
                told="Telegram answered 410: Gone",
            ),
        ),
    ],
)
def test_a_post_in_each_fault(cell: Cell, desk: Desk, answer: Any, pause_seconds: float):
    with speaking(answer, pause_seconds) as speaker:
        desk.channel = bot(speaker.url)
        told = told_of(desk)
    assert cell.told in told
    assert "\x1b" not in told
    with speaking(lambda _: ACCEPTED) as speaker:
        desk.channel = bot(speaker.url)
        then_sends(desk, 0 if "command" in cell.retried else 1)


@pytest.mark.parametrize(
    ("answers", "pause_seconds"),
    [
        pytest.param(
            {"END": endless(b"2")},
            0.05,
            marks=pytest.mark.fault(
                party="mail server",
                fault="slow or drips",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="the mail server gave no clear answer: ",
            ),
        ),
        pytest.param(
            {"END": [b""]},
            60,
            marks=pytest.mark.fault(
                party="mail server",
                fault="timeout",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="the mail server did not answer: ",
            ),
        ),
        pytest.param(
            {"AUTH": [b"535 wrong password\r\n"]},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="401 or 403",
                kept="nothing went out",
                retried="by the next build",
                told="no connection to the mail server: 535 wrong password",
            ),
        ),
        pytest.param(
            {"RCPT": [b"550 no such user\r\n"]},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="404",
                kept="nothing went out",
                retried="by the next build",
                told="the mail server answered 550 no such user",
            ),
        ),
        pytest.param(
            {"RCPT": [b"452 too many letters\r\n"]},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="429",
                kept="nothing went out",
                retried="by the next build",
                told="the mail server answered 452 too many letters",
            ),
        ),
        pytest.param(
            {"END": [b"554 refused\r\n"]},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="5xx",
                kept="nothing went out",
                retried="by the next build",
                told="the mail server answered 554 refused",
            ),
        ),
        pytest.param(
            {"END": None},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="cut short",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="the mail server did not answer: ",
            ),
        ),
        pytest.param(
            {"END": [b"good morning\r\n"]},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="malformed",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="the mail server gave no clear answer: ",
            ),
        ),
        pytest.param(
            {"RCPT": [b"550 \x1b[31mevil\r\n"]},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="hostile",
                kept="nothing went out",
                retried="by the next build",
                told="the mail server answered 550 [31mevil",
            ),
        ),
        pytest.param(
            {"GREETING": [b"554 no mail here\r\n"]},
            0,
            marks=pytest.mark.fault(
                party="mail server",
                fault="changed or withdrawn",
                kept="nothing went out",
                retried="by the next build",
                told="no connection to the mail server: 554 no mail here",
            ),
        ),
    ],
)
def test_a_letter_in_each_fault(cell: Cell, desk: Desk, answers: Answers, pause_seconds: float):
    with post_office(answers, pause_seconds) as url:
        desk.channel = letters(desk, url)
        told = told_of(desk)
    assert cell.told in told
    assert "\x1b" not in told
    with post_office({}) as url:
        desk.channel = letters(desk, url)
        then_sends(desk, 0 if "command" in cell.retried else 1)


@pytest.mark.parametrize(
    ("answer", "pause_seconds"),
    [
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="unreachable",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            lambda _: endless(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"),
            0.05,
            marks=pytest.mark.fault(
                party="chat",
                fault="slow or drips",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            lambda _: [b""],
            60,
            marks=pytest.mark.fault(
                party="chat",
                fault="timeout",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            answered(403, "no"),
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="401 or 403",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            answered(404, "no"),
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="404",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            answered(429, "no"),
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="429",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            answered(503, "no"),
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="5xx",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            lambda _: [b"HTTP/1.1 2"],
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="cut short",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            lambda _: [b"good morning\r\n\r\n"],
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="malformed",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
        pytest.param(
            answered(410, "no"),
            0,
            marks=pytest.mark.fault(
                party="chat",
                fault="changed or withdrawn",
                kept="the row of the message, which says that it may have gone out",
                retried="no; you are told the command that sends it again",
                told="did not accept the post",
            ),
        ),
    ],
)
def test_a_short_post_in_each_fault(
    cell: Cell, desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: Any, pause_seconds: float
):
    """apprise does not say whether a post that was not accepted went out."""
    with speaking(answer, pause_seconds) as speaker:
        host = speaker.url.removeprefix("http://")
        url = f"json://{host}/s3cret?rto=0.3&retry=0"
        desk.channel = Chats({"en": [url]})
        assert cell.told in told_of(desk)
        assert len(speaker.requests) >= 1
    monkeypatch.setattr(apprise._Apprise, "send", lambda self, message: None)
    then_sends(desk, 0)


@pytest.mark.fault(
    party="Telegram",
    fault="unreachable",
    kept="nothing went out",
    retried="by the next build",
    told="Telegram cannot be reached: ConnectionError",
)
def test_a_post_that_reaches_nobody(cell: Cell, desk: Desk):
    desk.channel = bot(NOBODY)
    assert cell.told in told_of(desk)
    with speaking(lambda _: ACCEPTED) as speaker:
        desk.channel = bot(speaker.url)
        then_sends(desk, 1)


@pytest.mark.fault(
    party="mail server",
    fault="unreachable",
    kept="nothing went out",
    retried="by the next build",
    told="no connection to the mail server: ConnectionRefusedError",
)
def test_a_letter_that_reaches_nobody(cell: Cell, desk: Desk):
    desk.channel = letters(desk, "mailto://127.0.0.1:9?from=papers@example.org&mode=insecure")
    assert cell.told in told_of(desk)
    with post_office({}) as url:
        desk.channel = letters(desk, url)
        then_sends(desk, 1)


@contextmanager
def every_channel(desk: Desk) -> Iterator[list[Channel]]:
    with speaking(lambda _: ACCEPTED) as speaker, post_office({}) as url:
        yield [bot(speaker.url), letters(desk, url), chat(speaker.url)]


def path_of(desk: Desk) -> Path:
    return Path(desk.lake.path(f"delivery_{desk.channel.name}", str(DAY)).path)


@pytest.mark.fault(
    party=("Telegram", "mail server", "chat"),
    fault="killed process",
    kept="the row of the message, which says that it may have gone out",
    retried="no; you are told the command that sends it again",
    told="its sender ended before it knew",
)
def test_a_killed_sender_in_each_channel(cell: Cell, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    connections = (telegram._Bot, email._Smtp, apprise._Apprise)
    with every_channel(desk) as channels:
        for channel, connection in zip(channels, connections, strict=True):
            desk.channel = channel
            send = connection.send

            def send_and_die(self: Any, message: Any, send: Any = send) -> None:
                send(self, message)
                raise Killed

            with monkeypatch.context() as patched:
                patched.setattr(connection, "send", send_and_die)
                with pytest.raises(Killed):
                    desk.deliver(issue(paper()))
            assert cell.told in told_of(desk)
            then_sends(desk, 0)


@pytest.mark.fault(
    party=("Telegram", "mail server", "chat"),
    fault="full disk",
    kept="nothing went out: the row is written first",
    retried="by the next build",
    told="No space left on device",
)
def test_a_full_disk_sends_nothing(cell: Cell, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    with every_channel(desk) as channels:
        for channel in channels:
            desk.channel = channel
            with monkeypatch.context() as patched:
                patched.setattr(storage, "write", full("delivery_"))
                with pytest.raises(OSError, match=cell.told):
                    desk.deliver(issue(paper()))
            then_sends(desk, 1)


@pytest.mark.fault(
    party=("Telegram", "mail server", "chat"),
    fault="damaged file",
    kept="that every message of the day may have gone out",
    retried="no; you are told the command that sends it again",
    told="the table that knew is damaged",
)
def test_a_damaged_table_sends_nothing_again(cell: Cell, desk: Desk):
    with every_channel(desk) as channels:
        for channel in channels:
            desk.channel = channel
            desk.deliver(issue(paper()))
            path_of(desk).write_bytes(b"PAR1 no more")
            assert cell.told in told_of(desk)
            then_sends(desk, 0)
