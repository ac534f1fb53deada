"""`headrace server rotate-keys`: a new key for the secrets in the database."""

from __future__ import annotations

import click

from headrace import errors
from headrace.api.v1 import block_pb2
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
    stub = lookup.client().blocks
    rotated = 0
    while True:
        answer = stub.RotateBlockSecrets(block_pb2.RotateBlockSecretsRequest(batch_size=_BATCH))
        rotated += answer.rotated
        if not answer.left or not answer.rotated:
            break
        output.note(f"{rotated} blocks done, {answer.left} left.")
    if as_json:
        output.print_json({"rotated": rotated, "left": answer.left, "unreadable": answer.unreadable})
    else:
        output.done(f"The secrets of {rotated} blocks are encrypted anew; {answer.left} are left.")
    if answer.left:
        raise errors.FailedPrecondition(
            f"The secrets of {answer.left} blocks cannot be read: the key that they need is not among those of the "
            "server. Give it back its old keys, or save these blocks again.",
            reason="SECRET_NOT_READABLE",
        )
