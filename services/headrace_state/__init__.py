"""What runs, where it stands, and what it may take.

Owns the schema `state`: `flow`, `flow_run` (with `flow_run_payload`), `task_run`, `transition` (the history of both
by day), `due_run` (the hot queue), `concurrency_limit`, `lease`, `lease_slot`, `waiter`, `artifact`, `variable`,
`block_type`, `block_schema`, `block`, `block_reference`, `run_input`, `outbox`. Serves `FlowService`,
`FlowRunService`, `TaskRunService`, `RecordService`, `ConcurrencyService`, `ArtifactService`, `VariableService`,
`BlockService` and, to the other services, `StateInternalService` and `OutboxService`. Its loops reap leases, mark runs late, end pauses and cancellations that take too long, and keep
the partitions of history.
"""
