"""Let somebody in for whom a provider vouches: find the user, or make one, and give the roles of the groups."""

from __future__ import annotations

from headrace import errors
from headrace.ids import uuid7
from headrace_identity.repository import Directory
from headrace_identity.repository.sign_in import Providers
from headrace_identity.rules.principals import Principal
from headrace_identity.rules.sign_in import ProvenIdentity, Provider, roles_of


async def admit(providers: Providers, directory: Directory, provider: Provider, identity: ProvenIdentity) -> Principal:
    """Return the user whom a provider vouches for, with the roles of its groups.

    Raises:
        errors.PermissionDenied: The provider vouches for somebody who is not known here, or who may not sign in.
    """
    user = await _user(providers, directory, provider, identity)
    if not user.is_active:
        raise errors.PermissionDenied(f"{user.handle} may not sign in any more", reason="USER_NOT_ACTIVE")
    held = roles_of(provider.group_roles, identity.groups)
    every = {(each.role, each.workspace_id) for each in provider.group_roles}
    await providers.sync_roles(user.principal_id, list(held), list(every - held))
    return user


async def _user(providers: Providers, directory: Directory, provider: Provider, identity: ProvenIdentity) -> Principal:
    known = await providers.find_known(provider.handle, identity.subject)
    user = await directory.load_principal(known) if known is not None else None
    if user is not None:
        return user
    if not identity.email:
        raise errors.PermissionDenied(
            "the provider tells no verified e-mail address, by which users are known here",
            reason="EMAIL_NOT_PROVEN",
        )
    user = await directory.load_user(identity.email)
    if user is None and provider.creates_users:
        name = identity.name or identity.email
        user = await directory.insert_principal(uuid7(), identity.email, name)
        user = user or await directory.load_user(identity.email)
    if user is None:
        raise errors.PermissionDenied(
            f"{identity.email} is not known here; ask an administrator for an invitation", reason="USER_NOT_KNOWN"
        )
    await providers.link(provider.handle, identity.subject, user.principal_id)
    return user
