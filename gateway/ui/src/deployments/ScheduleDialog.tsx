import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { CatchUp, Deployment, Input, JsonObject, Schedule, ScheduleRule } from "../api/contract.gen.ts";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Moment } from "../parts/Moment.tsx";
import { useChange } from "../parts/useChange.ts";
import { localText } from "../schema/fields.tsx";
import { CATCH_UPS, TIME_ZONES, secondsOfText, textOfSpan } from "./schedules.ts";

const PREVIEWED = 8;
const PAUSE_MILLISECONDS = 350;
const KINDS = [
  { value: "cron", label: "By a cron expression" },
  { value: "interval", label: "At an interval" },
  { value: "recurrence", label: "By a recurrence rule (RFC 5545)" },
] as const;
type Kind = (typeof KINDS)[number]["value"];

interface Draft {
  kind: Kind;
  cron: string;
  every: string;
  anchor: string;
  recurrence: string;
  timeZone: string;
  slug: string;
  active: boolean;
  catchUp: CatchUp;
  startsAt: string;
  endsAt: string;
  jitter: string;
  lateness: string;
  calendars: string;
  parameters: string;
}

function draftOf(schedule: Schedule | undefined): Draft {
  const { cron, interval, recurrence } = schedule?.rule ?? {};
  return {
    kind: interval !== undefined ? "interval" : recurrence !== undefined ? "recurrence" : "cron",
    cron: cron?.expression ?? "0 6 * * *",
    every: textOfSpan(interval?.every) || "1h",
    anchor: interval?.anchor_at === undefined ? "" : localText(interval.anchor_at),
    recurrence: recurrence?.rule ?? "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
    timeZone:
      (cron ?? interval ?? recurrence)?.time_zone ??
      (schedule === undefined ? Intl.DateTimeFormat().resolvedOptions().timeZone : ""),
    slug: schedule?.slug ?? "",
    active: schedule?.active ?? true,
    catchUp: schedule?.catch_up ?? "CATCH_UP_ALL",
    startsAt: schedule?.starts_at === undefined ? "" : localText(schedule.starts_at),
    endsAt: schedule?.ends_at === undefined ? "" : localText(schedule.ends_at),
    jitter: textOfSpan(schedule?.jitter),
    lateness: textOfSpan(schedule?.maximum_lateness),
    calendars: schedule?.calendar_names.join(", ") ?? "",
    parameters: JSON.stringify(schedule?.parameters ?? {}, null, 2),
  };
}

function instant(text: string): string | undefined {
  return text === "" ? undefined : new Date(text).toISOString();
}

function span(text: string, what: string): string | undefined {
  if (text.trim() === "") return undefined;
  const seconds = secondsOfText(text);
  if (seconds === undefined) throw new Error(`${what} is a span such as 90s, 15m or 1h 30m.`);
  return `${seconds}s`;
}

function ruleOf(draft: Draft): Input<ScheduleRule> {
  const zone = draft.timeZone.trim();
  switch (draft.kind) {
    case "cron":
      return { cron: { expression: draft.cron.trim(), time_zone: zone } };
    case "interval":
      return { interval: { every: span(draft.every, "The interval") ?? "", anchor_at: instant(draft.anchor), time_zone: zone } };
    default:
      return { recurrence: { rule: draft.recurrence.trim(), time_zone: zone } };
  }
}

function scheduleOf(draft: Draft): Input<Schedule> {
  return {
    rule: ruleOf(draft),
    slug: draft.slug.trim(),
    active: draft.active,
    catch_up: draft.catchUp,
    starts_at: instant(draft.startsAt),
    ends_at: instant(draft.endsAt),
    jitter: span(draft.jitter, "The jitter"),
    maximum_lateness: span(draft.lateness, "The most lateness"),
    calendar_names: draft.calendars.split(",").map((name) => name.trim()).filter((name) => name !== ""),
    parameters: JSON.parse(draft.parameters.trim() === "" ? "{}" : draft.parameters) as JsonObject,
  };
}

const MASK = "rule,active,catch_up,starts_at,ends_at,jitter,maximum_lateness,calendar_names,parameters";

interface ScheduleDialogProps {
  deployment: Deployment;
  /** The one to change; undefined adds one. */
  schedule: Schedule | undefined;
  onClose: () => void;
}

/** Adds or changes a schedule, and shows its next times as one types. */
export function ScheduleDialog({ deployment, schedule, onClose }: ScheduleDialogProps) {
  const [draft, setDraft] = useState(() => draftOf(schedule));
  const change = (part: Partial<Draft>) => setDraft((old) => ({ ...old, ...part }));
  const save = useChange({
    run: async () => {
      const made = scheduleOf(draft);
      return schedule === undefined
        ? call("CreateSchedule", { deployment_id: deployment.deployment_id, schedule: made })
        : call("UpdateSchedule", { schedule: { ...made, schedule_id: schedule.schedule_id }, update_mask: MASK });
    },
    changes: ["deployments"],
    done: schedule === undefined ? "The schedule was added" : "The schedule was changed",
    onDone: onClose,
  });
  return (
    <FormDialog title={schedule === undefined ? "Add a schedule" : "Change the schedule"} action={schedule === undefined ? "Add" : "Save"} isWide save={save} onClose={onClose}>
      <div className="two-columns">
        <div className="form">
          <SelectField label="When" value={draft.kind} options={KINDS} onChange={(kind) => change({ kind: kind as Kind })} />
          {draft.kind === "cron" && (
            <TextField
              label="Cron expression"
              hint="Minute, hour, day of month, month, day of week"
              isCode
              value={draft.cron}
              onChange={(cron) => change({ cron })}
            />
          )}
          {draft.kind === "interval" && (
            <>
              <TextField label="Every" hint="Such as 90s, 15m, 1h 30m, 1d" value={draft.every} onChange={(every) => change({ every })} />
              <TextField
                label="Counted from"
                type="datetime-local"
                value={draft.anchor}
                onChange={(anchor) => change({ anchor })}
              />
            </>
          )}
          {draft.kind === "recurrence" && (
            <TextField
              label="Recurrence rule"
              lines={3}
              isCode
              value={draft.recurrence}
              onChange={(recurrence) => change({ recurrence })}
            />
          )}
          <SelectField
            label="Time zone"
            value={draft.timeZone === "" ? "UTC" : draft.timeZone}
            options={TIME_ZONES.map((zone) => ({ value: zone, label: zone }))}
            onChange={(timeZone) => change({ timeZone })}
          />
        </div>
        <Preview draft={draft} />
      </div>
      <CheckField label="It makes runs" isChecked={draft.active} onChange={(active) => change({ active })} />
      <details className="more-fields">
        <summary>Missed times, limits in time, parameters</summary>
        {schedule === undefined && (
          <TextField label="Short name" hint="Empty: the server makes one." value={draft.slug} onChange={(slug) => change({ slug })} />
        )}
        <SelectField
          label="Times that were missed"
          value={draft.catchUp === "CATCH_UP_UNSPECIFIED" ? "CATCH_UP_ALL" : draft.catchUp}
          options={CATCH_UPS}
          onChange={(catchUp) => change({ catchUp: catchUp as CatchUp })}
        />
        <TextField
          label="Most lateness"
          hint="A run that would be later than this is not started."
          value={draft.lateness}
          onChange={(lateness) => change({ lateness })}
        />
        <TextField
          label="Jitter"
          hint="Each time is moved by a random span up to this."
          value={draft.jitter}
          onChange={(jitter) => change({ jitter })}
        />
        <TextField label="Not before" type="datetime-local" value={draft.startsAt} onChange={(startsAt) => change({ startsAt })} />
        <TextField label="Until" type="datetime-local" value={draft.endsAt} onChange={(endsAt) => change({ endsAt })} />
        <TextField
          label="Calendars"
          hint="Names, joined by commas: no runs on their days."
          value={draft.calendars}
          onChange={(calendars) => change({ calendars })}
        />
        <TextField
          label="Parameters of its runs as JSON"
          lines={4}
          isCode
          value={draft.parameters}
          onChange={(parameters) => change({ parameters })}
        />
      </details>
    </FormDialog>
  );
}

/** The next times of a schedule that is only thought of. */
function Preview({ draft }: { draft: Draft }) {
  const made = useMemo(() => {
    try {
      return { schedule: { ...scheduleOf({ ...draft, parameters: "{}" }), active: true }, wrong: undefined };
    } catch (error) {
      return { schedule: undefined, wrong: error as Error };
    }
  }, [draft]);
  const text = JSON.stringify(made.schedule ?? null);
  const [asked, setAsked] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text), PAUSE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [text]);
  const { data, error } = useQuery({
    queryKey: ["schedule-preview", asked],
    queryFn: ({ signal }) =>
      call("PreviewSchedule", { schedule: JSON.parse(asked) as Input<Schedule>, count: PREVIEWED }, signal),
    enabled: asked !== "null",
    placeholderData: keepPreviousData,
    retry: false,
  });
  const wrong = made.wrong ?? error;
  return (
    <section className="preview" aria-label="Next times" aria-live="polite">
      <h3>Next times</h3>
      {wrong !== null ? (
        <p className="field-error">{wrong.message}</p>
      ) : data?.times.length === 0 ? (
        <p className="quiet">It never runs.</p>
      ) : (
        <ol>
          {data?.times.map((at) => (
            <li key={at}>
              <Moment at={at} />
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
