"""The chain of the audit log: each entry holds the hash of the one before.

Who changes, takes out or puts in an entry has to compute all hashes behind it anew, and the last one is kept
elsewhere: in exports, and with whoever verifies.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence

FIRST_HASH = "0" * 64
"""What the first entry of a workspace has as the hash before."""

_VERSION = "1"


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """What a service noted of a call."""

    audit_entry_id: uuid.UUID
    workspace_id: uuid.UUID
    occurred_at: datetime.datetime
    principal_id: str
    principal_kind: str
    principal_name: str
    action: str
    permission: str
    object_kind: str
    object_id: str
    outcome: str
    reason: str
    address: str
    user_agent: str
    correlation_id: str
    after_digest: str


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A note in its place in the chain."""

    note: Note
    sequence: int
    before_digest: str
    previous_hash: str
    hash: str


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    sequence: int = 0
    hash: str = FIRST_HASH


@dataclasses.dataclass(frozen=True, slots=True)
class Verification:
    """What became of a look at all entries."""

    checked: int
    first_broken_sequence: int
    head: Head


def chained(notes: Iterable[Note], head: Head, digests: Mapping[tuple[str, str], str]) -> list[Entry]:
    """Return notes as the next entries of a chain.

    Args:
        notes: In the order in which they are to stand.
        head: Where the chain ends now.
        digests: What entries that are there already left of objects, by kind and id.
    """
    left = dict(digests)
    entries = []
    for note in notes:
        about = (note.object_kind, note.object_id)
        before = left.get(about, "") if note.object_id else ""
        # What changed nothing leaves the object as it was.
        note = note if note.outcome == "DONE" else dataclasses.replace(note, after_digest=before)
        sequence = head.sequence + 1
        entry = Entry(note, sequence, before, head.hash, entry_hash(note, sequence, before, head.hash))
        entries.append(entry)
        head = Head(sequence, entry.hash)
        left[about] = note.after_digest
    return entries


def entry_hash(note: Note, sequence: int, before_digest: str, previous_hash: str) -> str:
    """Return the hash of an entry."""
    fields = [
        _VERSION,
        previous_hash,
        str(sequence),
        str(note.audit_entry_id),
        str(note.workspace_id),
        note.occurred_at.astimezone(datetime.UTC).isoformat(timespec="microseconds"),
        note.principal_id,
        note.principal_kind,
        note.principal_name,
        note.action,
        note.permission,
        note.object_kind,
        note.object_id,
        note.outcome,
        note.reason,
        note.address,
        note.user_agent,
        note.correlation_id,
        before_digest,
        note.after_digest,
    ]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def first_broken(entries: Sequence[Entry], head: Head) -> int:
    """Return the sequence of the first entry that does not follow from those before; 0 if all do.

    Args:
        entries: In order of their sequence.
        head: The entry before them.
    """
    for entry in entries:
        is_next = entry.sequence == head.sequence + 1 and entry.previous_hash == head.hash
        if not is_next or entry.hash != entry_hash(
            entry.note, entry.sequence, entry.before_digest, entry.previous_hash
        ):
            return entry.sequence
        head = Head(entry.sequence, entry.hash)
    return 0
