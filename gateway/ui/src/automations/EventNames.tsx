import type { ReactNode } from "react";
import { Field } from "../parts/Fields.tsx";
import { wordsOf } from "./triggers.ts";

const OF = (thing: string, words: readonly string[]) => words.map((word) => `headrace.${thing}.${word}`);

/** What happens of itself, by what it happens to. */
const GROUPS = [
  {
    label: "A flow run is",
    names: OF("flow-run", ["Scheduled", "Late", "Pending", "Running", "AwaitingRetry", "Retrying", "Paused", "Suspended", "Completed", "Failed", "Crashed", "Cancelling", "Cancelled", "*"]),
  },
  { label: "A task run is", names: OF("task-run", ["Running", "Completed", "Failed", "Crashed", "*"]) },
  { label: "A deployment is", names: OF("deployment", ["created", "updated", "deleted", "ready", "not-ready"]) },
  { label: "A worker is", names: OF("worker", ["online", "offline", "draining"]) },
  { label: "A work pool is", names: OF("work-pool", ["ready", "not-ready", "unattended", "attended"]) },
  { label: "A service level is", names: OF("service-level", ["violated"]) },
];

function wordOf(name: string): string {
  const word = name.slice(name.lastIndexOf(".") + 1);
  return word === "*" ? "in any state" : word.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll("-", " ").toLowerCase();
}

interface EventNamesProps {
  label: string;
  hint: ReactNode;
  /** What the choice of further ones is called. */
  addLabel?: string;
  /** Names, joined by commas. */
  value: string;
  onChange: (value: string) => void;
}

/** Names of events: those of Headrace are picked, others are written. */
export function EventNames({ label, hint, addLabel = "Add an event", value, onChange }: EventNamesProps) {
  const chosen = wordsOf(value);
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <div className="resource-field">
          <input
            {...ids}
            type="text"
            className="field"
            value={value}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => onChange(event.target.value)}
          />
          <select
            className="field"
            aria-label={addLabel}
            value=""
            onChange={(event) => onChange([...new Set([...chosen, event.target.value])].join(", "))}
          >
            <option value="">Add …</option>
            {GROUPS.map((group) => (
              <optgroup key={group.label} label={group.label}>
                {group.names.map((name) => (
                  <option key={name} value={name}>
                    {wordOf(name)}
                  </option>
                ))}
              </optgroup>
            ))}
          </select>
        </div>
      )}
    </Field>
  );
}
