"""Let people in, and give them roles."""

from __future__ import annotations

import datetime
import uuid

from headrace import errors
from headrace_identity.repository import ApiKeys, Directory, Invitations, Roles
from headrace_identity.rules import keys as key_rules
from headrace_identity.rules.principals import Invitation, Principal, RoleAssignment, read_address
from headrace_identity.rules.roles import OWNER, word
from headrace_identity.usecases.keys import create_key, new_token

SETUP_SECONDS = 24 * 3600.0
"""How long the link of a new server works; the next start prints another."""

INVITATION_SECONDS = 7 * 24 * 3600.0

MOST_NAMED = 20
"""Roles that an error names beside those that come with the server."""


async def create_user(
    directory: Directory, user_id: uuid.UUID, email: str, display_name: str, external_id: str = ""
) -> Principal:
    """Make a user.

    Raises:
        errors.InvalidArgument: The address is none.
        errors.AlreadyExists: Another user has it, or the external id.
    """
    address = address_of(email)
    made = await directory.insert_principal(user_id, address, display_name or email.strip(), external_id=external_id)
    if made is None:
        also = f", or one with the external id {external_id}" if external_id else ""
        raise errors.AlreadyExists(f"there is a user {address} already{also}")
    return made


async def delete_user(
    directory: Directory, roles: Roles, user_id: uuid.UUID, if_updated_at: datetime.datetime | None
) -> bool:
    """Delete a user with all keys, sessions and roles; False if there is none that last changed then.

    Raises:
        errors.FailedPrecondition: Nobody else owns the account.
    """
    await refuse_last_owner(roles, user_id)
    return await directory.delete_principal(user_id, "user", if_updated_at=if_updated_at)


async def refuse_last_owner(roles: Roles, user_id: uuid.UUID) -> None:
    """Return if the account has an owner beside a user.

    Raises:
        errors.FailedPrecondition: It has none.
    """
    if set(await roles.list_owners()) == {user_id}:
        raise errors.FailedPrecondition(
            "the account would be left without an owner; give somebody else the role first", reason="LAST_OWNER"
        )


async def permissions_of(roles: Roles, role: str) -> frozenset[str]:
    """Return what the holders of a role may do.

    Raises:
        errors.NotFound: There is no such role.
    """
    built_in = roles.built_in.get(role)
    if built_in is not None:
        return built_in.permissions
    found = await roles.load(role)
    if found is None:
        raise await no_role(roles, role)
    return found.permissions


async def no_role(roles: Roles, role: str) -> errors.NotFound:
    """Return the error of a role that there is not; it says which there are."""
    own = await roles.list_page(after="", limit=MOST_NAMED + 1)
    names = [*roles.built_in, *(each.handle for each in own[:MOST_NAMED])]
    more = ", ..." if len(own) > MOST_NAMED else ""
    return errors.NotFound(f"there is no role {role}; there are {', '.join(names)}{more}", reason="ROLE_NOT_FOUND")


async def assign_role(
    roles: Roles,
    role: str,
    *,
    held: frozenset[str] | None,
    assignment_id: uuid.UUID,
    workspace_id: uuid.UUID | None,
    principal_id: uuid.UUID | None,
    team_id: uuid.UUID | None,
    object_kind: str = "",
    object_name: str = "",
) -> RoleAssignment:
    """Give a role.

    Args:
        roles: Where they are kept.
        role: Which one.
        held: What the caller may do itself; None is everything.
        assignment_id: For the new assignment.
        workspace_id: Where; None is the whole account.
        principal_id: To whom; or
        team_id: to which team.
        object_kind: On what kind of object; "" is all.
        object_name: On which.

    Raises:
        errors.NotFound: There is no such role or holder.
        errors.PermissionDenied: The caller may not do itself what the role allows.
    """
    permissions = await permissions_of(roles, role)
    if workspace_id is not None:
        permissions -= {"PERMISSION_ACCOUNT_ADMIN"}
    refuse_more(permissions, held)
    return await roles.assign(
        assignment_id,
        role,
        workspace_id=workspace_id,
        principal_id=principal_id,
        team_id=team_id,
        object_kind=object_kind,
        object_name=object_name,
    )


def refuse_more(permissions: frozenset[str], held: frozenset[str] | None) -> None:
    """Return if nothing is given that the giver does not have.

    Raises:
        errors.PermissionDenied: Something is.
    """
    more = permissions - held if held is not None else frozenset()
    if more:
        raise errors.PermissionDenied(
            "nobody gives what they may not do themselves: " + ", ".join(map(word, sorted(more))),
            reason="MORE_THAN_HELD",
        )


async def invite(
    invitations: Invitations, workspace_id: uuid.UUID, invitation_id: uuid.UUID, email: str, role: str, invited_by: str
) -> tuple[Invitation, str]:
    """Invite somebody; return the invitation and the secret of its link."""
    text, secret_hash = new_token("i")
    invitation = await invitations.insert(
        workspace_id,
        invitation_id,
        email=address_of(email),
        role=role,
        secret_hash=secret_hash,
        invited_by=invited_by,
        lifetime_seconds=INVITATION_SECONDS,
    )
    return invitation, text


async def accept_invitation(
    invitations: Invitations,
    directory: Directory,
    roles: Roles,
    keys: ApiKeys,
    *,
    token: str,
    display_name: str,
    caller_id: str,
    user_id: uuid.UUID,
    assignment_id: uuid.UUID,
) -> tuple[Principal, str]:
    """Take an invitation up; return the user and, for a new one, a key.

    Whoever is a user already has to say so: an invitation proves that somebody was sent a link, not who they are.

    Raises:
        errors.Unauthenticated: It is not good, or not any more.
        errors.FailedPrecondition: There is a user with the address, and the caller is not that one.
    """
    secret_hash = key_rules.read_token(token)
    invitation = await invitations.load(secret_hash) if secret_hash is not None else None
    if invitation is None or secret_hash is None:
        raise errors.Unauthenticated("the invitation is not good, or not any more", reason="INVITATION_REFUSED")
    user = await directory.load_user(invitation.email)
    if user is not None and str(user.principal_id) != caller_id:
        raise errors.FailedPrecondition(
            f"there is a user {invitation.email} already: sign in as this user, and take the invitation up again",
            reason="SIGN_IN_FIRST",
        )
    if await invitations.take(secret_hash) is None:
        raise errors.Unauthenticated("the invitation is not good, or not any more", reason="INVITATION_REFUSED")
    is_new = user is None
    if user is None:
        user = await create_user(directory, user_id, invitation.email, display_name)
    await roles.assign(
        assignment_id,
        invitation.role,
        workspace_id=invitation.workspace_id,
        principal_id=user.principal_id,
        team_id=None,
    )
    if not is_new:
        return user, ""
    _, text = await create_key(keys, user.principal_id, "invitation")
    return user, text


async def make_setup_token(invitations: Invitations, directory: Directory) -> str | None:
    """Return the token for the first administrator in place of an earlier one, None where there are users."""
    if await directory.count_users():
        return None
    text, secret_hash = new_token("s")
    await invitations.set_setup_token(secret_hash, SETUP_SECONDS)
    return text


async def set_up_account(
    invitations: Invitations,
    directory: Directory,
    roles: Roles,
    keys: ApiKeys,
    *,
    token: str,
    email: str,
    display_name: str,
    user_id: uuid.UUID,
    assignment_id: uuid.UUID,
) -> tuple[Principal, str]:
    """Make the first user, who owns the account; return it and a key.

    Raises:
        errors.InvalidArgument: The address is none.
        errors.Unauthenticated: The token is not good, or not any more.
    """
    address = address_of(email)
    secret_hash = key_rules.read_token(token)
    if secret_hash is None or await directory.count_users() or not await invitations.take_setup_token(secret_hash):
        raise errors.Unauthenticated("the set-up link is not good, or not any more", reason="SETUP_REFUSED")
    user = await create_user(directory, user_id, address, display_name)
    await roles.assign(assignment_id, OWNER, workspace_id=None, principal_id=user.principal_id, team_id=None)
    _, text = await create_key(keys, user.principal_id, "set-up")
    return user, text


def address_of(email: str) -> str:
    """Return an e-mail address as it is kept.

    Raises:
        errors.InvalidArgument: It is none.
    """
    address = read_address(email)
    if address is None:
        raise errors.InvalidArgument.of_field("email", "must be an e-mail address")
    return address
