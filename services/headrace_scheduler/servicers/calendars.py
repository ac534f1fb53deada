"""`CalendarService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace.api.v1 import calendar_pb2 as pb
from headrace.api.v1 import calendar_pb2_grpc as pb_grpc
from headrace_chassis.pages import asked_page
from headrace_scheduler.repository.calendars import StoredCalendar
from headrace_scheduler.servicers.calls import actor
from headrace_scheduler.usecases import calendars as usecase
from headrace_scheduler.usecases.workbench import Workbench
from headrace_scheduler.wire import calendars as wire

Context = grpc.aio.ServicerContext[Any, Any]


class CalendarServicer(pb_grpc.CalendarServiceServicer):
    """Keeps calendars."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def ApplyCalendar(self, request: pb.ApplyCalendarRequest, context: Context) -> pb.ApplyCalendarResponse:
        """Create a calendar, or bring the one with the same name to the given content."""
        stored, is_new, touched = await usecase.apply_calendar(self._bench, actor(), wire.to_calendar(request.calendar))
        return pb.ApplyCalendarResponse(calendar=_message(stored), created=is_new, schedules=touched)

    async def GetCalendar(self, request: pb.GetCalendarRequest, context: Context) -> pb.GetCalendarResponse:
        """Return one calendar by its name."""
        return pb.GetCalendarResponse(
            calendar=_message(await usecase.load_calendar(self._bench, actor(), request.name))
        )

    async def ListCalendars(self, request: pb.ListCalendarsRequest, context: Context) -> pb.ListCalendarsResponse:
        """List calendars by name."""
        workspace_id = actor().workspace_id
        page = asked_page(request, workspace_id)
        [after] = page.behind(str) or (None,)
        found = await self._bench.store.read(lambda unit: unit.calendars.list_page(workspace_id, after, page.lookahead))
        shown, token = page.split(found, lambda stored: (stored.calendar.name,))
        return pb.ListCalendarsResponse(calendars=[_message(stored) for stored in shown], next_page_token=token)

    async def DeleteCalendar(self, request: pb.DeleteCalendarRequest, context: Context) -> pb.DeleteCalendarResponse:
        """Delete a calendar."""
        await usecase.delete_calendar(self._bench, actor(), request.name)
        return pb.DeleteCalendarResponse()


def _message(stored: StoredCalendar) -> pb.Calendar:
    return wire.from_calendar(stored.calendar, stored.created_at, stored.updated_at)
