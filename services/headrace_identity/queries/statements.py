"""The statements of the identity service."""

from __future__ import annotations

from headrace_chassis.statements import Statements

SQL = Statements("headrace_identity.sql")
