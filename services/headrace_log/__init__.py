"""Log records: in, search, follow, kept as long as wanted, sent on.

Owns the schema `log`: `record` and `stretch` (partitioned by day), `record_intake`, `writer`, `appended_batch`,
`quota`, `usage`, `retention_rule`, `sink`, `outbox`; serves `LogService`, `LogSettingsService` and
`LogSinkService`; runs the loops that commit groups of batches, sum up long runs, count what workspaces write, delete
by rules, send on to sinks, sweep what is no longer needed, and keep partitions.
"""
