import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { call } from "../api/client.ts";
import type { CatchUp, Deployment, Input, Schedule } from "../api/contract.gen.ts";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Moment } from "../parts/Moment.tsx";
import { useChange } from "../parts/useChange.ts";
import { KINDS, draftOf, scheduleOf, type Draft, type Kind } from "./draft.ts";
import { CATCH_UPS, TIME_ZONES } from "./schedules.ts";

const PREVIEWED = 8;
const PAUSE_MILLISECONDS = 350;
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
