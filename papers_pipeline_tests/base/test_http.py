"""Every exchange ends: at its deadline, at its size, at its host."""

import gzip
import time
import tracemalloc

import pytest
import requests

from papers_pipeline.base.http import (
    TooLarge,
    body,
    cause,
    is_too_slow,
    redirect_target,
    same_site,
    session,
)
from papers_pipeline.sandbox.world import Fault
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.speaking import endless, gzipped, speaking

OK = b"HTTP/1.1 200 OK\r\n"


def read(url: str, most_bytes: int = 1000, **options: float) -> bytes:
    with (
        session(retries=0, **options) as http,
        http.get(url, stream=True, timeout=30) as answer,
    ):
        return body(answer, most_bytes)


@pytest.mark.parametrize(
    "head",
    [
        OK + b"Content-Length: 100000\r\n\r\n",
        OK + b"Connection: close\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1;",
        OK + b"X-Long: ",
        b"",
    ],
    ids=["known length", "unknown length", "a chunk", "the head of a chunk", "a header", "no head"],
)
def test_an_answer_that_drips_ends_at_its_deadline(head: bytes):
    started = time.monotonic()
    with (
        speaking(lambda _: endless(head), pause_seconds=0.05) as speaker,
        pytest.raises(requests.RequestException) as raised,
    ):
        read(speaker.url, longest_exchange=0.5)
    assert is_too_slow(raised.value)
    assert cause(raised.value) == "no complete answer within 0.5 s"
    assert time.monotonic() - started < 20


def test_a_server_that_never_agrees_on_tls_ends_at_the_deadline():
    with (
        speaking(lambda _: []) as speaker,
        pytest.raises(requests.RequestException) as raised,
    ):
        read(speaker.url.replace("http:", "https:"), longest_exchange=0.5)
    assert is_too_slow(raised.value)


def test_a_broken_answer_is_not_called_slow():
    with (
        speaking(lambda _: [OK + b"Content-Length: 9\r\n\r\nhalf"]) as speaker,
        pytest.raises(requests.RequestException) as raised,
    ):
        read(speaker.url)
    assert not is_too_slow(raised.value)


def test_an_answer_in_time_is_whole():
    with speaking(lambda _: [OK + b"\r\n", b"ab", b"cd"], pause_seconds=0.05) as speaker:
        assert read(speaker.url, longest_exchange=30) == b"abcd"


def test_a_connection_is_used_again_also_after_a_deadline_has_passed(outside: Outside):
    with session(retries=0, longest_exchange=0.4) as http:
        for pause in (0.0, 0.6, 0.0):
            time.sleep(pause)
            with http.head(f"{outside.url}/nowhere", timeout=30) as answer:
                assert answer.status_code == 404


def test_a_body_stops_at_its_size_after_decompression():
    packed = gzip.compress(bytes(200_000_000))
    assert len(packed) < 300_000
    tracemalloc.start()
    with (
        speaking(lambda _: gzipped(packed, "application/json")) as speaker,
        pytest.raises(TooLarge, match="more than 1000000 bytes"),
    ):
        read(speaker.url, 1_000_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50_000_000


def test_a_body_of_the_greatest_size_is_read():
    with speaking(lambda _: gzipped(gzip.compress(b"x" * 1000), "text/plain")) as speaker:
        assert read(speaker.url, 1000) == b"x" * 1000


def test_before_a_retry_the_body_of_an_error_is_not_read():
    refusals = [True, True]

    def answer(_: bytes):
        if refusals:
            refusals.pop()
            return endless(b"HTTP/1.1 503 Busy\r\nContent-Length: 1000000000000\r\n\r\n")
        return [OK + b"Content-Length: 4\r\n\r\ndone"]

    with (
        speaking(answer) as speaker,
        session(retries=2, backoff_seconds=0.01) as http,
        http.get(speaker.url, stream=True, timeout=30) as got,
    ):
        assert body(got, 1000) == b"done"
    assert len(speaker.requests) == 3


def test_each_retry_has_a_deadline_of_its_own():
    with (
        speaking(lambda _: endless(b""), pause_seconds=0.05) as speaker,
        session(retries=2, backoff_seconds=0.01, longest_exchange=0.3) as http,
        pytest.raises(requests.RequestException) as raised,
    ):
        http.get(speaker.url, stream=True, timeout=30)
    assert is_too_slow(raised.value)
    assert len(speaker.requests) == 3


def test_a_long_wait_before_a_retry_is_in_the_log(
    outside: Outside, caplog: pytest.LogCaptureFixture
):
    outside.world.faults.append(Fault("/a", 429, headers={"Retry-After": "3"}))
    with session(retries=1) as http:
        assert http.get(f"{outside.url}/a", stream=True, timeout=30).status_code == 404
    assert "waiting 3 s: the answer 429 asks for it" in caplog.text


def test_a_wait_that_is_no_number_is_ignored(outside: Outside):
    outside.world.faults.append(Fault("/a", 503, headers={"Retry-After": "soon"}))
    with session(retries=1, backoff_seconds=0.01) as http:
        assert http.get(f"{outside.url}/a", stream=True, timeout=30).status_code == 404


@pytest.mark.parametrize(
    ("location", "target"),
    [("/b?x=1", "{url}/b?x=1"), ("https://example.org/", "https://example.org/")],
)
def test_a_redirect_names_its_target(outside: Outside, location: str, target: str):
    outside.world.faults.append(Fault("/a", 302, headers={"Location": location}))
    with session(retries=0) as http:
        answer = http.get(f"{outside.url}/a", stream=True)
        assert redirect_target(answer) == target.format(url=outside.url)
        answer = http.get(f"{outside.url}/c", stream=True)
        assert redirect_target(answer) is None


def test_the_body_of_a_redirect_is_not_read():
    head = b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 1000000000000\r\n\r\n"
    with (
        speaking(lambda _: endless(head)) as speaker,
        session(retries=0) as http,
        http.get(speaker.url, stream=True, timeout=30) as answer,
    ):
        assert redirect_target(answer) == f"{speaker.url}/b"
    assert len(speaker.requests) == 1


def test_a_redirect_to_no_address_is_an_error(outside: Outside):
    outside.world.faults.append(Fault("/a", 302, headers={"Location": "http://[::1"}))
    with session(retries=0) as http:
        answer = http.get(f"{outside.url}/a", stream=True)
        with pytest.raises(requests.RequestException, match="redirects to"):
            redirect_target(answer)


@pytest.mark.parametrize(
    ("url", "is_same"),
    [
        ("http://papers.example/b", True),
        ("https://papers.example/", True),
        ("ftp://papers.example/", False),
        ("http://papers.example:8080/", False),
        ("http://papers.example.org/", False),
        ("http://someone@papers.example/", False),
        ("//papers.example/", False),
    ],
)
def test_a_site_is_its_scheme_host_and_port(url: str, is_same: bool):
    assert same_site(url, "http://papers.example/api") is is_same


def test_a_site_with_https_is_not_left_for_http():
    assert not same_site("http://papers.example/", "https://papers.example")
