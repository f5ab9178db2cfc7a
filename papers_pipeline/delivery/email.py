"""E-mail: a letter a day and recipient, as text and as HTML, over one SMTP connection.

Each recipient gets a letter of their own, so that nobody sees another's address, and a refused
address keeps nobody else from their letter. The address of a list server is a recipient like any
other. Stored rows name recipients by a hash.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_string
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from papers_pipeline.base.characters import excerpt, fold
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.deadline import deadline, shut_down
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.delivery.channel import Channel, Closed, Connection, InDoubt, Message, NotSent
from papers_pipeline.delivery.digest import Digest

TIMEOUT_SECONDS = 30
LONGEST_LETTER_SECONDS = 60.0
"""From the first command about a letter to the server's answer to its last byte."""
LONGEST_SUBJECT = 120
REFUSALS = range(400, 600)
"""Codes of answers that refuse a letter, for now or for good."""
POLICY = SMTP.clone(cte_type="7bit")
"""Every server takes it, whether it knows 8BITMIME or not."""


@dataclass(frozen=True)
class MailServer:
    """An SMTP server, and the sender of its letters. `security` is insecure, starttls or ssl."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None = field(repr=False)
    sender: Address

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self.sender.domain


def mail_server(url: str) -> MailServer:
    """The server that an address of apprise names, such as `mailtos://user:password@example.org`.

    apprise knows the servers of common providers. Raises OperatorError, without the address.
    """
    import apprise  # a third of a second that only a letter needs
    from apprise.plugins.email import NotifyEmail

    plugin = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if not isinstance(plugin, NotifyEmail):
        raise OperatorError("PAPERS_EMAIL_SERVER is no address of a mail server: mailtos://…")
    name, address = plugin.from_addr
    own_name = "" if not name or name == plugin.app_id else fold(str(name))
    try:
        sender = Address(own_name, addr_spec=str(address))
    except (MessageError, ValueError, IndexError):
        raise OperatorError("PAPERS_EMAIL_SERVER names no usable sender: add ?from=…") from None
    return MailServer(
        host=str(plugin.smtp_host),
        port=int(plugin.port or 0),
        security=str(plugin.secure_mode),
        user=plugin.user,
        password=plugin.password,
        sender=sender,
    )


@dataclass(frozen=True)
class Email(Channel):
    """Letters to the addresses in a file per language, one address a line.

    - `server`: makes the server when a letter is composed.
    - `unsubscribe`: a web or mail address, by default the sender's.
    """

    name: ClassVar[str] = "email"
    kind: ClassVar[str] = "email"

    server: Callable[[], MailServer]
    lists: Mapping[str, Path]
    unsubscribe: str | None
    clock: Clock

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.lists)

    def compose(self, digest: Digest) -> list[Message]:
        """A letter for each address of the list. Raises OperatorError if it cannot be read."""
        server = self.server()
        letters = []
        for recipient in self._recipients(digest.language)[0]:
            message = Message(digest.language, str(recipient), "")
            letter = _letter(
                digest,
                server,
                recipient,
                self.unsubscribe or f"mailto:{server.sender.addr_spec}?subject=unsubscribe",
                f"<{digest.day}.{digest.language}.{message.key}@{server.domain}>",
                self.clock.now(),
            )
            letters.append(Message(digest.language, str(recipient), letter.as_string()))
        return letters

    def faults(self, language: str) -> list[str]:
        """The lines of the list that are no addresses."""
        return self._recipients(language)[1]

    def shown(self, message: Message) -> str:
        """The letter with its texts decoded."""
        letter = _read(message.content)
        parts = [f"{name}: {value}" for name, value in letter.items()]
        for kind in ("plain", "html"):
            text = letter.get_body((kind,))
            if text is not None:
                parts += ["", f"[{text.get_content_type()}]", text.get_content().rstrip()]
        return "\n".join(parts)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        connection = _Smtp(self.server)
        try:
            yield connection
        finally:
            connection.quit()

    def _recipients(self, language: str) -> tuple[list[Address], list[str]]:
        """The addresses of a list, each once, and its faults. Empty lines and # lines are none."""
        path = self.lists[language]
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(f"{path}: the list cannot be read: {error}") from None
        addresses: dict[str, Address] = {}
        faults = []
        for number, line in enumerate(map(str.strip, lines), 1):
            if not line or line.startswith("#"):
                continue
            try:
                address = Address(addr_spec=line)
                line.encode("ascii")
                if not address.domain:
                    raise ValueError("no domain")
            except (MessageError, ValueError, IndexError):
                faults.append(f"{path}, line {number}: no mail address")
            else:
                addresses.setdefault(address.addr_spec.casefold(), address)
        return list(addresses.values()), faults


def _letter(
    digest: Digest,
    server: MailServer,
    recipient: Address,
    unsubscribe: str,
    message_id: str,
    now: datetime,
) -> EmailMessage:
    """The letter. Its headers take no line breaks: `EmailMessage` refuses them."""
    letter = EmailMessage(POLICY)
    sender = Address(server.sender.display_name or digest.name, addr_spec=server.sender.addr_spec)
    letter["From"] = sender
    letter["To"] = recipient
    subject = f"{digest.papers[0].title} · {digest.name}"
    letter["Subject"] = excerpt(subject, LONGEST_SUBJECT, whole_words=True)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = message_id
    letter["List-Id"] = f"<{digest.language}.papers.{server.domain}>"
    letter["List-Unsubscribe"] = f"<{unsubscribe}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(_rendered("letter.txt.j2", digest, unsubscribe))
    letter.add_alternative(_rendered("letter.html.j2", digest, unsubscribe), subtype="html")
    letter["Content-Language"] = digest.locale.html
    boundary = message_id.partition("@")[0].strip("<")
    letter.set_boundary(f"={boundary}=")  # Python's own is another one each time
    return letter


def _rendered(template: str, digest: Digest, unsubscribe: str) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template(template).render(
        digest=digest, say=digest.locale.text, unsubscribe=unsubscribe
    )
    return text.strip() + "\n"


def _read(content: str) -> EmailMessage:
    letter = message_from_string(content, policy=POLICY)
    assert isinstance(letter, EmailMessage)
    return letter


class _Smtp(Connection):
    """A connection that is made for the first letter. After one in doubt it takes no more."""

    def __init__(self, server: Callable[[], MailServer]) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None
        self._closed: str | None = None

    def send(self, message: Message) -> None:
        if self._closed:
            raise Closed(self._closed)
        smtp = self._smtp or self._connect()
        letter = _read(message.content)
        with _deadline(smtp):
            self._envelope(smtp, str(letter["From"].addresses[0].addr_spec), message.recipient)
            self._data(smtp, letter.as_bytes())

    def _connect(self) -> smtplib.SMTP:
        server = self._server()
        try:
            self._smtp = _connected(server)
        except (OSError, smtplib.SMTPException) as error:
            self._closed = f"no connection to the mail server: {_told(error)}"
            raise Closed(self._closed) from None
        return self._smtp

    def _envelope(self, smtp: smtplib.SMTP, sender: str, recipient: str) -> None:
        """Name sender and recipient. Nothing has gone out before the data."""
        try:
            smtp.ehlo_or_helo_if_needed()
            code, answer = smtp.mail(sender)
            if code == 250:
                code, answer = smtp.rcpt(recipient)
            if code not in (250, 251):
                smtp.rset()
                raise NotSent(f"the mail server answered {code} {_words(answer)}")
        except (OSError, smtplib.SMTPException) as error:
            self._closed = f"the connection to the mail server broke: {_told(error)}"
            raise Closed(self._closed) from None

    def _data(self, smtp: smtplib.SMTP, letter: bytes) -> None:
        try:
            code, answer = smtp.data(letter)
        except smtplib.SMTPDataError as error:  # the server did not ask for the letter
            with suppress(OSError, smtplib.SMTPException):
                smtp.rset()
            raise NotSent(f"the mail server answered {_told(error)}") from None
        except (OSError, smtplib.SMTPException) as error:
            self._closed = "an earlier letter is in doubt"
            raise InDoubt(f"the mail server did not answer: {_told(error)}") from None
        if code in REFUSALS:
            raise NotSent(f"the mail server answered {code} {_words(answer)}")
        if code != 250:  # half an answer, or none of SMTP
            self._closed = "an earlier letter is in doubt"
            raise InDoubt(f"the mail server gave no clear answer: {_words(answer)}")

    def quit(self) -> None:
        """Say goodbye, if there is anybody."""
        if self._smtp:
            with suppress(OSError, smtplib.SMTPException), _deadline(self._smtp):
                self._smtp.quit()
            self._smtp.close()


class _InTime:
    """Has a deadline for connecting: the socket's own timeout counts from the last byte."""

    def connect(self, *arguments: Any, **options: Any) -> Any:
        with _deadline(self):  # type: ignore[arg-type]
            return super().connect(*arguments, **options)  # type: ignore[misc]


class _Plain(_InTime, smtplib.SMTP):
    pass


class _Encrypted(_InTime, smtplib.SMTP_SSL):
    pass


def _connected(server: MailServer) -> smtplib.SMTP:
    """A connection, logged in. Raises OSError and SMTPException."""
    context = ssl.create_default_context()
    place = (server.host, server.port)
    smtp: smtplib.SMTP
    if server.security == "ssl":
        smtp = _Encrypted(*place, timeout=TIMEOUT_SECONDS, context=context)
    else:
        smtp = _Plain(*place, timeout=TIMEOUT_SECONDS)
    try:
        with _deadline(smtp):
            if server.security == "starttls":
                smtp.starttls(context=context)
            if server.user and server.password:
                smtp.login(server.user, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _deadline(smtp: smtplib.SMTP) -> AbstractContextManager[None]:
    """Shut the connection down if what is done takes too long."""

    def end() -> None:
        if smtp.sock is not None:
            shut_down(smtp.sock)

    return deadline(LONGEST_LETTER_SECONDS, end)


def _told(error: Exception) -> str:
    """What went wrong, without what the client sent: that may be a password."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_words(error.smtp_error)}"
    return type(error).__name__


def _words(answer: bytes | str) -> str:
    text = answer if isinstance(answer, str) else answer.decode(errors="replace")
    return excerpt(text, 200)
