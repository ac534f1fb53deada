"""What Alembic runs for every command: the migrations, on the connection that `run.py` hands over."""

from __future__ import annotations

from alembic import context

from headrace_migrations.run import VERSION_SCHEMA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    version_table_schema=VERSION_SCHEMA,
    # Each migration commits by itself: what a later one does cannot undo an earlier one.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
