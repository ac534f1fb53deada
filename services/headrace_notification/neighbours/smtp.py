"""E-mail, handed in to SMTP servers of users by the way out that keeps them from where only the server can reach."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl

import aiosmtplib

from headrace_chassis.egress import Egress, EgressRefused
from headrace_notification.rules.deliveries import Answer, Result
from headrace_notification.rules.kinds.base import Mail

# An address literal: names are not looked up to say hello.
_HELLO = "[127.0.0.1]"

_GOOD_BYE_SECONDS = 2.0


class SmtpSender:
    """Hands e-mail in.

    Args:
        timeout_seconds: For a whole e-mail.
        egress: Makes the connections.
    """

    def __init__(self, *, timeout_seconds: float, egress: Egress) -> None:
        self._timeout_seconds = timeout_seconds
        self._egress = egress

    async def send(self, mail: Mail) -> Answer:
        """Hand it in and return what came of it. The answer may hold secrets."""
        try:
            async with asyncio.timeout(self._timeout_seconds) as limit:
                return await self._send(mail, limit)
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            return Answer(Result.AGAIN, f"no answer within {self._timeout_seconds:g} s")
        except EgressRefused as error:
            return Answer(Result.REFUSED, str(error))
        except aiosmtplib.SMTPRecipientsRefused as error:
            text = "; ".join(f"{each.recipient}: {each.code} {each.message}" for each in error.recipients)
            codes = [each.code for each in error.recipients]
            passes = any(code < 500 for code in codes)
            return Answer(Result.AGAIN if passes else Result.REFUSED, text, max(codes, default=0))
        except aiosmtplib.SMTPResponseException as error:
            passes = not 500 <= error.code < 600
            return Answer(Result.AGAIN if passes else Result.REFUSED, f"{error.code} {error.message}", error.code)
        except aiosmtplib.SMTPNotSupported as error:
            return Answer(Result.REFUSED, f"the server does not offer it: {error}")
        except (aiosmtplib.SMTPException, OSError) as error:
            # Without a class of its own: the server lacks an extension, such as STARTTLS or AUTH.
            lacks = type(error) is aiosmtplib.SMTPException
            return Answer(Result.REFUSED if lacks else Result.AGAIN, f"{type(error).__name__}: {error}")

    async def _send(self, mail: Mail, limit: asyncio.Timeout) -> Answer:
        try:
            context = _context(mail.ca_certificate)
        except (ssl.SSLError, ValueError) as error:
            return Answer(Result.REFUSED, f"the CA certificate cannot be read: {error}")
        try:
            connection = await self._egress.connect(mail.host, mail.port)
        except OSError as error:
            return Answer(Result.AGAIN, f"{mail.host} cannot be reached: {error}")
        client = aiosmtplib.SMTP(
            # The certificate is checked against the name, wherever the connection goes.
            hostname=mail.host,
            sock=connection,
            username=mail.username or None,
            password=mail.password or None,
            local_hostname=_HELLO,
            timeout=self._timeout_seconds,
            use_tls=mail.security == "tls",
            start_tls=mail.security == "starttls",
            tls_context=context,
        )
        # From here on the connection is the client's, which closes it in any case.
        try:
            await client.connect()
            refused, text = await client.sendmail(mail.sender, list(mail.recipients), mail.content)
            # It is handed in, whatever becomes of the good-bye: nobody shall get it twice for that.
            limit.reschedule(None)
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_GOOD_BYE_SECONDS)
        finally:
            client.close()
        if refused:
            text += "; refused for " + ", ".join(f"{address}: {code} {why}" for address, (code, why) in refused.items())
        return Answer(Result.DONE, text, 250)


@functools.lru_cache(maxsize=16)
def _context(ca_certificate: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca_certificate or None)
