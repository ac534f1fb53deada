"""`IdentityProviderService`: who else vouches for people and machines."""

from __future__ import annotations

import uuid
from typing import Any

from headrace import errors
from headrace.api.v1 import identity_provider_pb2 as pb
from headrace.api.v1 import identity_provider_pb2_grpc
from headrace_chassis.pages import asked_page
from headrace_identity.neighbours.ldap import check_settings
from headrace_identity.neighbours.openid import refuse_insecure
from headrace_identity.repository import Directory, Roles
from headrace_identity.repository.sign_in import Providers, Secrets, SignIns
from headrace_identity.rules.ldap_filter import FilterMalformed
from headrace_identity.rules.sign_in import GroupRole, Provider, directory_settings
from headrace_identity.servicers.calls import Context
from headrace_identity.usecases.members import no_role
from headrace_identity.usecases.providers import secret_context
from headrace_identity.usecases.rotating import rotate_secrets

_LDAP_SETTINGS = tuple(field.name for field in pb.LdapProvider.DESCRIPTOR.fields if field.name != "bind_password")


class IdentityProviderServicer(identity_provider_pb2_grpc.IdentityProviderServiceServicer):
    """Keeps identity providers; their secrets are sealed, and never shown again.

    Args:
        providers: Where they are kept.
        store: Where secrets of one-time codes are kept.
        roles: Roles that groups may be given.
        directory: Service accounts that tokens may act as.
        secret_box: Seals secrets.
    """

    def __init__(
        self, providers: Providers, store: SignIns, roles: Roles, directory: Directory, secret_box: Secrets
    ) -> None:
        self._providers = providers
        self._store = store
        self._roles = roles
        self._directory = directory
        self._secrets = secret_box

    async def SetIdentityProvider(
        self, request: pb.SetIdentityProviderRequest, context: Context
    ) -> pb.SetIdentityProviderResponse:
        """Keep a provider."""
        provider = self._from_message(request.provider)
        await self._refuse_faults(provider)
        return pb.SetIdentityProviderResponse(provider=_to_message(await self._providers.save(provider)))

    async def GetIdentityProvider(
        self, request: pb.GetIdentityProviderRequest, context: Context
    ) -> pb.GetIdentityProviderResponse:
        """Return a provider."""
        found = await self._providers.load(request.handle)
        if found is None:
            raise _missing(request.handle)
        return pb.GetIdentityProviderResponse(provider=_to_message(found))

    async def ListIdentityProviders(
        self, request: pb.ListIdentityProvidersRequest, context: Context
    ) -> pb.ListIdentityProvidersResponse:
        """Return a page of providers."""
        page = asked_page(request, "identity providers", key=(str,))
        found = await self._providers.list_page(after=page.after_name or "", limit=page.lookahead)
        shown, token = page.split(found, lambda provider: (provider.handle,))
        return pb.ListIdentityProvidersResponse(providers=map(_to_message, shown), next_page_token=token)

    async def DeleteIdentityProvider(
        self, request: pb.DeleteIdentityProviderRequest, context: Context
    ) -> pb.DeleteIdentityProviderResponse:
        """Delete a provider."""
        if not await self._providers.delete(request.handle):
            raise _missing(request.handle)
        return pb.DeleteIdentityProviderResponse()

    async def RotateIdentitySecrets(
        self, request: pb.RotateIdentitySecretsRequest, context: Context
    ) -> pb.RotateIdentitySecretsResponse:
        """Encrypt secrets anew."""
        rotated, unreadable = await rotate_secrets(self._providers, self._store, self._secrets)
        return pb.RotateIdentitySecretsResponse(rotated=rotated, unreadable=unreadable)

    def _from_message(self, message: pb.IdentityProvider) -> Provider:
        kind = message.WhichOneof("kind") or ""
        settings: dict[str, Any]
        secret = ""
        if kind == "oidc":
            oidc = message.oidc
            settings = {
                "issuer": oidc.issuer,
                "client_id": oidc.client_id,
                "scopes": list(oidc.scopes),
                "groups_claim": oidc.groups_claim,
                "emails_are_proven": oidc.emails_are_proven,
            }
            if oidc.client_secret:
                secret = self._secrets.seal(oidc.client_secret, secret_context(message.handle))
        elif kind == "ldap":
            settings = {name: getattr(message.ldap, name) for name in _LDAP_SETTINGS}
            if message.ldap.bind_password:
                secret = self._secrets.seal(message.ldap.bind_password, secret_context(message.handle))
        else:
            token = message.jwt
            settings = {
                "issuer": token.issuer,
                "audience": token.audience,
                "jwks_url": token.jwks_url,
                "mappings": [
                    {
                        "claim": each.claim,
                        "value": each.value,
                        "service_account_id": str(uuid.UUID(each.service_account_id)),
                    }
                    for each in token.mappings
                ],
            }
        return Provider(
            handle=message.handle,
            name=message.name,
            kind=kind,
            is_enabled=message.enabled,
            creates_users=message.creates_users,
            settings=settings,
            secret=secret,
            group_roles=tuple(
                GroupRole(each.group, each.role, uuid.UUID(each.workspace_id) if each.workspace_id else None)
                for each in message.group_roles
            ),
        )

    async def _refuse_faults(self, provider: Provider) -> None:
        if provider.kind == "ldap":
            _refuse_ldap_faults(provider)
        else:
            refuse_insecure(provider.settings["issuer"])
            if provider.settings.get("jwks_url"):
                refuse_insecure(provider.settings["jwks_url"])
        for each in provider.group_roles:
            if each.role not in self._roles.built_in and await self._roles.load(each.role) is None:
                missing = await no_role(self._roles, each.role)
                raise errors.InvalidArgument.of_field("provider.group_roles", missing.message)
        for mapping in provider.settings.get("mappings", ()):
            account = await self._directory.load_principal(uuid.UUID(mapping["service_account_id"]))
            if account is None or account.kind != "service_account":
                raise errors.InvalidArgument.of_field(
                    "provider.jwt.mappings", f"there is no service account {mapping['service_account_id']}"
                )


def _refuse_ldap_faults(provider: Provider) -> None:
    has_password = bool(provider.secret)
    try:
        check_settings(directory_settings(provider.settings, has_bind_password=has_password))
    except FilterMalformed as error:
        raise errors.InvalidArgument.of_field("provider.ldap", f"a filter is not one: {error}") from None


def _to_message(provider: Provider) -> pb.IdentityProvider:
    message = pb.IdentityProvider(
        handle=provider.handle,
        name=provider.name,
        enabled=provider.is_enabled,
        creates_users=provider.creates_users,
        group_roles=[
            pb.GroupRole(group=each.group, role=each.role, workspace_id=str(each.workspace_id or ""))
            for each in provider.group_roles
        ],
    )
    settings = provider.settings
    if provider.kind == "oidc":
        message.oidc.issuer = settings["issuer"]
        message.oidc.client_id = settings["client_id"]
        message.oidc.scopes.extend(settings.get("scopes", ()))
        message.oidc.groups_claim = settings.get("groups_claim", "")
        message.oidc.emails_are_proven = settings.get("emails_are_proven", False)
    elif provider.kind == "ldap":
        message.ldap.MergeFrom(pb.LdapProvider(**{name: settings[name] for name in _LDAP_SETTINGS}))
    else:
        message.jwt.issuer = settings["issuer"]
        message.jwt.audience = settings["audience"]
        message.jwt.jwks_url = settings.get("jwks_url", "")
        message.jwt.mappings.extend(pb.JwtMapping(**mapping) for mapping in settings.get("mappings", ()))
    if provider.created_at is not None:
        message.created_at.FromDatetime(provider.created_at)
    if provider.updated_at is not None:
        message.updated_at.FromDatetime(provider.updated_at)
    return message


def _missing(handle: str) -> errors.NotFound:
    return errors.NotFound(f"there is no identity provider {handle}", reason="IDENTITY_PROVIDER_NOT_FOUND")
