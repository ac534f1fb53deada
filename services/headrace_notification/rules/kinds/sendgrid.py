"""SendGrid: e-mail by its API."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

from headrace_notification.rules.kinds.base import (
    Config,
    HttpCall,
    Kind,
    Notice,
    Secret,
    Url,
    html_text,
    json_call,
    plain_text,
)
from headrace_notification.rules.kinds.email import EmailAddress
from headrace_notification.rules.messages import cut

LONGEST_SUBJECT = 250


class SendGridConfig(Config):
    """An API key of SendGrid, a sender and recipients."""

    api_key: Annotated[Secret, pydantic.Field(title="API key", description="With the right to send mail.")]
    from_address: Annotated[EmailAddress, pydantic.Field(title="From", description="A verified sender.")]
    from_name: Annotated[str, pydantic.Field(max_length=100, title="Sender's name")] = "Headrace"
    to_addresses: Annotated[tuple[EmailAddress, ...], pydantic.Field(min_length=1, max_length=50, title="To")]
    base_url: Annotated[
        Url, pydantic.Field(title="API", description="https://api.eu.sendgrid.com for accounts in Europe.")
    ] = "https://api.sendgrid.com"


def build(config: SendGridConfig, notice: Notice) -> HttpCall:
    """Return the request that sends an e-mail."""
    document: dict[str, Any] = {
        "personalizations": [
            {
                "to": [{"email": address} for address in config.to_addresses],
                "custom_args": {"headrace_delivery_id": notice.key},
            }
        ],
        "from": {"email": config.from_address, "name": config.from_name},
        "subject": cut(notice.message.subject, LONGEST_SUBJECT),
        # Plain text must come first.
        "content": [
            {"type": "text/plain", "value": plain_text(notice)},
            {"type": "text/html", "value": html_text(notice)},
        ],
        # So that opening the mail does not acknowledge by a rewritten link, and secrets of links stay here.
        "tracking_settings": {"click_tracking": {"enable": False, "enable_text": False}},
    }
    url = f"{config.base_url.rstrip('/')}/v3/mail/send"
    return json_call(url, document, Authorization=f"Bearer {config.api_key}")


SENDGRID = Kind(
    kind="sendgrid",
    title="SendGrid",
    description="Sends e-mail by SendGrid's API.",
    config=SendGridConfig,
    build=build,
    most_per_minute=600,
    documentation_url="https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send",
)
