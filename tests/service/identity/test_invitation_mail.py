"""Invitations by e-mail, with a real SMTP server."""

from __future__ import annotations

import pathlib
import re
import ssl
from typing import Any

import pytest

from headrace_harness.certificates import Authority
from headrace_harness.mail import PASSWORD, USERNAME, a_mail_server
from headrace_harness.members import guarded_stack


def secured(folder: pathlib.Path) -> tuple[ssl.SSLContext, pathlib.Path]:
    """Return the server's side of TLS, and the authority that signed it."""
    authority = Authority.new()
    (folder / "ca.pem").write_bytes(authority.certificate)
    authority.issue("localhost", folder / "mail.pem", folder / "mail.key", serial=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "mail.pem", folder / "mail.key")
    return context, folder / "ca.pem"


def settings(port: int, **more: Any) -> dict[str, Any]:
    return {
        "smtp_host": "localhost",
        "smtp_port": port,
        "smtp_username": USERNAME,
        "smtp_password": PASSWORD,
        "smtp_sender": "Headrace <headrace@example.org>",
        "public_url": "https://headrace.example.org",
        **more,
    }


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_invitation_comes_by_mail_and_its_link_works_once(
    database_url: str, tmp_path: pathlib.Path, security: str
) -> None:
    context, ca = secured(tmp_path)
    async with a_mail_server(context, security=security) as mail:
        chosen = settings(mail.port, smtp_security=security, smtp_ca_file=ca)
        async with guarded_stack(database_url, **chosen) as owner:
            made = await owner.post("/v1/invitations", {"email": "bob@example.org", "role": "viewer"})
            assert made["emailed"] is True
            (delivered,) = await mail.got(1)
            assert delivered.recipients == ("bob@example.org",)
            assert delivered.is_encrypted or security == "tls"
            assert delivered.username == USERNAME
            text = delivered.message.get_content()
            link = re.search(r"https://headrace\.example\.org/sign-in/invitation#(\S+)", text)
            assert link is not None, text
            accept = {"token": link[1], "display_name": "Bob"}
            answer = await owner.stack.http.post("/v1/invitations:accept", json=accept)
            assert answer.status_code == 200, answer.text
            assert answer.json()["user"]["email"] == "bob@example.org"
            again = await owner.stack.http.post("/v1/invitations:accept", json=accept)
            assert again.status_code in (401, 403, 404, 409)


async def test_an_invitation_stands_where_the_mail_server_takes_nothing(
    database_url: str, tmp_path: pathlib.Path
) -> None:
    context, _ = secured(tmp_path)
    # Its certificate is signed by nobody whom this machine believes.
    async with (
        a_mail_server(context, security="starttls") as mail,
        guarded_stack(database_url, **settings(mail.port)) as owner,
    ):
        made = await owner.post("/v1/invitations", {"email": "bob@example.org", "role": "viewer"})
        assert made["emailed"] is False
        assert made["token"].startswith("hri_")
        assert mail.delivered == []
