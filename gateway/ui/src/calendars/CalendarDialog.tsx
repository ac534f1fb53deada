import { useState } from "react";
import { call } from "../api/client.ts";
import type { Calendar } from "../api/contract.gen.ts";
import { fieldMoment } from "../api/spans.ts";
import { TIME_ZONES } from "../deployments/schedules.ts";
import { CheckField, SelectField, TextField } from "../parts/Fields.tsx";
import { FormDialog } from "../parts/FormDialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { IconButton } from "../parts/IconButton.tsx";
import { useChange } from "../parts/useChange.ts";
import { WEEKDAYS } from "./days.ts";

const DATE = /^(\d{4}-)?\d{2}-\d{2}$/;

interface CalendarDialogProps {
  /** The one to change; undefined makes one. */
  calendar: Calendar | undefined;
  onClose: () => void;
  onSaved?: (calendar: Calendar) => void;
}

function iso(moment: string): string | undefined {
  return moment === "" ? undefined : new Date(moment).toISOString();
}

/** Makes or changes a calendar. */
export function CalendarDialog({ calendar, onClose, onSaved }: CalendarDialogProps) {
  const [name, setName] = useState(calendar?.name ?? "");
  const [description, setDescription] = useState(calendar?.description ?? "");
  const [zone, setZone] = useState(calendar === undefined ? Intl.DateTimeFormat().resolvedOptions().timeZone : calendar.time_zone);
  const [dates, setDates] = useState(calendar?.dates.join("\n") ?? "");
  const [weekdays, setWeekdays] = useState<number[]>(calendar?.weekdays ?? []);
  const [spans, setSpans] = useState(
    () => calendar?.blackouts.map(({ from, until }) => ({ from: fieldMoment(from), until: fieldMoment(until) })) ?? [],
  );
  const setSpan = (index: number, part: { from?: string; until?: string }) =>
    setSpans((old) => old.map((span, place) => (place === index ? { ...span, ...part } : span)));
  const lines = dates.split(/[\s,]+/).filter((line) => line !== "");
  const wrong = lines.find((line) => !DATE.test(line));
  const save = useChange({
    run: () =>
      call("ApplyCalendar", {
        calendar: {
          name: name.trim(),
          description: description.trim(),
          time_zone: zone,
          dates: lines,
          weekdays,
          blackouts: spans.map(({ from, until }) => ({ from: iso(from), until: iso(until) })),
        },
      }),
    changes: ["calendars"],
    done: calendar === undefined ? "The calendar was made" : "The calendar was changed: runs to come are made anew",
    onDone: (saved) => {
      onClose();
      if (saved.calendar !== undefined) onSaved?.(saved.calendar);
    },
  });
  return (
    <FormDialog
      title={calendar === undefined ? "New calendar" : `Change ${calendar.name}`}
      isWide
      save={save}
      isReady={wrong === undefined}
      onClose={onClose}
    >
      <div className="form">
        {calendar === undefined && <TextField label="Name" isRequired autoFocus value={name} onChange={setName} />}
        <TextField label="What it is for" value={description} onChange={setDescription} />
        <SelectField
          label="Time zone of its days"
          value={zone === "" ? "UTC" : zone}
          options={TIME_ZONES.map((value) => ({ value, label: value }))}
          onChange={setZone}
        />
        <fieldset className="form-group">
          <legend>No runs on these days of every week</legend>
          <div className="check-grid">
            {WEEKDAYS.map((label, index) => (
              <CheckField
                key={label}
                label={label}
                isChecked={weekdays.includes(index + 1)}
                onChange={(isChecked) =>
                  setWeekdays((old) => (isChecked ? [...old, index + 1] : old.filter((day) => day !== index + 1)))
                }
              />
            ))}
          </div>
        </fieldset>
        <TextField
          label="No runs on these days"
          hint="One a line: 2026-12-24, or 12-25 for that day of every year."
          error={wrong === undefined ? undefined : `${wrong} is no day such as 2026-12-24 or 12-25.`}
          isCode
          lines={5}
          value={dates}
          onChange={setDates}
        />
        <fieldset className="form-group">
          <legend>No runs in these spans of time (your time zone)</legend>
          {spans.map(({ from, until }, index) => (
            <div key={index} className="span-row">
              <TextField label="From" type="datetime-local" isRequired value={from} onChange={(next) => setSpan(index, { from: next })} />
              <TextField label="Until" type="datetime-local" isRequired value={until} onChange={(next) => setSpan(index, { until: next })} />
              <IconButton icon="trash" label={`Leave span ${index + 1} out`} onClick={() => setSpans((old) => old.filter((_, place) => place !== index))} />
            </div>
          ))}
          <button type="button" className="button" onClick={() => setSpans((old) => [...old, { from: "", until: "" }])}>
            <Icon name="plus" />
            Add a span
          </button>
        </fieldset>
      </div>
    </FormDialog>
  );
}
