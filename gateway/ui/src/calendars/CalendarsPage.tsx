import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import type { Calendar } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty } from "../parts/Notice.tsx";
import { PageHead } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { CalendarDialog } from "./CalendarDialog.tsx";
import { calendarText } from "./days.ts";

const EXAMPLE = `headrace calendar set holidays --date 12-25 --date 2026-04-06 --weekday sun
headrace deployment schedule create my-flow/nightly --cron "0 3 * * *" --calendar holidays`;

const COLUMNS: Column<Calendar>[] = [
  {
    id: "name",
    header: "Calendar",
    cell: ({ row: { original: calendar } }) => (
      <Link to="/calendars/$name" params={{ name: calendar.name }} className="run-link">
        <span className="run-name">{calendar.name}</span>
        <span className="quiet clipped">{calendar.description}</span>
      </Link>
    ),
  },
  { id: "days", header: "No runs on", cell: ({ row: { original: calendar } }) => calendarText(calendar) },
  { id: "zone", header: "Time zone", cell: ({ row: { original: calendar } }) => (calendar.time_zone === "" ? "UTC" : calendar.time_zone) },
  { id: "changed", header: "Changed", cell: ({ row: { original: calendar } }) => <Moment at={calendar.updated_at} /> },
];

/** Named days on which schedules make no runs. */
export function CalendarsPage() {
  const navigate = useNavigate();
  const [{ text = "" }, change] = useAddress();
  const [isMaking, setMaking] = useState(false);
  const list = usePaged("ListCalendars", "calendars", {}, (page) => page.calendars);
  const words = text.toLowerCase();
  const rows = useMemo(
    () => list.rows.filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(words)),
    [list.rows, words],
  );
  return (
    <>
      <PageHead
        title="Calendars"
        actions={
          <>
            <SearchField label="Search calendars" value={text} onChange={(next) => change({ text: next })} />
            <button type="button" className="button button-main" onClick={() => setMaking(true)}>
              <Icon name="plus" />
              New calendar
            </button>
          </>
        }
      />
      <Listing
        list={{ ...list, rows }}
        what="calendars"
        empty={
          text === "" ? (
            <Empty title="No calendars yet" code={EXAMPLE}>
              <p>A calendar has days, and spans of time, in which no runs are made: holidays, weekends, a maintenance. Any number of schedules may name it.</p>
            </Empty>
          ) : (
            <Empty title="No calendar is called so">
              <p>
                <Link to="/calendars">Show all calendars</Link>
              </p>
            </Empty>
          )
        }
      >
        {(shown) => <DataTable label="Calendars" columns={COLUMNS} rows={shown} rowKey={(calendar) => calendar.name} />}
      </Listing>
      {isMaking && (
        <CalendarDialog
          calendar={undefined}
          onClose={() => setMaking(false)}
          onSaved={({ name }) => void navigate({ to: "/calendars/$name", params: { name } })}
        />
      )}
    </>
  );
}
