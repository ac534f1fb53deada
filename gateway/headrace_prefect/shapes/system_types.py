"""The types of blocks that come with Prefect's client, which it expects on every server.

Names of fields, their kinds and defaults are those of its classes, so that what is saved by hand can be loaded by
them; what is said of them is said here. The digests are those by which a client of this version knows its own
schemas: it takes a schema that has its digest for the one that its class has. Other versions register theirs.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from headrace.api.v1 import block_pb2
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.schemas import WHOLE

VERSION = "3.8.8"
"""Of the client whose digests these are."""

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_SECRET: Schema = {"type": "string", "format": "password", "writeOnly": True}
_NUMBER: Schema = {"type": "integer"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_WORDS: Schema = {"type": "object", "additionalProperties": _TEXT}
_FILES = ("get-directory", "put-directory", "read-path", "write-path")
_MESSAGES = ("notify",)


@dataclasses.dataclass(frozen=True, slots=True)
class SystemType:
    """A type of blocks."""

    slug: str
    name: str
    code: str
    """The class, as a module and a name."""
    description: str
    capabilities: tuple[str, ...]
    client_checksum: str
    properties: dict[str, Schema]
    """By name, in their order; required is what has no default."""
    secret_fields: tuple[str, ...] = ()

    @property
    def fields(self) -> Schema:
        """The schema as Prefect's client writes one."""
        return {
            "title": self.code.rpartition(".")[2],
            "description": self.description,
            "type": "object",
            "properties": {
                name: {**described, "position": place}
                for place, (name, described) in enumerate(self.properties.items())
            },
            "required": self._required,
            "secret_fields": list(self.secret_fields),
            "block_type_slug": self.slug,
            "block_schema_references": {},
        }

    @property
    def _required(self) -> list[str]:
        return [name for name, described in self.properties.items() if "default" not in described]

    def registration(self) -> block_pb2.RegisterBlockTypeRequest:
        """Return the request that makes the type known."""
        module, _, name = self.code.rpartition(".")
        stored = {
            "type": "object",
            "title": name,
            "properties": self.properties,
            "required": self._required,
            WHOLE: self.fields,
        }
        return block_pb2.RegisterBlockTypeRequest(
            slug=self.slug,
            name=self.name,
            description=self.description,
            code_example=f'from {module} import {name}\n\nblock = {name}.load("NAME")',
            schema=block_pb2.BlockSchema(
                fields=scalars.to_struct(stored),
                secret_fields=self.secret_fields,
                capabilities=self.capabilities,
                version=VERSION,
                client_checksum=f"sha256:{self.client_checksum}",
            ),
        )


def _field(kind: Schema, title: str, description: str, **more: Any) -> Schema:
    return {**kind, "title": title, "description": description, **more}


def _maybe(kind: Schema, title: str, description: str, default: Any = None) -> Schema:
    return {"anyOf": [kind, {"type": "null"}], "title": title, "description": description, "default": default}


def _yes_or_no(title: str, description: str, *, default: bool) -> Schema:
    return _field({"type": "boolean"}, title, description, default=default)


def _one_of(words: tuple[str, ...], title: str, description: str) -> Schema:
    return _field(_TEXT, title, description, enum=list(words), default=words[0])


_KIND = {"notify_type": _one_of(("info", "success", "warning", "failure"), "Kind", "How the message is marked.")}
_PRIVATE = {
    "allow_private_urls": _yes_or_no("Private addresses", "Whether addresses of private networks work.", default=True)
}
_METHOD = {"method": _one_of(("POST", "GET", "PUT", "PATCH", "DELETE"), "Method", "Of the request.")}
_ADDRESS = {"url": _field(_SECRET, "Address", "Where messages are posted; who knows it can post.")}
_NOTIFICATIONS = "prefect.blocks.notifications."

TYPES = (
    SystemType(
        "secret",
        "Secret",
        "prefect.blocks.system.Secret",
        "Keeps one value that nobody is to see: a text, or any JSON.",
        (),
        "c078ed9c1e813e224c0b353d7ad4564a11d51d3198d9ac0686478165a1911c78",
        {
            "value": {
                "title": "Value",
                "description": "What is kept.",
                "format": "password",
                "writeOnly": True,
                "anyOf": [{**_SECRET, "title": "Text"}, {"title": "JSON"}],
            }
        },
        ("value",),
    ),
    SystemType(
        "webhook",
        "Webhook",
        "prefect.blocks.webhook.Webhook",
        "Calls an address over HTTP.",
        (),
        "58bb03f0d84592252ad568ed9a8c899792ae5d0ad2dd4a2428e99674f9050cf1",
        {
            **_METHOD,
            "url": _field(_SECRET, "Address", "What is called."),
            "headers": _field({"type": "object"}, "Headers", "Sent along; their values are secrets.", default={}),
            **_PRIVATE,
            "verify": _yes_or_no("Check certificates", "Whether the other side has to prove who it is.", default=True),
        },
        ("url", "headers.*"),
    ),
    SystemType(
        "local-file-system",
        "Local File System",
        "prefect.filesystems.LocalFileSystem",
        "Keeps files, such as results, in a folder of the machine that a flow runs on.",
        _FILES,
        "0fc8b7f936f38f465715ef2df4a817ac9fe38b80bb01d5c6c9649a6da6ae6971",
        {"basepath": _maybe(_TEXT, "Folder", "Paths are within it; the home folder without it.")},
    ),
    SystemType(
        "remote-file-system",
        "Remote File System",
        "prefect.filesystems.RemoteFileSystem",
        "Keeps files, such as results, wherever fsspec can reach, like `s3://bucket/folder/`.",
        _FILES,
        "3bca63009aa57af6c7053fc17a2a336a1e1801bbb19ca2c5939b59afe435c531",
        {
            "basepath": _field(_TEXT, "Folder", "With the protocol; paths are within it."),
            "settings": _field({"type": "object"}, "Settings", "Passed on to fsspec.", default={}),
        },
    ),
    SystemType(
        "smb",
        "SMB",
        "prefect.filesystems.SMB",
        "Keeps files, such as results, on a share of a Windows or Samba server.",
        _FILES,
        "849cd014b777a64ee219f6b8b13c15b37c34ea4138d9224c4d45bf00ba2e4681",
        {
            "share_path": _field(_TEXT, "Path", "Of the share."),
            "smb_username": _maybe(_SECRET, "User", "Who signs in."),
            "smb_password": _maybe(_SECRET, "Password", "Of the user."),
            "smb_host": _field(_TEXT, "Host", "The server."),
            "smb_port": _maybe(_NUMBER, "Port", "Of the server; 445 without it."),
        },
        ("smb_username", "smb_password"),
    ),
    SystemType(
        "redisstoragecontainer",
        "RedisStorageContainer",
        "prefect.blocks.redis.RedisStorageContainer",
        "Keeps results in Redis.",
        ("read-path", "write-path"),
        "0b52fdc75627a6f204912189c7fb840d931fa158a07ec4e62cbd89d663d9732b",
        {
            "host": _maybe(_TEXT, "Host", "The server."),
            "port": _field(_NUMBER, "Port", "Of the server.", default=6379),
            "db": _field(_NUMBER, "Database", "Its number.", default=0),
            "username": _maybe(_SECRET, "User", "Who signs in."),
            "password": _maybe(_SECRET, "Password", "Of the user."),
            "connection_string": _maybe(_SECRET, "Address", "All of the above in one, in their place."),
        },
        ("username", "password", "connection_string"),
    ),
    SystemType(
        "slack-webhook",
        "Slack Webhook",
        f"{_NOTIFICATIONS}SlackWebhook",
        "Posts messages to a channel of Slack.",
        _MESSAGES,
        "415bae7e5906d98e387f8848ccdfd3f3b9cdf01624f08ca228709e1193ac005f",
        {**_KIND, **_ADDRESS, **_PRIVATE},
        ("url",),
    ),
    SystemType(
        "ms-teams-webhook",
        "Microsoft Teams Webhook",
        f"{_NOTIFICATIONS}MicrosoftTeamsWebhook",
        "Posts messages to a channel of Microsoft Teams.",
        _MESSAGES,
        "213ff858fcad8ecddb90a120636c5461fc8ad6fb2877188c9e79f07e6c390c7c",
        {
            **_KIND,
            **_ADDRESS,
            **_PRIVATE,
            "include_image": _yes_or_no("Picture", "Whether messages show one.", default=True),
            "wrap": _yes_or_no("Wrap", "Whether long lines are broken.", default=True),
        },
        ("url",),
    ),
    SystemType(
        "discord-webhook",
        "Discord Webhook",
        f"{_NOTIFICATIONS}DiscordWebhook",
        "Posts messages to a channel of Discord.",
        _MESSAGES,
        "b3ea94c0ce1573b22c0e7bf2457f5f52a210327e0f7be05c74970a246304b1e2",
        {
            **_KIND,
            "webhook_id": _field(_SECRET, "Id", "The first part of the webhook's address."),
            "webhook_token": _field(_SECRET, "Token", "The second part of the webhook's address."),
            "botname": _maybe(_TEXT, "Name", "Under which messages appear."),
            "tts": _yes_or_no("Speech", "Whether messages are read aloud.", default=False),
            "include_image": _yes_or_no("Picture", "Whether messages show one.", default=False),
            "avatar": _yes_or_no("Avatar", "Whether the sender has one.", default=False),
            "avatar_url": _maybe(_TEXT, "Address of the avatar", "In place of the webhook's own."),
        },
        ("webhook_id", "webhook_token"),
    ),
    SystemType(
        "mattermost-webhook",
        "Mattermost Webhook",
        f"{_NOTIFICATIONS}MattermostWebhook",
        "Posts messages to channels of Mattermost.",
        _MESSAGES,
        "34daad1160b59fb6d5c8fc59d09abb2cbf9c2283b7b9f6a76cbaad827002d14c",
        {
            **_KIND,
            "hostname": _field(_TEXT, "Host", "The server."),
            "secure": _yes_or_no("TLS", "Whether it is spoken to over TLS.", default=False),
            "token": _field(_SECRET, "Token", "The last part of the webhook's address."),
            "botname": _maybe(_TEXT, "Name", "Under which messages appear."),
            "channels": _maybe(_TEXTS, "Channels", "In place of the webhook's own."),
            "include_image": _yes_or_no("Picture", "Whether messages show one.", default=False),
            "path": _maybe(_TEXT, "Path", "Of the server, before that of the webhook."),
            "port": _field(_NUMBER, "Port", "Of the server.", default=8065),
        },
        ("token",),
    ),
    SystemType(
        "pager-duty-webhook",
        "Pager Duty Webhook",
        f"{_NOTIFICATIONS}PagerDutyWebHook",
        "Raises alerts in PagerDuty.",
        _MESSAGES,
        "78ccfd9313655493e834f59f515865f3160bd395b6003d6e664fefd1a6f49c86",
        {
            **_KIND,
            "integration_key": _field(_SECRET, "Integration key", "Of the service that is alerted."),
            "api_key": _field(_SECRET, "API key", "Of the account."),
            "source": _maybe(_TEXT, "Source", "Where alerts come from.", "Prefect"),
            "component": _field(_TEXT, "Component", "What alerts are about.", default="Notification"),
            "group": _maybe(_TEXT, "Group", "Of components."),
            "class_id": _maybe(_TEXT, "Class", "Of alerts."),
            "region_name": _one_of(("us", "eu"), "Region", "Of the account."),
            "clickable_url": _maybe({**_TEXT, "format": "uri"}, "Link", "Shown in alerts."),
            "include_image": _yes_or_no("Picture", "Whether alerts show one.", default=True),
            "custom_details": _maybe(_WORDS, "Details", "Shown in alerts."),
        },
        ("integration_key", "api_key"),
    ),
    SystemType(
        "opsgenie-webhook",
        "Opsgenie Webhook",
        f"{_NOTIFICATIONS}OpsgenieWebhook",
        "Raises alerts in Opsgenie.",
        _MESSAGES,
        "c9d307a75b69d82460134069d071804fefde0ec2c2b9aed67c90201fee041755",
        {
            **_KIND,
            "apikey": _field(_SECRET, "API key", "Of the integration."),
            "target_user": _maybe(_TEXTS, "Users", "Who are alerted."),
            "target_team": _maybe(_TEXTS, "Teams", "Which are alerted."),
            "target_schedule": _maybe(_TEXTS, "Schedules", "Who is on call by them is alerted."),
            "target_escalation": _maybe(_TEXTS, "Escalations", "By which alerts go on."),
            "region_name": _one_of(("us", "eu"), "Region", "Of the account."),
            "batch": _yes_or_no("Together", "Whether all targets are told by one alert.", default=False),
            "tags": _maybe(_TEXTS, "Tags", "Of alerts."),
            "priority": _maybe(_NUMBER, "Priority", "Of alerts, from 1 (low) to 5.", 3),
            "alias": _maybe(_TEXT, "Alias", "Alerts with the same one are one."),
            "entity": _maybe(_TEXT, "Entity", "What alerts are about."),
            "details": _maybe(_WORDS, "Details", "Shown in alerts."),
        },
        ("apikey",),
    ),
    SystemType(
        "twilio-sms",
        "Twilio SMS",
        f"{_NOTIFICATIONS}TwilioSMS",
        "Sends short messages through Twilio.",
        _MESSAGES,
        "2ab73fedd20ff1c25ffcc47f5b4a7a86c70c307321af1262f9d03defba5c8cc6",
        {
            **_KIND,
            "account_sid": _field(_TEXT, "Account", "Its SID."),
            "auth_token": _field(_SECRET, "Token", "Of the account."),
            "from_phone_number": _field(_TEXT, "Sender", "A number of the account."),
            "to_phone_numbers": _field(_TEXTS, "Receivers", "Their numbers."),
        },
        ("auth_token",),
    ),
    SystemType(
        "sendgrid-email",
        "Sendgrid Email",
        f"{_NOTIFICATIONS}SendgridEmail",
        "Sends mail through SendGrid.",
        _MESSAGES,
        "b67583d3b7ce215cd84a58ba42bb8936294cc1417ff3fe54d0fb08447932c6f2",
        {
            **_KIND,
            "api_key": _field(_SECRET, "API key", "Of the account."),
            "sender_email": _field(_TEXT, "Sender", "The address that mail comes from."),
            "to_emails": _field(_TEXTS, "Receivers", "Their addresses."),
        },
        ("api_key",),
    ),
    SystemType(
        "custom-webhook",
        "Custom Webhook",
        f"{_NOTIFICATIONS}CustomWebhookNotificationBlock",
        "Sends messages by a request of your own; `{{subject}}`, `{{body}}`, `{{name}}` and the names of its secrets "
        "stand for what they say.",
        _MESSAGES,
        "69076241f2b9959ae97554957a22ec428886b46f6ed4732af160e117d487c0cf",
        {
            "name": _field(_TEXT, "Name", "Of the request."),
            "url": _field(_TEXT, "Address", "What is called."),
            **_METHOD,
            "params": _maybe(_WORDS, "Query", "Parameters of the address."),
            "json_data": _maybe({"type": "object"}, "JSON", "The body, as JSON."),
            "form_data": {
                "anyOf": [_WORDS, _TEXT, {"type": "null"}],
                "title": "Form",
                "description": "The body, as a form or as it is; in place of JSON.",
                "default": None,
            },
            "headers": _maybe(_WORDS, "Headers", "Sent along."),
            "cookies": _maybe(_WORDS, "Cookies", "Sent along."),
            "timeout": _field({"type": "number"}, "Seconds", "So long an answer is waited for.", default=10),
            **_PRIVATE,
            "secrets": _field({"type": "object"}, "Secrets", "Values by name, for the fields above.", default={}),
        },
        ("secrets.*",),
    ),
)
BY_SLUG = {each.slug: each for each in TYPES}
