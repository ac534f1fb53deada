"""Row-level security: Postgres itself shows a service only the rows of the workspace that it works for.

`headrace.protect(table)` gives a table the policy. It is called for every table with a `workspace_id` after each
upgrade, so that no migration can forget it, and by services for the day partitions that they make.
"""

from __future__ import annotations

from headrace_migrations.shared_tables import SERVICES

CREATE_FUNCTION = """
create function headrace.protect(target regclass) returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
    -- As CASE, so that the planner takes it for a coin toss and not for a rare match.
    seen text := $policy$case current_setting('headrace.workspace', true)
        when '*' then true
        when workspace_id::text then true
        else false
    end$policy$;
begin
    if not exists (
        select
          from pg_attribute
         where attrelid = target
           and attname = 'workspace_id'
           and attnotnull
    ) then
        seen := format('case when workspace_id is null then true else %s end', seen);
    end if;
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    if not exists (select from pg_policy where polrelid = target and polname = 'workspace') then
        execute format('create policy workspace on %s using (%s)', target, seen);
    end if;
end
$$
"""

HAS_FUNCTION = "select to_regprocedure('headrace.protect(regclass)') is not null"

READABLE = "has_table_privilege(pg_class.relowner, pg_class.oid, 'select')"
"""Whether the owner of a table may read it. The one that it may not, the intake of log records, shows nobody anything:
a policy would only keep COPY out."""

_OWNED = f"""
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ({", ".join(f"'{service}'" for service in SERVICES)})
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and {READABLE}
"""

_PROTECT = f"select headrace.protect(pg_class.oid) {_OWNED} and not pg_class.relforcerowsecurity"

_EXPOSE = f"""
do $$
declare
    target regclass;
begin
    for target in select pg_class.oid::regclass {_OWNED} loop
        execute format('drop policy if exists workspace on %s', target);
        execute format('alter table %s no force row level security', target);
        execute format('alter table %s disable row level security', target);
    end loop;
end
$$
"""


_SEARCHING = (
    "arraycontains(anyarray, anyarray)",
    "arrayoverlap(anyarray, anyarray)",
    "jsonb_contains(jsonb, jsonb)",
    "textlike(text, text)",
    "texticlike(text, text)",
)
"""Functions of the operators that our GIN indexes serve."""

# Behind a policy Postgres reads an index only by operators of which it knows that they tell nothing about rows that
# are not shown, as errors might. Those of arrays, JSON and LIKE do not, but nobody has declared it. That needs the
# rights of a superuser, and is no part of a dump: so it is looked at after each upgrade. Without those rights such
# searches are right, and read more rows.
_DECLARE = """
do $$
declare
    searching regprocedure;
begin
    for searching in
        select pg_proc.oid::regprocedure
          from pg_proc
         where pg_proc.oid = any (array[{functions}]::regprocedure[])
           and pg_proc.proleakproof is distinct from {wanted}
    loop
        execute format('alter function %s {words}', searching);
    end loop;
exception
    when insufficient_privilege then
        raise notice 'searches by tags, labels, parameters and words will read more rows than they need';
end
$$
"""


def protect_all() -> list[str]:
    """Return the statements that protect every table with a `workspace_id` that is not protected yet."""
    return [_declare(leakproof=True), *_as_every_owner(_PROTECT)]


def expose_all() -> list[str]:
    """Return the statements that take the protection away again."""
    return [*_as_every_owner(_EXPOSE), _declare(leakproof=False)]


def _declare(*, leakproof: bool) -> str:
    functions = ", ".join(f"'pg_catalog.{function}'" for function in _SEARCHING)
    words = "leakproof" if leakproof else "not leakproof"
    return _DECLARE.format(functions=functions, wanted=str(leakproof).lower(), words=words)


def _as_every_owner(statement: str) -> list[str]:
    # The owner of a table makes its policies: the service, or the user of the migrations where it may not change it.
    statements = [statement]
    for service in SERVICES:
        statements += [f"set local role headrace_{service}", statement, "set local role none"]
    return statements
