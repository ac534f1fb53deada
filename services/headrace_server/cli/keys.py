"""`headrace server rotate-keys`: a new key for the secrets in the database."""

from __future__ import annotations

import click

from headrace import errors
from headrace.api.v1 import automation_pb2, block_pb2, channel_pb2, identity_provider_pb2
from headrace.cli import lookup, output
from headrace_server.home import Home

_BATCH = 100


@click.command("rotate-keys")
@click.option(
    "--new-key", is_flag=True, help="Make a new key for the server of this machine; it is used after a restart."
)
@output.output_option
def rotate_keys(new_key: bool, as_json: bool) -> None:
    """Encrypt all secrets anew that are not encrypted with the newest key.

    \b
    1. Put a new key (`openssl rand -hex 32`) in front of the old ones: in HEADRACE_SERVER_ENCRYPTION_KEY, separated by
       a comma, or in the file HEADRACE_SERVER_ENCRYPTION_KEY_FILE, a key a line. For a server of this machine that
       has neither, `--new-key` does that.
    2. Restart the server, everywhere.
    3. Run this command. It can be stopped and run again at any time.
    4. Once nothing is left, take the old keys away, and restart.
    """
    if new_key:
        path = Home.of_environment().add_encryption_key()
        if as_json:
            output.print_json({"file": str(path)})
        else:
            output.done(f"A new key is in front of the others in {path}.")
            output.note("Restart the server, then run `headrace server rotate-keys`.")
        return
    blocks, left = _rotate_blocks()
    automations, unreadable = _rotate_automations()
    channels, unreadable_channels = _rotate_channels()
    identity = lookup.client().identity_providers.RotateIdentitySecrets(
        identity_provider_pb2.RotateIdentitySecretsRequest()
    )
    unreadable += unreadable_channels + identity.unreadable
    if as_json:
        output.print_json(
            {"rotated": blocks + automations + channels + identity.rotated, "unreadable": left + unreadable}
        )
    else:
        output.done(
            f"Encrypted anew: the secrets of {blocks} blocks, {channels} channels, {automations} automations, "
            f"deliveries and webhooks, and {identity.rotated} of identity providers and one-time codes."
        )
    if left or unreadable:
        raise errors.FailedPrecondition(
            f"The secrets of {left} blocks and of {unreadable} channels, automations, deliveries and webhooks cannot "
            "be read: the key that they need is not among those of the server. Give it back its old keys, or save them "
            "again.",
            reason="SECRET_NOT_READABLE",
        )


def _rotate_blocks() -> tuple[int, int]:
    stub = lookup.client().blocks
    rotated = 0
    while True:
        answer = stub.RotateBlockSecrets(block_pb2.RotateBlockSecretsRequest(batch_size=_BATCH))
        rotated += answer.rotated
        if not answer.left or not answer.rotated:
            return rotated, answer.left
        output.note(f"{rotated} blocks done, {answer.left} left.")


def _rotate_automations() -> tuple[int, int]:
    stub = lookup.client().automations
    request = automation_pb2.RotateAutomationSecretsRequest(batch_size=_BATCH)
    rotated = unreadable = 0
    while True:
        answer = stub.RotateAutomationSecrets(request)
        rotated += answer.rotated
        unreadable += answer.unreadable
        if not answer.next_page_token:
            return rotated, unreadable
        request.page_token = answer.next_page_token


def _rotate_channels() -> tuple[int, int]:
    stub = lookup.client().channels
    request = channel_pb2.RotateChannelSecretsRequest(batch_size=_BATCH)
    rotated = unreadable = 0
    while True:
        answer = stub.RotateChannelSecrets(request)
        rotated += answer.rotated
        unreadable += answer.unreadable
        if not answer.next_page_token:
            return rotated, unreadable
        request.page_token = answer.next_page_token
