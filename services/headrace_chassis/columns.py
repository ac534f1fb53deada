"""Columns as tables of services have them, for their `tables.py`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

_EMPTY_OBJECT = sa.text("'{}'::jsonb")
_EMPTY_ARRAY = sa.text("'{}'::text[]")
_EMPTY_TEXT = sa.text("''::text")
_NOW = sa.func.now()


def id_column(name: str, *, key: bool = False, optional: bool = False) -> sa.Column[Any]:
    """Return a column of ids."""
    return sa.Column(name, sa.Uuid, primary_key=key, nullable=optional)


def text_column(name: str, *, key: bool = False, default: bool = False, optional: bool = False) -> sa.Column[Any]:
    """Return a column of texts; empty ones by default, if it has one."""
    return sa.Column(name, sa.Text, primary_key=key, nullable=optional, server_default=_EMPTY_TEXT if default else None)


def time_column(name: str, *, key: bool = False, default: bool = False, optional: bool = False) -> sa.Column[Any]:
    """Return a column of times; now by default, if it has one."""
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        primary_key=key,
        nullable=optional,
        server_default=_NOW if default else None,
    )


def object_column(name: str) -> sa.Column[Any]:
    """Return a column of JSON objects; empty ones by default."""
    return sa.Column(name, pg.JSONB, nullable=False, server_default=_EMPTY_OBJECT)


def json_column(name: str) -> sa.Column[Any]:
    """Return a column of JSON values, which may be missing."""
    return sa.Column(name, pg.JSONB)


def words_column(name: str, *, default: bool = True) -> sa.Column[Any]:
    """Return a column of lists of texts; none by default, if it has one."""
    return sa.Column(name, pg.ARRAY(sa.Text), nullable=False, server_default=_EMPTY_ARRAY if default else None)


def integer_column(name: str, *, default: int | None = 0) -> sa.Column[Any]:
    """Return a column of whole numbers."""
    return sa.Column(
        name, sa.Integer, nullable=False, server_default=sa.text(str(default)) if default is not None else None
    )


def count_column(name: str) -> sa.Column[Any]:
    """Return a column of large whole numbers; 0 by default."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def number_column(name: str, *, optional: bool = False, default: bool = False) -> sa.Column[Any]:
    """Return a column of numbers; 0 by default, if it has one."""
    return sa.Column(name, sa.Double, nullable=optional, server_default=sa.text("0") if default else None)


def flag_column(name: str, default: bool) -> sa.Column[Any]:
    """Return a column of truths."""
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("true" if default else "false"))
