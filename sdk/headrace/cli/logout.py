"""`headrace logout`."""

from __future__ import annotations

import os

import click

from headrace import errors
from headrace.api.v1 import api_key_pb2
from headrace.cli import lookup, output
from headrace.credentials import api_key_of, forget_key
from headrace.profiles import load_profiles, save_profiles
from headrace.settings import get_settings

_SETTING = "HEADRACE_API_KEY"


@click.command("logout")
def command() -> None:
    """Revoke the key of the active profile, and forget it."""
    settings = get_settings()
    profiles = load_profiles(settings.profiles_file)
    name, values = profiles.values_of(settings.profile or None)
    kept = values.get(_SETTING)
    if kept is None:
        output.note(f"The profile {name} has no key.")
        return
    try:
        key = api_key_of(settings) if not os.environ.get(_SETTING) else None
        if key is not None and key.startswith("hr_"):
            lookup.client().api_keys.RevokeApiKey(api_key_pb2.RevokeApiKeyRequest(api_key_id=key.split("_")[1]))
    except errors.Unauthenticated:
        # It does not work any more; all that is left is to forget it.
        pass
    except errors.Unavailable as error:
        output.note(f"The key was not revoked, since the server does not answer: {error}")
    forget_key(kept)
    save_profiles(profiles.with_values(name, {each: value for each, value in values.items() if each != _SETTING}))
    output.done(f"The profile {name} has no key any more.")
