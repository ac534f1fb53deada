"""The statements of the notification service."""

from __future__ import annotations

from headrace_chassis.statements import Statements

SQL = Statements("headrace_notification.sql")
