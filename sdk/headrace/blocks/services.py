"""Blocks for secrets, code hosts, databases, registries, mail and web hooks."""

from __future__ import annotations

import asyncio
import email.message
import ipaddress
import json
import smtplib
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPMessage
from typing import IO, Any, Literal, NamedTuple

import pydantic

from headrace import errors
from headrace.blocks.core import Block
from headrace.blocks.fields import SecretDict, SecretStr, SecretValue


class Secret(Block):
    """One secret: a text, or any JSON value."""

    block_type_slug = "secret"

    value: SecretValue

    def get(self) -> Any:
        """Return the secret."""
        return self.value.get_secret_value()


class Json(Block):
    """Any JSON value, for all to see."""

    block_type_slug = "json"
    block_type_name = "JSON"

    value: Any


class GitCredentials(Block):
    """Who clones repositories over HTTPS: a token, with a user name where the host wants one."""

    block_type_slug = "git-credentials"
    block_type_name = "Git credentials"

    username: str | None = None
    token: SecretStr = pydantic.Field(description="A token, or a password.")

    def apply_to(self, url: str) -> str:
        """Return the URL of a repository with the credentials in it, for git alone: it must not be shown or logged.

        Raises:
            errors.InvalidArgument: The URL is not one of HTTPS, or has credentials already.
        """
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" or parts.hostname is None:
            raise errors.InvalidArgument.of_field("url", "must begin with https:// to be used with credentials")
        if parts.username is not None:
            raise errors.InvalidArgument.of_field("url", "has credentials already")
        user = self.username or _USERS_OF_HOSTS.get(parts.hostname, "x-access-token")
        who = f"{urllib.parse.quote(user, safe='')}:{urllib.parse.quote(self.token.get_secret_value(), safe='')}"
        return parts._replace(netloc=f"{who}@{parts.netloc}").geturl()


_USERS_OF_HOSTS = {"gitlab.com": "oauth2", "bitbucket.org": "x-token-auth"}


class DatabaseCredentials(Block):
    """How to connect to a database."""

    block_type_slug = "database-credentials"
    block_type_name = "Database credentials"

    driver: str = pydantic.Field(description="As SQLAlchemy names it, for example postgresql+psycopg.")
    host: str = "localhost"
    port: int | None = pydantic.Field(default=None, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    database: str = ""
    options: dict[str, str] = pydantic.Field(default_factory=dict, description="What follows the ? of the URL.")

    def url(self) -> str:
        """Return the URL of the database with the password in it: it must not be shown or logged."""
        who = ""
        if self.username is not None:
            who = urllib.parse.quote(self.username, safe="")
            if self.password is not None:
                who += ":" + urllib.parse.quote(self.password.get_secret_value(), safe="")
            who += "@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        query = f"?{urllib.parse.urlencode(self.options)}" if self.options else ""
        return f"{self.driver}://{who}{host}{port}/{urllib.parse.quote(self.database)}{query}"


class DockerRegistry(Block):
    """Who pulls and pushes images."""

    block_type_slug = "docker-registry"
    block_type_name = "Docker registry"

    registry_url: str = pydantic.Field(description="For example registry.example.org.")
    username: str
    password: SecretStr

    def auth_config(self) -> dict[str, str]:
        """Return what the Docker client takes as `auth_config`, the password in the open."""
        return {"username": self.username, "password": self.password.get_secret_value()}


class EmailServer(Block):
    """A server that mails are sent by."""

    block_type_slug = "email-server"
    block_type_name = "E-mail server"

    host: str
    port: int = pydantic.Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: str = pydantic.Field(description="The address that mails come from.")
    timeout_seconds: float = pydantic.Field(default=30.0, gt=0)

    def send(self, to: str | list[str], subject: str, body: str) -> None:
        """Send a mail.

        Raises:
            OSError: The server cannot be reached, or refuses it.
        """
        message = email.message.EmailMessage()
        message["From"] = self.sender
        message["To"] = to if isinstance(to, str) else ", ".join(to)
        message["Subject"] = subject
        message.set_content(body)
        context = ssl.create_default_context()
        connection: smtplib.SMTP = (
            smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_seconds, context=context)
            if self.security == "tls"
            else smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds)
        )
        with connection:
            if self.security == "starttls":
                connection.starttls(context=context)
            if self.username is not None and self.password is not None:
                connection.login(self.username, self.password.get_secret_value())
            connection.send_message(message)

    async def asend(self, to: str | list[str], subject: str, body: str) -> None:
        """Send a mail; as `send`."""
        await asyncio.to_thread(self.send, to, subject, body)


class WebhookAnswer(NamedTuple):
    """What a web hook answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Webhook(Block):
    """A URL that is called."""

    block_type_slug = "webhook"

    url: SecretStr = pydantic.Field(description="Hidden, as many have a token in them.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    headers: SecretDict = pydantic.Field(default_factory=lambda: SecretDict({}))
    timeout_seconds: float = pydantic.Field(default=30.0, gt=0)
    allow_private_urls: bool = pydantic.Field(
        default=True, description="False refuses addresses of private networks and of this machine."
    )

    @pydantic.field_validator("url")
    @classmethod
    def _check_url(cls, value: SecretStr) -> SecretStr:
        if urllib.parse.urlsplit(value.get_secret_value()).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        return value

    def call(self, payload: Any = None) -> WebhookAnswer:
        """Call the URL; redirects are not followed.

        Args:
            payload: Sent as JSON; None sends nothing.

        Returns:
            What was answered, whatever its status.

        Raises:
            errors.PermissionDenied: The address is a private one, which is not allowed.
            errors.Unavailable: Nobody answers.
        """
        url = self.url.get_secret_value()
        host = urllib.parse.urlsplit(url).hostname or ""
        if not self.allow_private_urls:
            _refuse_private(host)
        headers = {str(name): str(value) for name, value in self.headers.get_secret_value().items()}
        data = None
        if payload is not None:
            data = json.dumps(payload).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, data=data, headers=headers, method=self.method)
        try:
            with _opener.open(request, timeout=self.timeout_seconds) as response:
                return WebhookAnswer(response.status, dict(response.headers.items()), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return WebhookAnswer(error.code, dict(error.headers.items()), error.read())
        except OSError as error:
            # The error's text may have the URL in it.
            raise errors.Unavailable(f"the web hook at {host} does not answer: {type(error).__name__}") from None

    async def acall(self, payload: Any = None) -> WebhookAnswer:
        """Call the URL; as `call`."""
        return await asyncio.to_thread(self.call, payload)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def _refuse_private(host: str) -> None:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        raise errors.Unavailable(f"the web hook's host {host} is not known") from None
    if not all(ipaddress.ip_address(str(address).partition("%")[0]).is_global for address in found):
        raise errors.PermissionDenied(
            f"the web hook's host {host} has an address that is not public; set allow_private_urls to call it"
        )
