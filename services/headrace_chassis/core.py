"""SQLAlchemy Core statements as text and arguments for asyncpg.

Core is used for dynamic filters only; what runs is asyncpg. Compiled text is cached by the shape of the
statement, so that a list with the same filters costs no second compilation.
"""

from __future__ import annotations

import collections
from typing import Any, cast

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.elements import ClauseElement

_CACHE_LIMIT = 1024

_dialect: Dialect = cast(Any, PGDialect_asyncpg)()
_cache: collections.OrderedDict[Any, Any] = collections.OrderedDict()


def compile_core(statement: ClauseElement) -> tuple[str, list[Any]]:
    """Return (SQL text with $1..$n, arguments) of a Core statement.

    Arguments go to asyncpg as they are: pass uuid.UUID, aware datetimes, lists for arrays, and Python
    objects for json. Prefer `column == any_(array)` to `column.in_(list)`: its text does not depend on the
    length of the list, so that it is cached and prepared once.

    A statement may be made once and given its values by `statement.params(...)`, other than those of an `in_`.

    Raises:
        sqlalchemy.exc.CompileError: The statement has no form in Postgres.
    """
    cache_key = statement._generate_cache_key()
    if cache_key is None:
        return _compile_once(statement)
    compiled: Any = _cache.get(cache_key.key)
    if compiled is None:
        compiled = statement.compile(dialect=_dialect, cache_key=cache_key)
        _cache[cache_key.key] = compiled
        if len(_cache) > _CACHE_LIMIT:
            _cache.popitem(last=False)
    else:
        _cache.move_to_end(cache_key.key)
    if compiled.post_compile_params or compiled.literal_execute_params:
        return _compile_once(statement)
    # From SQLAlchemy 2.1 on `statement.params(...)` stands beside the statement; before, in its bind parameters.
    given = getattr(cache_key, "params", None)
    parameters = compiled.construct_params(given, extracted_parameters=cache_key.bindparams, escape_names=False)
    return compiled.string, [parameters[name] for name in compiled.positiontup or ()]


def _compile_once(statement: ClauseElement) -> tuple[str, list[Any]]:
    compiled: Any = statement.compile(dialect=_dialect, compile_kwargs={"render_postcompile": True})
    parameters = compiled.construct_params(escape_names=False)
    return compiled.string, [parameters[name] for name in compiled.positiontup or ()]
