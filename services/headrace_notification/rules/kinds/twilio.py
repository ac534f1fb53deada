"""Twilio: text messages to a telephone."""

from __future__ import annotations

import base64
import urllib.parse
from typing import Annotated

import pydantic

from headrace_notification.rules.kinds.base import Config, HttpCall, Kind, Notice, Secret, Url, plain_text
from headrace_notification.rules.messages import cut

LONGEST_BODY = 1600


class TwilioConfig(Config):
    """An account of Twilio, and a number."""

    account_sid: Annotated[str, pydantic.Field(title="Account SID", pattern=r"^AC[0-9a-fA-F]{32}$")]
    auth_token: Annotated[Secret, pydantic.Field(title="Auth token")]
    from_number: Annotated[
        str,
        pydantic.Field(
            title="From",
            description="A number of yours (+15551234567), or the SID of a messaging service (MG...).",
            pattern=r"^(\+[1-9][0-9]{4,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11})$",
        ),
    ]
    to_number: Annotated[
        str,
        pydantic.Field(title="To", description="One number; make a channel for each.", pattern=r"^\+[1-9][0-9]{4,14}$"),
    ]
    base_url: Annotated[Url, pydantic.Field(title="API", description="Where Twilio's API is.")] = (
        "https://api.twilio.com"
    )


def build(config: TwilioConfig, notice: Notice) -> HttpCall:
    """Return the request that sends a text message."""
    sender = "MessagingServiceSid" if config.from_number.startswith("MG") else "From"
    form = {"To": config.to_number, sender: config.from_number, "Body": _body(notice)}
    token = base64.b64encode(f"{config.account_sid}:{config.auth_token}".encode()).decode()
    return HttpCall(
        f"{config.base_url.rstrip('/')}/2010-04-01/Accounts/{config.account_sid}/Messages.json",
        {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {token}"},
        urllib.parse.urlencode(form).encode(),
    )


def _body(notice: Notice) -> str:
    # The links at the end stay, whatever is cut.
    links = "".join(f"\n{text}: {url}" for text, url in notice.links_within(LONGEST_BODY // 2))
    return cut(plain_text(notice, links=False), LONGEST_BODY - len(links)) + links


TWILIO = Kind(
    kind="twilio",
    title="Twilio (SMS)",
    description="Sends text messages to a telephone.",
    config=TwilioConfig,
    build=build,
    most_per_minute=60,
    documentation_url="https://www.twilio.com/docs/messaging/api/message-resource",
)
