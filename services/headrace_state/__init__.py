"""What runs, where it stands, and what it may take.

Owns the schema `state`: `flow`, `flow_run` (with `flow_run_payload`), `task_run`, `transition` (the history of both
by day), `due_run` (the hot queue), `concurrency_limit`, `lease`, `lease_slot`, `waiter`, `artifact`, `variable`,
`background_task`, `task_server`, `block_type`, `block_schema`, `block`, `block_reference`, `run_input`, `run_note`,
`bulk_operation`, `retention_rule`, `start_deadline`, `asset`, `asset_materialization`, `asset_dependency`, `outbox`.
Serves `FlowService`, `FlowRunService`, `TaskRunService`, `BackgroundTaskService`, `RecordService`,
`ConcurrencyService`, `ArtifactService`, `AssetService`, `VariableService`, `BlockService`, `RunInputService`,
`RunInsightService`, `RunNoteService`, `RunImportService`, `BulkOperationService`, `RetentionService` and, to the other
services, `StateInternalService` and `OutboxService`. Its loops reap leases, mark runs late, end pauses and
cancellations that take too long, carry bulk operations on, delete what is too old, and keep the partitions of history.
"""
