"""Tokens of flow runs: good for what runs need, in one workspace, until the attempt has ended.

Nothing of them is stored: the server seals what a token says, and asks the state service whether the run goes on each
time that a token is exchanged, which the services do every few minutes.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable

from headrace import errors
from headrace_identity.repository import ApiKeys, Attempts
from headrace_identity.repository.sign_in import Secrets
from headrace_identity.rules import run_tokens as rules
from headrace_identity.rules.access import Proven
from headrace_identity.rules.roles import RUN_PERMISSIONS
from headrace_identity.usecases.authenticating import bearer, refused
from headrace_identity.usecases.keys import CREDENTIAL as KEY


class RunTokens:
    """Makes tokens of runs, and knows them: `Authorization: Bearer hrr_...`.

    Args:
        attempts: Tells how attempts stand.
        keys: Knows which keys of workers still work.
        secret_box: Seals tokens.
        now: Tells the time.
    """

    def __init__(
        self, attempts: Attempts, keys: ApiKeys, secret_box: Secrets, now: Callable[[], datetime.datetime]
    ) -> None:
        self._attempts = attempts
        self._keys = keys
        self._secrets = secret_box
        self._now = now

    async def create(
        self,
        principal_id: uuid.UUID,
        workspace_id: uuid.UUID,
        credential_id: str,
        flow_run_id: uuid.UUID,
        attempt_token: uuid.UUID,
    ) -> str:
        """Return the token of a run.

        Args:
            principal_id: The worker's.
            workspace_id: Where the run is.
            credential_id: What the worker proved itself with.
            flow_run_id: The run.
            attempt_token: Of its newest attempt.

        Raises:
            errors.FailedPrecondition: There is no such attempt, or not any more.
        """
        attempt = await self._attempts.load(workspace_id, flow_run_id, attempt_token)
        if not rules.is_good(attempt, self._now()):
            raise errors.FailedPrecondition("the attempt is not the newest one of a run", reason="ATTEMPT_NOT_CURRENT")
        token = rules.RunToken(principal_id, workspace_id, credential_id, flow_run_id, attempt_token)
        return rules.PREFIX + self._secrets.seal(rules.write(token), rules.CONTEXT)

    async def authenticate(self, authorization: str, cookie: str) -> Proven | None:
        """Return what a token proves, None if there is none in the headers.

        Raises:
            errors.Unauthenticated: It is not good, its run has ended, or the worker's key was revoked.
            errors.Unavailable: The state service does not answer.
        """
        text = bearer(authorization)
        if not text.startswith(rules.PREFIX):
            return None
        try:
            token = rules.read(self._secrets.open(text.removeprefix(rules.PREFIX), rules.CONTEXT))
        except (errors.FailedPrecondition, ValueError):
            raise refused() from None
        most, now = RUN_PERMISSIONS, self._now()
        if token.credential_id.startswith(KEY):
            key = await self._keys.load_proof(token.credential_id.removeprefix(KEY))
            if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
                raise refused()
            most = most & key.permissions if key.permissions else most
        attempt = await self._attempts.load(token.workspace_id, token.flow_run_id, token.attempt_token)
        if not rules.is_good(attempt, now):
            raise errors.Unauthenticated("the run that this token was made for has ended", reason="RUN_TOKEN_ENDED")
        return Proven(token.principal_id, f"{rules.CREDENTIAL}{token.flow_run_id}", token.workspace_id, most)
