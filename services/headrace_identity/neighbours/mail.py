"""Invitations by e-mail, handed in to the SMTP server that the operator of this server named."""

from __future__ import annotations

import asyncio
import email.message
import email.policy
import email.utils
import logging
import ssl
from typing import Literal

import aiosmtplib

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 15.0
# An address literal: names are not looked up to say hello.
_HELLO = "[127.0.0.1]"


class InvitationMail:
    """Sends invitations.

    Args:
        host: Of the SMTP server.
        port: Of the SMTP server.
        security: How the connection is secured.
        username: Whom to sign in as; empty does not.
        password: For that.
        sender: Whom e-mails come from.
        authorities: PEM file of the authorities that are believed; None believes those of the machine.
        public_url: Where people reach this server.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        security: Literal["starttls", "tls", "none"],
        username: str,
        password: str,
        sender: str,
        authorities: str | None,
        public_url: str,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._username = username
        self._password = password
        self._sender = sender
        self._context = ssl.create_default_context(cafile=authorities)
        self._public_url = public_url

    async def send(self, address: str, token: str, inviter: str) -> bool:
        """Send the link of an invitation; returns whether the SMTP server has taken it."""
        mail = email.message.EmailMessage(policy=email.policy.SMTP)
        mail["From"] = self._sender
        mail["To"] = address
        mail["Subject"] = "Your invitation to Headrace"
        mail["Date"] = email.utils.localtime()
        mail["Message-ID"] = email.utils.make_msgid(domain=self._sender.rpartition("@")[2].strip(">") or None)
        # Behind the # it is told to no server on the way, and stands in no log.
        link = f"{self._public_url}/sign-in/invitation#{token}"
        mail.set_content(
            f"{_line(inviter)} invites you to Headrace at {self._public_url}.\n\n"
            f"Choose your password here; the link works once, for a week:\n\n{link}\n"
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await aiosmtplib.send(
                    mail,
                    hostname=self._host,
                    port=self._port,
                    username=self._username or None,
                    password=self._password or None,
                    local_hostname=_HELLO,
                    use_tls=self._security == "tls",
                    start_tls=self._security == "starttls",
                    tls_context=self._context,
                    timeout=TIMEOUT_SECONDS,
                )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # What a server answers may hold the address, but never the link.
            logger.warning("an invitation was not sent by %s: %s", self._host, str(error) or type(error).__name__)
            return False
        return True


def _line(text: str) -> str:
    return " ".join(text.split())[:200] or "Somebody"
