"""Settings of the embedded Postgres, given on its command line so that each release brings its own."""

from __future__ import annotations

from typing import Literal

import psutil

Durability = Literal["durable", "fast"]
"""`durable` loses nothing that was committed; `fast` is for data that goes with the server."""

CONNECTIONS_OF_A_PROCESS = 30
"""Five pools of at most four, wakeups, and room for migrations."""

_SPARE_CONNECTIONS = 40
_MEBIBYTE = 1024 * 1024
_SHARED_BUFFERS_LEAST_MIB = 64
_SHARED_BUFFERS_MOST_MIB = 512


def configuration(durability: Durability, *, processes: int = 1) -> dict[str, str]:
    """Return the settings by name.

    Args:
        durability: Whether what is committed must survive a crash of the machine.
        processes: Server processes that will connect.
    """
    memory_mib = psutil.virtual_memory().total // _MEBIBYTE
    buffers_mib = max(_SHARED_BUFFERS_LEAST_MIB, min(memory_mib // 32, _SHARED_BUFFERS_MOST_MIB))
    settings = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": str(_SPARE_CONNECTIONS + CONNECTIONS_OF_A_PROCESS * processes),
        "shared_buffers": f"{buffers_mib}MB",
        "effective_cache_size": f"{max(buffers_mib, memory_mib // 4)}MB",
        "work_mem": "8MB",
        "maintenance_work_mem": "64MB",
        "wal_buffers": "16MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        # Hot tables are small and change all the time; waiting for a fifth of a big one takes too long.
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
        "autovacuum_vacuum_insert_scale_factor": "0.2",
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on",
        "log_directory": "log",
        # A file a weekday, written anew a week later: the logs never take more than a week's worth.
        "log_filename": "postgres-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] %a ",
    }
    if durability == "fast":
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": f"{_SHARED_BUFFERS_LEAST_MIB}MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_wal_size": "512MB",
        }
    return settings
