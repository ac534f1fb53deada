"""E-mail by an SMTP server of one's own."""

from __future__ import annotations

import email.headerregistry
import email.message
import email.policy
import email.utils
import hashlib
import re
from typing import Annotated, Literal

import pydantic

from headrace_notification.rules.kinds.base import Config, Kind, Mail, Notice, Secret, html_text, plain_text
from headrace_notification.rules.messages import cut, one_line

LONGEST_SUBJECT = 250

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


def _checked_address(address: str) -> str:
    local = address.partition("@")[0]
    if not _ADDRESS.fullmatch(address) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise ValueError("must be an e-mail address, for example team@example.org")
    return address


def _checked_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError("must be the name or the address of a host, without a scheme")
    return host


EmailAddress = Annotated[str, pydantic.Field(max_length=254), pydantic.AfterValidator(_checked_address)]


class EmailConfig(Config):
    """An SMTP server, a sender and recipients."""

    host: Annotated[
        str, pydantic.Field(title="Host", description="Of the SMTP server."), pydantic.AfterValidator(_checked_host)
    ]
    port: Annotated[
        int, pydantic.Field(ge=1, le=65535, title="Port", description="As a rule 587 with STARTTLS, 465 with TLS.")
    ] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        pydantic.Field(title="Encryption", description="With starttls, a server that does not offer it is refused."),
    ] = "starttls"
    username: Annotated[str, pydantic.Field(max_length=255, title="User")] = ""
    password: Annotated[Secret | None, pydantic.Field(title="Password")] = None
    from_address: Annotated[EmailAddress, pydantic.Field(title="From")]
    from_name: Annotated[str, pydantic.Field(max_length=100, title="Sender's name")] = "Headrace"
    to_addresses: Annotated[tuple[EmailAddress, ...], pydantic.Field(min_length=1, max_length=50, title="To")]
    ca_certificate: Annotated[
        str,
        pydantic.Field(
            max_length=100_000,
            title="CA certificate",
            description="PEM of who signed the server's certificate, if private.",
        ),
    ] = ""

    @pydantic.model_validator(mode="after")
    def _is_whole(self) -> EmailConfig:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password belong together")
        if self.password and self.security == "none":
            raise ValueError("a password is not sent without encryption: security must be starttls or tls")
        return self


def build(config: EmailConfig, notice: Notice) -> Mail:
    """Return the e-mail, as text and as HTML."""
    message = notice.message
    domain = config.from_address.rpartition("@")[2]
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["From"] = email.headerregistry.Address(one_line(config.from_name), addr_spec=config.from_address)
    mail["To"] = ", ".join(config.to_addresses)
    mail["Subject"] = cut(one_line(message.subject), LONGEST_SUBJECT)
    mail["Date"] = email.utils.formatdate(notice.sent_at)
    # The same in all tries, so that a mailbox that gets it twice shows it once.
    mail["Message-ID"] = f"<{_digest(notice.key)}@{domain}>"
    if message.incident_key:
        mail["References"] = f"<matter.{_digest(message.incident_key)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Headrace-Delivery-Id"] = one_line(notice.key)
    mail.set_content(plain_text(notice))
    mail.add_alternative(html_text(notice), subtype="html")
    return Mail(
        host=config.host,
        port=config.port,
        security=config.security,
        username=config.username,
        password=config.password or "",
        ca_certificate=config.ca_certificate,
        sender=config.from_address,
        recipients=config.to_addresses,
        content=mail.as_bytes(),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


EMAIL = Kind(
    kind="email",
    title="E-mail (SMTP)",
    description="Sends e-mail by an SMTP server of your own. One in a private network must be on the server's egress "
    "allow-list.",
    config=EmailConfig,
    build=build,
    most_per_minute=120,
    documentation_url="https://www.rfc-editor.org/rfc/rfc5321",
)
