"""The requests that services for messages document, checked; and what they answer.

Each check is written from the vendor's public documentation, with its limits, and knows nothing of how Headrace makes
the requests.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from headrace_harness.receiver import Received, Reply

TOKEN = "s3cr3t" + "0" * 26
"""Of 32 characters, as some vendors want."""
TELEGRAM_TOKEN = "123456:s3cr3t-AAE"
TWILIO_SID = "AC" + "0" * 32


def _json(received: Received) -> Any:
    assert received.method == "POST"
    assert received.headers["content-type"].partition(";")[0] == "application/json"
    assert received.headers["headrace-delivery-id"]
    return json.loads(received.body)


def _only(document: Mapping[str, Any], *names: str) -> None:
    assert set(document) <= set(names), set(document) - set(names)


def _text(text: Any, longest: int, shortest: int = 1) -> str:
    assert isinstance(text, str)
    assert shortest <= len(text) <= longest, (len(text), longest)
    return text


def _url(text: Any, longest: int = 3000) -> str:
    assert re.match("https?://", _text(text, longest))
    return str(text)


def _slack_blocks(document: Mapping[str, Any]) -> str:
    _text(document["text"], 40_000)
    blocks = document["blocks"]
    assert 1 <= len(blocks) <= 50
    for block in blocks:
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            _text(block["text"]["text"], 150)
        elif block["type"] == "section":
            assert "text" in block or block["fields"]
            if "text" in block:
                _mrkdwn(block["text"], 3000)
            fields = block.get("fields", [])
            assert len(fields) <= 10
            for field in fields:
                _mrkdwn(field, 2000)
        else:
            assert block["type"] == "actions"
            assert 1 <= len(block["elements"]) <= 25
            assert len({element["action_id"] for element in block["elements"]}) == len(block["elements"])
            for element in block["elements"]:
                assert element["type"] == "button"
                assert element["text"]["type"] == "plain_text"
                _text(element["text"]["text"], 75)
                _url(element["url"])
    return json.dumps(document)


def _mrkdwn(text: Mapping[str, Any], longest: int) -> None:
    assert text["type"] == "mrkdwn"
    shown = _text(text["text"], longest)
    # Nothing but escaped characters: no mention, no link, no cut entity.
    assert "<" not in shown
    assert ">" not in shown
    assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


def slack(received: Received) -> str:
    """Check a call of an incoming webhook of Slack."""
    document = _json(received)
    _only(document, "text", "blocks")
    return _slack_blocks(document)


def slack_bot(received: Received) -> str:
    """Check a call of `chat.postMessage`."""
    assert received.path == "/chat.postMessage"
    assert received.headers["authorization"] == f"Bearer {TOKEN}"
    document = _json(received)
    _only(document, "channel", "text", "blocks", "unfurl_links")
    assert document["channel"] == "C0123456"
    return _slack_blocks(document)


def teams(received: Received) -> str:
    """Check what the webhook of a workflow of Microsoft Teams takes."""
    document = _json(received)
    assert len(received.body) <= 28 * 1024
    assert document["type"] == "message"
    [attachment] = document["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["$schema"]) == ("AdaptiveCard", "http://adaptivecards.io/schemas/adaptive-card.json")
    assert re.fullmatch(r"1\.[0-5]", card["version"])
    for element in card["body"]:
        if element["type"] == "TextBlock":
            assert element["text"]
        else:
            assert element["type"] == "FactSet"
            assert all(set(fact) == {"title", "value"} for fact in element["facts"])
    assert len(card["actions"]) <= 6
    for action in card["actions"]:
        assert action["type"] == "Action.OpenUrl"
        _url(action["url"])
    return json.dumps(card)


def discord(received: Received) -> str:
    """Check a call of a webhook of Discord."""
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(received.path).query)["wait"] == ["true"]
    document = _json(received)
    _only(document, "embeds", "allowed_mentions", "username")
    assert document["allowed_mentions"] == {"parse": []}
    _text(document.get("username", "x"), 80)
    [embed] = document["embeds"]
    texts = [_text(embed["title"], 256), _text(embed.get("description", "x"), 4096)]
    assert isinstance(embed["color"], int)
    assert len(embed["fields"]) <= 25
    for field in embed["fields"]:
        texts += [_text(field["name"], 256), _text(field["value"], 1024)]
        assert isinstance(field["inline"], bool)
    assert sum(map(len, texts)) <= 6000
    return json.dumps(document)


def mattermost(received: Received) -> str:
    """Check a call of an incoming webhook of Mattermost."""
    document = _json(received)
    _only(document, "attachments", "channel", "username")
    [attachment] = document["attachments"]
    _only(attachment, "fallback", "color", "title", "title_link", "text", "fields")
    assert re.fullmatch("#[0-9a-f]{6}", attachment["color"])
    assert len(received.body.decode()) <= 4 * 16_383
    texts = [attachment["text"], attachment["title"], *(field["value"] for field in attachment["fields"])]
    assert sum(map(len, texts)) <= 16_383
    assert not re.search(r"@(all|channel|here)\b", attachment["text"] + attachment["title"])
    assert all(set(field) == {"title", "value", "short"} for field in attachment["fields"])
    return json.dumps(attachment)


def telegram(received: Received) -> str:
    """Check a call of `sendMessage`."""
    assert received.path == f"/bot{TELEGRAM_TOKEN}/sendMessage"
    document = _json(received)
    assert document["chat_id"] == "-100123"
    assert document["parse_mode"] == "HTML"
    text = document["text"]
    bare = re.sub("</?b>", "", text)
    assert "<" not in bare
    assert ">" not in bare
    assert not re.search(r"&(?!amp;|lt;|gt;)", bare)
    _text(bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), 4096)
    for row in document.get("reply_markup", {}).get("inline_keyboard", []):
        for button in row:
            _text(button["text"], 64)
            _url(button["url"])
    return json.dumps(document)


def google_chat(received: Received) -> str:
    """Check a call of a webhook of Google Chat."""
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(received.path).query)
    assert query["key"] == ["k"]
    assert query["token"] == [TOKEN]
    assert query["messageReplyOption"] == ["REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"]
    document = _json(received)
    assert len(received.body) <= 32_000
    assert _text(document["thread"]["threadKey"], 4000)
    _text(document["text"], 4096)
    [card] = document["cardsV2"]
    assert card["cardId"]
    assert card["card"]["header"]["title"]
    for section in card["card"].get("sections", []):
        for widget in section["widgets"]:
            [(kind, value)] = widget.items()
            assert kind in ("textParagraph", "decoratedText", "buttonList")
            for button in value["buttons"] if kind == "buttonList" else ():
                _url(button["onClick"]["openLink"]["url"])
    return json.dumps(document)


def pagerduty(received: Received) -> str:
    """Check an event of version 2."""
    assert received.path == "/v2/enqueue"
    document = _json(received)
    assert len(received.body) <= 512 * 1024
    _only(document, "routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images")
    assert document["routing_key"] == TOKEN
    _text(document["dedup_key"], 255)
    assert document["event_action"] in ("trigger", "resolve")
    if document["event_action"] == "trigger":
        payload = document["payload"]
        _only(payload, "summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details")
        _text(payload["summary"], 1024)
        _text(payload["source"], 255)
        assert payload["severity"] in ("critical", "error", "warning", "info")
        for link in document["links"]:
            _url(link["href"])
    return json.dumps(document)


def opsgenie(received: Received) -> str:
    """Check the creation or the closing of an alert."""
    assert received.headers["authorization"] == f"GenieKey {TOKEN}"
    document = _json(received)
    path = urllib.parse.urlsplit(received.path)
    if path.path != "/v2/alerts":
        assert re.fullmatch(r"/v2/alerts/[^/]{1,512}/close", path.path)
        assert urllib.parse.parse_qs(path.query)["identifierType"] == ["alias"]
        return json.dumps(document)
    _only(document, "message", "alias", "description", "priority", "source", "tags", "details", "responders", "entity")
    _text(document["message"], 130)
    _text(document["alias"], 512)
    _text(document["description"], 15_000)
    _text(document["source"], 100)
    assert re.fullmatch("P[1-5]", document["priority"])
    assert len(document["tags"]) <= 20
    assert all(len(tag) <= 50 for tag in document["tags"])
    assert sum(len(name) + len(value) for name, value in document["details"].items()) <= 8000
    assert document["responders"] == [{"type": "team", "name": "ops"}, {"type": "user", "username": "a@example.org"}]
    return json.dumps(document)


def twilio(received: Received) -> str:
    """Check the creation of a message."""
    assert received.path == f"/2010-04-01/Accounts/{TWILIO_SID}/Messages.json"
    credentials = base64.b64decode(received.headers["authorization"].removeprefix("Basic ")).decode()
    assert credentials == f"{TWILIO_SID}:{TOKEN}"
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    form = urllib.parse.parse_qs(received.body.decode("ascii"), strict_parsing=True)
    assert set(form) == {"To", "From", "Body"}
    assert form["To"] == ["+4915112345678"]
    assert form["From"] == ["+15551234567"]
    return _text(form["Body"][0], 1600)


def sendgrid(received: Received) -> str:
    """Check the sending of an e-mail."""
    assert received.path == "/v3/mail/send"
    assert received.headers["authorization"] == f"Bearer {TOKEN}"
    document = _json(received)
    assert len(received.body) <= 30 * 1024 * 1024
    [personalization] = document["personalizations"]
    assert personalization["to"] == [{"email": "b@example.org"}, {"email": "c@example.org"}]
    assert len(json.dumps(personalization["custom_args"])) <= 10_000
    assert document["from"]["email"] == "a@example.org"
    assert "\n" not in _text(document["subject"], 998)
    assert [part["type"] for part in document["content"]] == ["text/plain", "text/html"]
    assert all(part["value"] for part in document["content"])
    assert "<script" not in document["content"][1]["value"]
    return json.dumps(document)


def webhook(received: Received) -> str:
    """Check a call that is signed with the time."""
    assert received.method == "PUT"
    assert received.headers["x-token"] == TOKEN
    stamp, digest = (part.partition("=")[2] for part in received.headers["headrace-signature"].split(","))
    signed = stamp.encode() + b"." + received.body
    assert hmac.compare_digest(digest, hmac.new(TOKEN.encode(), signed, hashlib.sha256).hexdigest())
    document = json.loads(received.body)
    assert set(document) == {
        *("subject", "body", "severity", "link", "facts", "links", "incident_key", "resolves", "plural", "key"),
        "acknowledge_url",
    }
    return json.dumps(document)


@dataclasses.dataclass(frozen=True, slots=True)
class Vendor:
    """A service for messages."""

    kind: str
    config: Callable[[str], dict[str, Any]]
    """Configures a channel whose counterpart listens at a base URL."""
    check: Callable[[Received], str]
    """Checks a request and returns what it tells."""
    accepted: Reply
    busy: Reply = dataclasses.field(
        default_factory=lambda: Reply(429, {"Retry-After": "1"}, b'{"error": "too many requests"}')
    )


_OK = Reply(200, {"Content-Type": "text/plain"}, b"ok")

VENDORS = {
    vendor.kind: vendor
    for vendor in (
        Vendor("slack", lambda base: {"webhook_url": f"{base}/services/T0/B0/{TOKEN}"}, slack, _OK),
        Vendor(
            "slack-bot",
            lambda base: {"token": TOKEN, "channel": "C0123456", "base_url": base},
            slack_bot,
            Reply(200, body=b'{"ok": true, "ts": "1.2"}'),
            Reply(429, {"Retry-After": "1"}, b'{"ok": false, "error": "ratelimited"}'),
        ),
        Vendor("teams", lambda base: {"webhook_url": f"{base}/workflows/x?sig={TOKEN}"}, teams, Reply(202, body=b"")),
        Vendor(
            "discord",
            lambda base: {"webhook_url": f"{base}/api/webhooks/1/{TOKEN}?thread_id=5", "username": "Headrace"},
            discord,
            Reply(200, body=b'{"id": "1"}'),
            Reply(429, body=b'{"message": "You are being rate limited.", "retry_after": 0.8, "global": false}'),
        ),
        Vendor("mattermost", lambda base: {"webhook_url": f"{base}/hooks/{TOKEN}", "channel": "ops"}, mattermost, _OK),
        Vendor(
            "telegram",
            lambda base: {"token": TELEGRAM_TOKEN, "chat_id": "-100123", "base_url": base},
            telegram,
            Reply(200, body=b'{"ok": true, "result": {}}'),
            Reply(429, body=b'{"ok": false, "error_code": 429, "parameters": {"retry_after": 1}}'),
        ),
        Vendor(
            "google-chat",
            lambda base: {"webhook_url": f"{base}/v1/spaces/S/messages?key=k&token={TOKEN}"},
            google_chat,
            Reply(200, body=b'{"name": "spaces/S/messages/1"}'),
        ),
        Vendor(
            "pagerduty",
            lambda base: {"routing_key": TOKEN, "base_url": base},
            pagerduty,
            Reply(202, body=b'{"status": "success"}'),
        ),
        Vendor(
            "opsgenie",
            lambda base: {
                "api_key": TOKEN,
                "base_url": base,
                "responders": [{"type": "team", "name": "ops"}, {"type": "user", "name": "a@example.org"}],
                "tags": ["headrace"],
            },
            opsgenie,
            Reply(202, body=b'{"result": "Request will be processed"}'),
        ),
        Vendor(
            "twilio",
            lambda base: {
                "account_sid": TWILIO_SID,
                "auth_token": TOKEN,
                "from_number": "+15551234567",
                "to_number": "+4915112345678",
                "base_url": base,
            },
            twilio,
            Reply(201, body=b'{"sid": "SM1", "status": "queued"}'),
        ),
        Vendor(
            "sendgrid",
            lambda base: {
                "api_key": TOKEN,
                "from_address": "a@example.org",
                "to_addresses": ["b@example.org", "c@example.org"],
                "base_url": base,
            },
            sendgrid,
            Reply(202, body=b""),
        ),
        Vendor(
            "webhook",
            lambda base: {
                "url": f"{base}/x",
                "method": "PUT",
                "headers": {"X-Token": TOKEN},
                "signing_secret": TOKEN,
            },
            webhook,
            _OK,
        ),
    )
}
"""Those that take HTTP requests, by the kind of channel."""
