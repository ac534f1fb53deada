"""`headrace identity-provider ...`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from headrace import errors
from headrace.api.v1 import identity_provider_pb2 as pb
from headrace.cli import lookup, output


@click.group("identity-provider")
def command() -> None:
    """Say who else vouches for people and machines."""


@command.command("set-oidc")
@click.argument("handle")
@click.option("--name", default="", metavar="TEXT", help="What people read on the button.")
@click.option("--issuer", required=True, metavar="URL", help="The provider's address, exactly as it says itself.")
@click.option("--client-id", required=True, metavar="TEXT", help="What the provider knows this server as.")
@click.option("--client-secret", is_flag=True, help="Read the secret from standard input; without, it stays as it is.")
@click.option("--scope", "scopes", multiple=True, metavar="TEXT", help="Ask for this; may be repeated.")
@click.option("--groups-claim", default="", metavar="TEXT", help="The claim with the groups.  [default: groups]")
@click.option(
    "--group-role",
    "group_roles",
    multiple=True,
    metavar="GROUP=ROLE[@WORKSPACE]",
    help="Members of the group hold the role, in the account or a workspace (by id); may be repeated.",
)
@click.option("--creates-users/--knows-users", default=False, help="Whether who is not known yet becomes a user.")
@click.option(
    "--emails-are-proven",
    is_flag=True,
    help="Believe e-mail addresses of which it does not say whether they are verified.",
)
@click.option("--disabled", is_flag=True, help="Keep it, but let nobody sign in with it.")
@output.output_option
def set_oidc(
    handle: str,
    name: str,
    issuer: str,
    client_id: str,
    client_secret: bool,
    scopes: tuple[str, ...],
    groups_claim: str,
    group_roles: tuple[str, ...],
    creates_users: bool,
    emails_are_proven: bool,
    disabled: bool,
    as_json: bool,
) -> None:
    """Let people sign in with OpenID Connect. The provider must know the address <server>/sign-in/callback."""
    provider = pb.IdentityProvider(
        handle=handle, name=name, enabled=not disabled, creates_users=creates_users, group_roles=_roles(group_roles)
    )
    provider.oidc.issuer, provider.oidc.client_id = issuer, client_id
    provider.oidc.scopes.extend(scopes)
    provider.oidc.groups_claim = groups_claim
    provider.oidc.emails_are_proven = emails_are_proven
    if client_secret:
        provider.oidc.client_secret = sys.stdin.readline().rstrip("\r\n")
    _set(provider, as_json)


@command.command("set-jwt")
@click.argument("handle")
@click.option("--issuer", required=True, metavar="URL", help="Who writes the tokens, as in them.")
@click.option("--audience", required=True, metavar="TEXT", help="Whom the tokens have to be for.")
@click.option("--jwks-url", default="", metavar="URL", help="Where the issuer's keys are, if it does not say itself.")
@click.option(
    "--map",
    "mappings",
    multiple=True,
    metavar="CLAIM=VALUE:SERVICE_ACCOUNT_ID",
    help="Tokens with the claim act as the service account; * at the end of the value stands for anything.",
)
@click.option("--disabled", is_flag=True, help="Keep it, but take none of its tokens.")
@output.output_option
def set_jwt(
    handle: str,
    issuer: str,
    audience: str,
    jwks_url: str,
    mappings: tuple[str, ...],
    disabled: bool,
    as_json: bool,
) -> None:
    """Let machines in with the tokens of an issuer, such as a CI system, in place of API keys."""
    provider = pb.IdentityProvider(handle=handle, enabled=not disabled)
    provider.jwt.issuer, provider.jwt.audience, provider.jwt.jwks_url = issuer, audience, jwks_url
    for text in mappings:
        left, separator, account = text.rpartition(":")
        claim, equals, value = left.partition("=")
        if not separator or not equals:
            raise errors.InvalidArgument.of_field("--map", f"{text!r} is not CLAIM=VALUE:SERVICE_ACCOUNT_ID")
        provider.jwt.mappings.add(claim=claim, value=value, service_account_id=account)
    _set(provider, as_json)


@command.command("set-ldap")
@click.argument("handle")
@click.option("--name", default="", metavar="TEXT", help="What people read on the sign-in page.")
@click.option("--url", required=True, metavar="URL", help="ldap://host:port with StartTLS, or ldaps://host:port.")
@click.option("--in-the-clear", is_flag=True, help="Without TLS; only with a directory on the server's own machine.")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificates of the authorities that are believed, PEM.",
)
@click.option("--bind-dn", default="", metavar="DN", help="The entry that searches; without, nobody in particular.")
@click.option("--bind-password", is_flag=True, help="Read its password from standard input; without, it stays.")
@click.option("--user-base", required=True, metavar="DN", help="Below which entry people are.")
@click.option(
    "--user-filter",
    default="",
    metavar="FILTER",
    help="Finds a person by {name}.  [default: (|(uid={name})(mail={name}))]",
)
@click.option("--subject-attribute", default="", metavar="NAME", help="Never changes.  [default: entryUUID]")
@click.option("--email-attribute", default="", metavar="NAME", help="[default: mail]")
@click.option("--name-attribute", default="", metavar="NAME", help="[default: cn]")
@click.option(
    "--group-base", default="", metavar="DN", help="Below which entry groups are; without, memberOf tells them."
)
@click.option("--group-filter", default="", metavar="FILTER", help="Finds groups by {dn}.  [default: (member={dn})]")
@click.option("--group-attribute", default="", metavar="NAME", help="The name of a group.  [default: cn]")
@click.option(
    "--group-role",
    "group_roles",
    multiple=True,
    metavar="GROUP=ROLE[@WORKSPACE]",
    help="Members of the group hold the role, in the account or a workspace (by id); may be repeated.",
)
@click.option("--creates-users/--knows-users", default=False, help="Whether who is not known yet becomes a user.")
@click.option("--disabled", is_flag=True, help="Keep it, but let nobody sign in with it.")
@output.output_option
def set_ldap(
    handle: str,
    name: str,
    ca_file: Path | None,
    bind_password: bool,
    group_roles: tuple[str, ...],
    creates_users: bool,
    disabled: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Let people sign in with the passwords that a directory knows (LDAP)."""
    provider = pb.IdentityProvider(
        handle=handle, name=name, enabled=not disabled, creates_users=creates_users, group_roles=_roles(group_roles)
    )
    provider.ldap.MergeFrom(pb.LdapProvider(**settings))
    if ca_file is not None:
        provider.ldap.ca_certificates = ca_file.read_text(encoding="ascii", errors="replace")
    if bind_password:
        provider.ldap.bind_password = sys.stdin.readline().rstrip("\r\n")
    _set(provider, as_json)


@command.command("ls")
@output.output_option
def list_providers(as_json: bool) -> None:
    """List identity providers."""
    stub = lookup.client().identity_providers

    def page(token: str, size: int) -> pb.ListIdentityProvidersResponse:
        return stub.ListIdentityProviders(pb.ListIdentityProvidersRequest(page_size=size, page_token=token))

    found = list(lookup.pages(page, "providers", 0))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Identity providers",
        ["HANDLE", "KIND", ("ADDRESS", {"ratio": 1}), "ENABLED"],
        [
            [
                each.handle,
                each.WhichOneof("kind") or "",
                each.oidc.issuer or each.jwt.issuer or each.ldap.url,
                "yes" if each.enabled else "no",
            ]
            for each in found
        ],
    )


@command.command("delete")
@click.argument("handle")
def delete(handle: str) -> None:
    """Delete an identity provider; users that came from it stay."""
    lookup.client().identity_providers.DeleteIdentityProvider(pb.DeleteIdentityProviderRequest(handle=handle))
    output.done(f"Nobody signs in with {handle} any more.")


def _set(provider: pb.IdentityProvider, as_json: bool) -> None:
    stub = lookup.client().identity_providers
    kept = stub.SetIdentityProvider(pb.SetIdentityProviderRequest(provider=provider)).provider
    if as_json:
        output.print_json(kept)
    else:
        output.done(f"{kept.handle} is kept{'' if kept.enabled else ', and switched off'}.")


def _roles(texts: tuple[str, ...]) -> Iterator[pb.GroupRole]:
    for text in texts:
        group, separator, rest = text.rpartition("=")
        role, _, workspace = rest.partition("@")
        if not separator or not group or not role:
            raise errors.InvalidArgument.of_field("--group-role", f"{text!r} is not GROUP=ROLE[@WORKSPACE]")
        yield pb.GroupRole(group=group, role=role, workspace_id=workspace)
