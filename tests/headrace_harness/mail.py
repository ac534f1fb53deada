"""A real SMTP server that receives e-mail and answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import email
import email.policy
import ssl
import warnings
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME = "headrace"
PASSWORD = "s3cr3t-p@ssw0rd"


@dataclasses.dataclass(frozen=True, slots=True)
class Delivered:
    """One e-mail that was taken."""

    message: EmailMessage
    sender: str
    recipients: tuple[str, ...]
    is_encrypted: bool
    username: str
    """As whom the sender signed in; "" if not."""


class MailServer:
    """Keeps what it receives; use `a_mail_server`."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        """Answers to e-mails, in order; when they are used up, all further ones are taken."""
        self.resets = 0
        """So many connections are cut when the e-mail has come."""
        self.says_good_bye = True
        """False: who takes leave gets no answer."""
        self.delivered: list[Delivered] = []
        self.port = 0
        self.transports: list[asyncio.BaseTransport] = []
        self._changed = asyncio.Condition()

    async def got(self, count: int) -> list[Delivered]:
        """Return what was taken once it is at least `count`."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.delivered) >= count)
        return list(self.delivered)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take an e-mail, as aiosmtpd calls it."""
        if self.resets:
            self.resets -= 1
            transport: Any = server.transport
            transport.abort()
            return "451 never sent"
        if self.answers:
            return self.answers.pop(0)
        content: Any = envelope.content
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        login: Any = session.auth_data
        username = login.login.decode() if isinstance(login, LoginPassword) else ""
        is_encrypted = session.ssl is not None
        async with self._changed:
            self.delivered.append(
                Delivered(parsed, str(envelope.mail_from), tuple(envelope.rcpt_tos), is_encrypted, username)
            )
            self._changed.notify_all()
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answer who takes leave, as aiosmtpd calls it."""
        if not self.says_good_bye:
            # Until the connection is closed.
            await asyncio.get_running_loop().create_future()
        return "221 bye"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
    ) -> AuthResult:
        """Judge a user and a password, as aiosmtpd calls it."""
        is_known = isinstance(auth_data, LoginPassword) and auth_data == LoginPassword(
            USERNAME.encode(), PASSWORD.encode()
        )
        return AuthResult(success=is_known, handled=False, auth_data=auth_data)


@contextlib.asynccontextmanager
async def a_mail_server(
    context: ssl.SSLContext | None, *, security: str, wants_login: bool = True
) -> AsyncIterator[MailServer]:
    """Lend an SMTP server on a free port of loopback.

    Args:
        context: Its certificate.
        security: "starttls", "tls" or "none".
        wants_login: Whether nothing is taken of who did not sign in.
    """
    server = MailServer()
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # Over TLS from the first byte aiosmtpd does not know that it is encrypted, and warns of passwords.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                server,
                hostname="mail.test",
                loop=loop,
                require_starttls=security == "starttls",
                tls_context=context if security == "starttls" else None,
                auth_required=wants_login,
                auth_require_tls=security == "starttls",
                authenticator=server.authenticate if wants_login else None,
            )

    listening = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if security == "tls" else None)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
