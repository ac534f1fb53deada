"""Save and read blocks: their secrets are sealed on the way in, and opened for those who may see them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace_state.repository.blocks import Blocks, BlockValues, Rotated, Sealer
from headrace_state.rules import blocks as rules
from headrace_state.rules.rows import Row


async def register_block_type(blocks: Blocks, workspace_id: uuid.UUID, wish: rules.BlockTypeWish) -> Row:
    """Create a type, or change the one with the slug.

    Raises:
        errors.InvalidArgument: Its schema is no JSON schema.
    """
    try:
        rules.check_schema(wish.fields)
    except rules.BlockFault as fault:
        raise _invalid(fault) from None
    return await blocks.register(workspace_id, wish)


async def save_block(
    blocks: Blocks,
    sealer: Sealer,
    workspace_id: uuid.UUID,
    type_slug: str,
    name: str,
    data: Mapping[str, Any],
    *,
    overwrite: bool,
    schema_id: uuid.UUID | None = None,
) -> Row:
    """Create a block, or change the one with the type and name.

    Raises:
        errors.NotFound: There is no such type.
        errors.AlreadyExists: The block exists, and must not be overwritten.
        errors.InvalidArgument: The data do not fit the type, or refer to what is not there.
        errors.FailedPrecondition: There are secrets and no key to encrypt them.
    """

    def make(block_type: Row, block_id: uuid.UUID, stored: Row | None) -> BlockValues:
        # Only secrets that are kept need be read, so a lost key does not stop them from being replaced.
        needs_kept = rules.HIDDEN in json.dumps(data)
        kept = secrets_of(sealer, stored) if stored is not None and needs_kept else {}
        try:
            content = rules.take_apart(data, block_type["fields"], block_type["secret_fields"], kept)
        except rules.BlockFault as fault:
            raise _invalid(fault) from None
        sealed = sealer.seal(json.dumps(content.secrets), _context(block_id)) if content.secrets else ""
        return BlockValues(
            data=content.shown,
            secrets=sealed,
            secret_paths=sorted(content.secrets),
            key_name=sealer.key_name if sealed else "",
            references=content.references,
        )

    row = await blocks.save(workspace_id, type_slug, name, make, overwrite=overwrite, schema_id=schema_id)
    if row is None:
        raise errors.AlreadyExists(f"the block {type_slug}/{name} exists; set overwrite to replace it")
    return row


async def rotate_secrets(blocks: Blocks, sealer: Sealer, most: int) -> Rotated:
    """Encrypt secrets of some blocks anew, with the newest key.

    Raises:
        errors.FailedPrecondition: There is no key.
    """
    if not sealer.key_name:
        sealer.seal("", "rotation")

    def reseal(block_id: uuid.UUID, sealed: str) -> str | None:
        try:
            return sealer.seal(sealer.open(sealed, _context(block_id)), _context(block_id))
        except errors.FailedPrecondition:
            return None

    return await blocks.reseal(sealer.key_name, sealer.key_names, reseal, most)


def secrets_of(sealer: Sealer, row: Row) -> dict[str, Any]:
    """Return the secrets of a stored block by place.

    Raises:
        errors.FailedPrecondition: Their key is not there.
    """
    if not row["secrets"]:
        return {}
    found: dict[str, Any] = json.loads(sealer.open(row["secrets"], _context(row["block_id"])))
    return found


def _context(block_id: uuid.UUID) -> str:
    return f"block:{block_id}"


def _invalid(fault: rules.BlockFault) -> errors.InvalidArgument:
    return errors.InvalidArgument(
        violations=[errors.FieldViolation(field, description) for field, description in fault.faults]
    )
