"""Log records: in, search, follow.

Owns the tables `record` (partitioned by day), `writer`, `appended_batch` and an outbox of its own; serves
`LogService` (WriteLogs, AppendLogs, ListLogs, FollowLogs); runs the loops that commit groups of batches,
sweep what is no longer needed, and keep partitions.
"""
