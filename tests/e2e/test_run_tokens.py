"""What flows prove themselves with where a server asks: a token of the run's own, and not the key of the worker."""

from __future__ import annotations

import pathlib

import pytest

from headrace_harness import ledger
from headrace_harness.machine import Machine
from headrace_harness.members import guarded_stack
from headrace_harness.postgres import database_url, postgres, postgres_url
from headrace_harness.servers import eventually

__all__ = ["database_url", "postgres", "postgres_url"]

FLOWS = pathlib.Path(__file__).parent / "flows"


@pytest.mark.parametrize("launching", [(), ("--fresh-interpreter",)], ids=["forked", "spawned"])
async def test_a_run_has_a_token_of_its_own(database_url: str, tmp_path: pathlib.Path, launching: tuple[str]) -> None:
    async with guarded_stack(database_url) as owner:
        worker = await owner.make("host-a", "worker")
        machine = Machine(tmp_path, owner.stack.http_url, {"HEADRACE_API_KEY": owner.key})
        machine.take(FLOWS / "guarded.py")
        try:
            await machine.headrace("work-pool", "create", "pool")
            await machine.start_worker("pool", *launching, HEADRACE_API_KEY=worker.key)
            await machine.python("guarded.py", "pool")
            done = await machine.headrace("deployment", "run", "guarded/test", "--watch")
            assert "Completed" in done.out, done.out
            (told,) = ledger.read(tmp_path, "guarded")
        finally:
            await machine.close()
        assert told["below"] == "by the run"
        token = str(told["key"])
        assert token.startswith("hrr_")
        assert worker.key not in str(told["began_with"])
        assert token not in str(told["began_with"])
        run = {"authorization": f"Bearer {token}"}
        me = (await owner.stack.http.get("/v1/me", headers=run)).json()
        assert me["principal_id"] == worker.principal_id
        assert not {"PERMISSION_WORKERS_CONNECT", "PERMISSION_WORK_POOLS_EDIT"} & set(me["permissions"])
        refused = await owner.stack.http.post(
            "/v1/work-pools", json={"work_pool": {"name": "another", "type": "process"}}, headers=run
        )
        assert refused.status_code == 403, refused.text
        again = {"flow_run_id": str(me["principal_id"]), "attempt_token": str(me["principal_id"])}
        refused = await owner.stack.http.post("/v1/run-tokens", json=again, headers=run)
        assert refused.status_code == 403, refused.text
        for path in ("/v1/api-keys", f"/v1/api-keys/{worker.key.split('_')[1]}:rotate"):
            refused = await owner.stack.http.post(path, json={"name": "mine"} if path[-1] == "s" else {}, headers=run)
            assert refused.json()["details"][0]["reason"] == "NOT_FOR_RUNS", refused.text
        await owner.post(f"/v1/api-keys/{worker.key.split('_')[1]}:revoke", {})

        async def is_over() -> bool:
            return (await owner.stack.http.get("/v1/me", headers=run)).status_code == 401

        await eventually(is_over)
