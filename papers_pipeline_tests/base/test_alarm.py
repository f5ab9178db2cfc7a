"""Messages reach a webhook, e-mail and what else apprise knows; a failure is only logged."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from papers_pipeline.base.alarm import Alarm


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[str]:
    """The host and port of a server that runs in a thread."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Posts(BaseHTTPRequestHandler):
    """Keeps the JSON that is posted."""

    received: list[dict[str, str]]
    status = 200

    def do_POST(self) -> None:
        self.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs to deliver one message."""

    received: list[bytes]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            command = line.split()[0].upper()
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.received.append(b"".join(lines))
            self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 fine\r\n")
            if command == b"QUIT":
                return


@pytest.fixture
def posts() -> type[Posts]:
    return type("Kept", (Posts,), {"received": []})


def test_a_webhook_gets_the_text_in_the_json_of_chats(posts):
    with serving(HTTPServer(("127.0.0.1", 0), posts)) as address:
        assert Alarm(f"http://{address}/hook").tell("the kettle is dry")
    assert posts.received == [{"text": "the kettle is dry"}]


def test_every_address_gets_the_message(posts):
    with serving(HTTPServer(("127.0.0.1", 0), posts)) as address:
        assert Alarm(urls=(f"json://{address}/one", f"json://{address}/two")).tell("boils")
    shown = [(post["title"], post["message"]) for post in posts.received]
    assert shown == [("papers_pipeline", "boils")] * 2


def test_a_message_goes_out_by_mail():
    mail = type("Kept", (Mail,), {"received": []})
    with serving(socketserver.TCPServer(("127.0.0.1", 0), mail)) as address:
        port = address.partition(":")[2]
        url = f"mailto://127.0.0.1:{port}?from=me@example.org&to=you@example.org&mode=insecure"
        assert Alarm(urls=(url,)).tell("it whistles")
    (received,) = mail.received
    message = message_from_bytes(received, policy=default)
    assert message["To"] == "you@example.org"
    assert message["Subject"] == "papers_pipeline"
    assert "it whistles" in message.get_body(("plain", "html")).get_content()


def test_what_is_not_accepted_is_logged_without_its_secrets(posts, caplog):
    posts.status = 500
    with serving(HTTPServer(("127.0.0.1", 0), posts)) as address:
        alarm = Alarm(f"http://{address}/s3cret", (f"json://{address}/s3cret", "nowhere:s3cret"))
        assert not alarm.tell("boils")
    assert not Alarm("http://127.0.0.1:9/s3cret").tell("boils")
    assert [record.message for record in caplog.records if record.name.endswith("alarm")] == [
        "the webhook answered 500",
        "address 2 of PAPERS_ALARM_URLS is none that apprise knows",
        "an address of PAPERS_ALARM_URLS did not accept the message",
        "the webhook cannot be reached: ConnectionError",
    ]
    assert "s3cret" not in caplog.text


def test_without_an_address_nobody_is_told():
    assert not Alarm().is_heard
    assert Alarm().tell("into the void")
