import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { Deployment } from "../api/contract.gen.ts";
import { utcText } from "../api/times.ts";
import { Icon } from "../parts/Icon.tsx";
import { Empty, Fault } from "../parts/Notice.tsx";

const SHOWN = 3;
/** As many times of a schedule as are asked for; those behind are told as "more". */
const MOST = 1000;
const DAYS_OF_WEEK = 7;

const monthName = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const wholeDay = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });

function keyOf(date: Date): string {
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** Returns the first day of a month that is written as 2026-11; of this month if it is not. */
function monthOf(text: string | undefined): Date {
  const found = /^(\d{4})-(\d{2})$/.exec(text ?? "");
  const now = new Date();
  return found === null ? new Date(now.getFullYear(), now.getMonth(), 1) : new Date(Number(found[1]), Number(found[2]) - 1, 1);
}

function wordOf(month: Date): string {
  return `${month.getFullYear()}-${String(month.getMonth() + 1).padStart(2, "0")}`;
}

/** The times at which a deployment runs by itself, in a month. */
export function Upcoming({ deployment }: { deployment: Deployment }) {
  const [search, change] = useAddress();
  const month = useMemo(() => monthOf(search.month), [search.month]);
  const until = useMemo(() => new Date(month.getFullYear(), month.getMonth() + 1, 1), [month]);
  const active = deployment.schedules.filter((schedule) => schedule.active);
  const isThisMonth = wordOf(month) === wordOf(new Date());
  const answers = useQueries({
    queries: active.map((schedule) => ({
      queryKey: ["upcoming", schedule.schedule_id, schedule.updated_at, wordOf(month)],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call(
          "PreviewSchedule",
          { schedule_id: schedule.schedule_id, from: isThisMonth ? undefined : month.toISOString(), count: MOST },
          signal,
        ),
    })),
  });
  const error = answers.find((answer) => answer.error !== null)?.error ?? undefined;
  const days = new Map<string, { at: string; slug: string }[]>();
  answers.forEach((answer, index) => {
    for (const at of answer.data?.times ?? []) {
      const date = new Date(at);
      if (date < month || date >= until) continue;
      const list = days.get(keyOf(date)) ?? [];
      list.push({ at, slug: active[index]?.slug ?? "" });
      days.set(keyOf(date), list);
    }
  });
  if (active.length === 0)
    return (
      <Empty title="Nothing is planned">
        <p>No schedule of it is on. Add one, or turn one on, under Schedules.</p>
      </Empty>
    );
  const move = (months: number) =>
    change({ month: wordOf(new Date(month.getFullYear(), month.getMonth() + months, 1)) });
  // Weeks begin on Monday.
  const offset = (month.getDay() + 6) % DAYS_OF_WEEK;
  const length = Math.round((until.getTime() - month.getTime()) / 86_400_000);
  const cells = Array.from({ length: Math.ceil((offset + length) / DAYS_OF_WEEK) * DAYS_OF_WEEK }, (_, index) => {
    const day = index - offset + 1;
    return day >= 1 && day <= length ? new Date(month.getFullYear(), month.getMonth(), day) : undefined;
  });
  return (
    <section className="calendar" aria-label={`Runs in ${monthName.format(month)}`}>
      <header className="calendar-head">
        <button type="button" className="button button-bare" aria-label="The month before" disabled={isThisMonth} onClick={() => move(-1)}>
          <Icon name="left" />
        </button>
        <h2 aria-live="polite">{monthName.format(month)}</h2>
        <button type="button" className="button button-bare" aria-label="The next month" onClick={() => move(1)}>
          <Icon name="right" />
        </button>
        {deployment.paused && <span className="quiet">The deployment is paused: these runs are made only once it goes on.</span>}
      </header>
      {error !== undefined && <Fault error={error} />}
      <ol className="calendar-days">
        {cells.slice(0, DAYS_OF_WEEK).map((_, index) => (
          <li key={`name-${index}`} className="calendar-name" aria-hidden="true">
            {weekday.format(new Date(2024, 0, index + 1))}
          </li>
        ))}
        {cells.map((date, index) =>
          date === undefined ? (
            <li key={index} className="calendar-day calendar-none" aria-hidden="true" />
          ) : (
            <Day key={index} date={date} times={days.get(keyOf(date)) ?? []} isNamed={active.length > 1} />
          ),
        )}
      </ol>
    </section>
  );
}

interface DayProps {
  date: Date;
  times: { at: string; slug: string }[];
  isNamed: boolean;
}

function Day({ date, times, isNamed }: DayProps) {
  const sorted = [...times].sort((a, b) => a.at.localeCompare(b.at));
  const isToday = keyOf(date) === keyOf(new Date());
  return (
    <li className={`calendar-day ${isToday ? "calendar-today" : ""} ${times.length > 0 ? "calendar-full" : ""}`}>
      <span className="calendar-number" title={wholeDay.format(date)}>
        {date.getDate()}
      </span>
      {sorted.slice(0, SHOWN).map(({ at, slug }) => (
        <time key={`${at}${slug}`} dateTime={at} title={`${utcText(at)}${isNamed ? ` · ${slug}` : ""}`}>
          {clock.format(new Date(at))}
        </time>
      ))}
      {sorted.length > SHOWN && <span className="quiet">{`and ${sorted.length - SHOWN} more`}</span>}
    </li>
  );
}
