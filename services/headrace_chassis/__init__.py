"""What every service needs and none owns.

Settings, the database pool, named SQL statements, the gRPC server with its guards, the outbox, wakeups,
leases, background loops, partitions, paging, telemetry and health. It knows no domain.
"""
