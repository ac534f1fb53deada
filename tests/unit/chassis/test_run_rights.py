"""What flow runs may call with their tokens: decided for each method that changes something."""

from __future__ import annotations

from tools.permissions import public_methods

from headrace_chassis.run_rights import FOR_RUNS
from headrace_identity.rules.roles import RUN_PERMISSIONS

NOT_FOR_RUNS = {
    # Of others, or of the workspace as a whole.
    "AssetService/DeleteAsset",
    "BackfillService/CancelBackfill",
    "BackfillService/CreateBackfill",
    "BackfillService/PauseBackfill",
    "BackfillService/ResumeBackfill",
    "BackfillService/RetryBackfill",
    "BulkOperationService/CancelBulkOperation",
    "BulkOperationService/CreateBulkOperation",
    "DeploymentService/MakeScheduledRuns",
    "FlowService/UpdateFlow",
    "RunNoteService/DeleteRunNote",
}


def test_it_is_decided_for_each_method_whether_runs_may_call_it() -> None:
    held = RUN_PERMISSIONS - {"PERMISSION_OTHER_RUNS_EDIT"}
    changing = {
        f"{method.service.rpartition('.')[2]}/{method.name}": method.is_for_runs
        for method in public_methods()
        if method.permission_name in held and not method.permission_name.endswith("_VIEW")
    }
    assert set(changing) == FOR_RUNS | NOT_FOR_RUNS
    assert {name for name, is_for_runs in changing.items() if is_for_runs} == FOR_RUNS
