from __future__ import annotations

import concurrent.futures
import time
import uuid

from headrace.ids import made_at
from headrace.recording.identifiers import new_id


def test_ids_are_valid_uuids_of_version_7_made_now() -> None:
    before = time.time()
    identifier = uuid.UUID(new_id())
    after = time.time()
    assert identifier.version == 7
    assert identifier.variant == uuid.RFC_4122
    # Its clock shows milliseconds.
    assert before - 0.002 <= made_at(identifier).timestamp() <= after


def test_ids_of_one_thread_are_in_order() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made)


def test_ids_of_many_threads_are_all_different() -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = [
            identifier for part in pool.map(lambda _: [new_id() for _ in range(2000)], range(8)) for identifier in part
        ]
    assert len(set(made)) == len(made)
