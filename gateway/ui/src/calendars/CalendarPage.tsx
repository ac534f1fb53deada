import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Calendar } from "../api/contract.gen.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { One } from "../parts/One.tsx";
import { Facts, PageHead } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { useChange } from "../parts/useChange.ts";
import { CalendarDialog } from "./CalendarDialog.tsx";
import { WEEKDAYS, calendarText, daysOf, makeJudge } from "./days.ts";

const route = getRouteApi("/calendars/$name");
const MONTHS = Array.from({ length: 12 }, (_, index) => index + 1);
const monthName = new Intl.DateTimeFormat(undefined, { month: "long", timeZone: "UTC" });

/** One calendar: the days of a year on which schedules that name it make no runs. */
export function CalendarPage() {
  const { name } = route.useParams();
  const query = useQuery({
    queryKey: ["calendars", name],
    queryFn: ({ signal }) => call("GetCalendar", { name }, signal),
  });
  return (
    <One
      query={query}
      what="the calendar"
      missing={
        <Empty title="There is no such calendar">
          <p>
            It was deleted, or is called otherwise. <Link to="/calendars">Show all calendars</Link>
          </p>
        </Empty>
      }
    >
      {({ calendar: found }) => found !== undefined && <Shown calendar={found} />}
    </One>
  );
}

function Shown({ calendar }: { calendar: Calendar }) {
  const navigate = useNavigate();
  const [asked, setAsked] = useState<"change" | "delete">();
  const remove = useChange({
    run: () => call("DeleteCalendar", { name: calendar.name }),
    changes: [],
    // Asked for again here it would be missing; the list asks when it is shown.
    forgets: "calendars",
    onDone: () => {
      tell(`${calendar.name} was deleted`);
      void navigate({ to: "/calendars" });
    },
  });
  return (
    <>
      <PageHead
        title={calendar.name}
        from={{ to: "/calendars", label: "Calendars" }}
        actions={
          <>
            <button type="button" className="button" onClick={() => setAsked("change")}>
              <Icon name="edit" />
              Change
            </button>
            <button type="button" className="button" onClick={() => setAsked("delete")}>
              Delete
            </button>
          </>
        }
      />
      {calendar.description !== "" && <p className="lead">{calendar.description}</p>}
      <Facts
        facts={{
          "No runs on": calendarText(calendar),
          "Time zone of its days": calendar.time_zone === "" ? "UTC" : calendar.time_zone,
          Changed: <Moment at={calendar.updated_at} />,
        }}
      />
      <Year calendar={calendar} />
      {calendar.blackouts.length > 0 && (
        <section>
          <h2 className="section-title">Spans of time</h2>
          <ul className="rows" aria-label="Spans of time">
            {calendar.blackouts.map(({ from, until }, index) => (
              <li key={index}>
                <span>
                  from <Moment at={from} /> until <Moment at={until} />
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {asked === "change" && <CalendarDialog calendar={calendar} onClose={() => setAsked(undefined)} />}
      <ConfirmDialog
        title={`Delete ${calendar.name}?`}
        action="Delete the calendar"
        typedName={calendar.name}
        isOpen={asked === "delete"}
        onClose={() => setAsked(undefined)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>While a schedule names it, it stays: take it out there first.</p>
      </ConfirmDialog>
    </>
  );
}

/** A year, with the days on which no runs are made. */
function Year({ calendar }: { calendar: Calendar }) {
  const [{ year: asked }, change] = useAddress();
  const now = new Date();
  const year = /^\d{4}$/.test(asked ?? "") ? Number(asked) : now.getFullYear();
  const judge = useMemo(() => makeJudge(calendar, year), [calendar, year]);
  return (
    <section aria-label={`Days of ${year} without runs`}>
      <header className="calendar-head">
        <button type="button" className="button button-bare" aria-label="The year before" onClick={() => change({ year: String(year - 1) })}>
          <Icon name="left" />
        </button>
        <h2 aria-live="polite">{year}</h2>
        <button type="button" className="button button-bare" aria-label="The next year" onClick={() => change({ year: String(year + 1) })}>
          <Icon name="right" />
        </button>
        <span className="legend">
          <span className="legend-item state-failed">no runs</span>
          {calendar.blackouts.length > 0 && <span className="legend-item state-scheduled">no runs in a part of it</span>}
        </span>
      </header>
      <ol className="year">
        {MONTHS.map((month) => {
          const days = daysOf(year, month);
          return (
            <li key={month} className="year-month">
              <h3>{monthName.format(Date.UTC(year, month - 1, 1))}</h3>
              <ol className="year-days">
                {WEEKDAYS.map((name) => (
                  <li key={name} className="quiet" aria-hidden="true">
                    {name.slice(0, 1)}
                  </li>
                ))}
                {days.map((day, index) => {
                  const judged = judge(day);
                  const words = judged === "whole" ? "no runs" : judged === "part" ? "no runs in a part of it" : undefined;
                  return (
                    <li
                      key={day.day}
                      className={judged === undefined ? "" : `year-off has-state ${judged === "whole" ? "state-failed" : "state-scheduled"}`}
                      style={index === 0 ? { gridColumnStart: day.weekday } : undefined}
                      title={words}
                    >
                      {day.day}
                      {words !== undefined && <span className="hidden">{` ${words}`}</span>}
                    </li>
                  );
                })}
              </ol>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
