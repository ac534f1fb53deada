"""Attempts of clients that know no tokens.

Prefect's client executes runs without a token that proves that they are its own. Whatever it says about a run is said
under a token made of the run's id: the run is held under it if a client of Prefect has it, and under another one if
not.
"""

from __future__ import annotations

import uuid

_ATTEMPTS = uuid.UUID("5b0f6f0c-2f6e-5c1d-9a57-3f1b8a2c7e14")


def attempt_token_of(flow_run_id: str) -> str:
    """Return the token under which clients of Prefect hold a run."""
    return str(uuid.uuid5(_ATTEMPTS, flow_run_id))
