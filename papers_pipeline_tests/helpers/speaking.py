"""A server on loopback that answers every request with given bytes, at a given pace."""

import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Answer = Callable[[bytes], Iterable[bytes]]


@dataclass
class Speaker:
    """The server's address, and the heads of the requests that it has received."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)

    def count(self, path: str) -> int:
        return sum(path.encode() in head.split(b"\r\n")[0] for head in self.requests)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def speaking(answer: Answer, pause_seconds: float = 0.0) -> Iterator[Speaker]:
    """Serve what `answer` makes of a request's head, a pause after each piece, then disconnect."""
    speaker = Speaker()
    ended = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            for line in self.rfile:
                head += line
                if line == b"\r\n":
                    break
            speaker.requests.append(head)
            try:
                for piece in answer(head):
                    self.wfile.write(piece)
                    if ended.wait(pause_seconds) if pause_seconds else ended.is_set():
                        return
            except OSError:  # the other side has had enough
                pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        speaker.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield speaker
        finally:
            ended.set()
            server.shutdown()


def endless(head: bytes) -> Iterator[bytes]:
    """A head, and then a byte again and again."""
    yield head
    while True:
        yield b" "
        time.sleep(0)


def gzipped(packed: bytes, kind: str) -> list[bytes]:
    """An answer with a compressed body."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Encoding: gzip\r\n"
    return [f"{head}Content-Length: {len(packed)}\r\n\r\n".encode(), packed]
