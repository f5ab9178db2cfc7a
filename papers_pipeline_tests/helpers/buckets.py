"""An S3 server on loopback, in this process (moto), that counts what it is asked."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import make_server

KEYS = {
    "AWS_ACCESS_KEY_ID": "a-key-of-the-test",
    "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Requests:
    """The requests since the last look, by kind: GET, HEAD, PUT, POST, DELETE, and LIST."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._answer: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(
            create_backend_app
        )

    def __call__(self, asked: dict[str, Any], start: Any) -> Iterable[bytes]:
        is_list = asked["REQUEST_METHOD"] == "GET" and "list-type" in asked["QUERY_STRING"]
        self._counts["LIST" if is_list else asked["REQUEST_METHOD"]] += 1
        return self._answer(asked, start)

    def taken(self) -> Counter[str]:
        """The counts, which begin anew."""
        counts, self._counts = self._counts, Counter()
        return counts


@contextmanager
def s3_server() -> Iterator[tuple[str, Requests]]:
    """A running server: its URL and the requests to it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    requests = Requests()
    server = make_server("127.0.0.1", 0, requests, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}", requests
    finally:
        # s3fs would go on asking this server when the next one has another port.
        S3FileSystem.clear_instance_cache()
        server.shutdown()
        thread.join()
        server.server_close()


def enter_bucket(monkeypatch: pytest.MonkeyPatch, url: str, name: str) -> Any:
    """Make a bucket, and the data folder a folder on it; returns boto3's bucket."""
    for variable, value in (KEYS | {"AWS_ENDPOINT_URL": url}).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PAPERS_DATA_DIR", f"s3://{name}/papers")
    bucket = boto3.resource("s3").Bucket(name)
    bucket.create()
    return bucket
