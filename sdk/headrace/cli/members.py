"""What commands about members have in common: permissions, holders, and what is set in the profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headrace import errors
from headrace.api.v1 import options_pb2, service_account_pb2, user_pb2
from headrace.cli import lookup
from headrace.profiles import load_profiles, save_profiles
from headrace.settings import get_settings

_PREFIX = "PERMISSION_"


def permissions(words: Iterable[str]) -> list[options_pb2.Permission.ValueType]:
    """Return permissions by their words, `runs-view` or `PERMISSION_RUNS_VIEW`.

    Raises:
        errors.InvalidArgument: There is none of a word.
    """
    found, known = [], dict(options_pb2.Permission.items())
    for word in words:
        name = word.upper().replace("-", "_")
        name = name if name.startswith(_PREFIX) else _PREFIX + name
        if name not in known:
            raise errors.InvalidArgument.of_field("permission", f"there is none named {word}")
        found.append(known[name])
    return found


def words_of(numbers: Iterable[options_pb2.Permission.ValueType]) -> list[str]:
    """Return the words of permissions."""
    known = {int(number): name for name, number in options_pb2.Permission.items()}
    return [known.get(int(each), str(each)).removeprefix(_PREFIX).lower().replace("_", "-") for each in numbers]


def principal(user: str | None, service_account: str | None) -> str:
    """Return the id of a user or service account; "" if neither is named.

    Raises:
        errors.InvalidArgument: Both are.
        errors.NotFound: There is none.
    """
    if user and service_account:
        raise errors.InvalidArgument("Name a user or a service account, not both.")
    if user:
        return lookup.client().users.GetUser(user_pb2.GetUserRequest(user=user)).user.user_id
    if service_account:
        request = service_account_pb2.GetServiceAccountRequest(service_account=service_account)
        return lookup.client().service_accounts.GetServiceAccount(request).service_account.service_account_id
    return ""


def keep_in_profile(values: Mapping[str, str]) -> str:
    """Set settings in the active profile, and return its name."""
    settings = get_settings()
    profiles = load_profiles(settings.profiles_file)
    name, old = profiles.values_of(settings.profile or None)
    save_profiles(profiles.with_values(name, {**old, **values}))
    return name
