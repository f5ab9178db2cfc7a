"""A mail server on loopback that keeps what it receives.

Faults of the world match `RCPT <address>` or `DATA <address>`. Their `status` is the code of the
answer. With `cut_after`, the server takes the letter and hangs up without an answer; with
`drip_seconds`, it takes the letter and answers so much later.
"""

import asyncio
import socket
from asyncio import AbstractServer, Transport
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from papers_pipeline.sandbox.world import Fault, Letter, World

ACCEPTED = "250 fine"


@contextmanager
def mail_running(world: World) -> Iterator[str]:
    """Serve mail in a thread; yields an address of apprise that leads to it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = _Server(_Mailbox(world), listener)
        server.start()
        try:
            yield (
                f"mailto://127.0.0.1:{server.port}"
                "?from=papers@example.org&to=operator@example.org&mode=insecure"
            )
        finally:
            server.stop()


class _Server(Controller):
    """A server on a socket that has its port already, so that nobody else can take it."""

    def __init__(self, mailbox: "_Mailbox", listener: socket.socket) -> None:
        super().__init__(mailbox, hostname="127.0.0.1", port=listener.getsockname()[1])
        self._listener = listener

    def _create_server(self) -> Coroutine[Any, Any, AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)


class _Mailbox:
    """The hooks of aiosmtpd: https://aiosmtpd.aio-libs.org/en/latest/handlers.html."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self._world.fault(f"RCPT {address}")
        if fault:
            return _answer(fault)
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        recipients = list(envelope.rcpt_tos)
        fault = self._world.fault(f"DATA {' '.join(recipients)}")
        if fault and fault.cut_after is None and not fault.drip_seconds:
            return _answer(fault)
        content: Any = envelope.content
        self._world.letters.append(Letter(str(envelope.mail_from), recipients, bytes(content)))
        if fault and fault.drip_seconds:
            await asyncio.sleep(fault.drip_seconds)
        elif fault and isinstance(server.transport, Transport):
            server.transport.abort()
        return ACCEPTED


def _answer(fault: Fault) -> str:
    return f"{fault.status} {fault.body or 'no'}"
