"""The statements, and how rows become facts."""

from __future__ import annotations

from headrace_chassis.statements import Statements

SQL = Statements("headrace_scheduler.sql")
