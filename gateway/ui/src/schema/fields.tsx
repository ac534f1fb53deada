// The single fields of a form: one kind each.

import { useState } from "react";
import type { JsonValue } from "../api/contract.gen.ts";
import { localText } from "../api/spans.ts";
import type { Schema } from "./schema.ts";

export interface FieldProps {
  id: string;
  schema: Schema;
  value: JsonValue | undefined;
  /** May be left empty. */
  isNullable: boolean;
  isRequired: boolean;
  /** The element that says what is wrong, if anything is. */
  faultId: string | undefined;
  onChange: (value: JsonValue | undefined) => void;
}

function about({ id, faultId, isRequired }: FieldProps) {
  return { id, "aria-invalid": faultId !== undefined, "aria-describedby": faultId, "aria-required": isRequired };
}

function textOf(value: JsonValue | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

/** What an emptied field stands for. */
function emptied(props: FieldProps): JsonValue | undefined {
  return props.isNullable ? null : undefined;
}

/** A line of text; several lines where the text has them. */
export function TextField(props: FieldProps) {
  const text = textOf(props.value);
  // An empty text is a value of its own where null is not.
  const change = (next: string) =>
    props.onChange(next === "" && (props.isNullable || props.isRequired) ? emptied(props) : next);
  return text.includes("\n") || text.length > 80 || props.schema.format === "template" ? (
    <textarea
      {...about(props)}
      className="field"
      rows={Math.min(12, text.split("\n").length + 2)}
      spellCheck={props.schema.format !== "template"}
      value={text}
      onChange={(event) => change(event.target.value)}
    />
  ) : (
    <input {...about(props)} type="text" className="field" value={text} onChange={(event) => change(event.target.value)} />
  );
}

/** What the server shows in place of a secret; sent back, the secret stays as it is. */
const MASK = "********";

/** What nobody should read over a shoulder: it can be written, and is never shown. */
export function SecretField(props: FieldProps) {
  const [wasKept] = useState(props.value === MASK);
  const isKept = props.value === MASK;
  return (
    <input
      {...about(props)}
      type="password"
      autoComplete="new-password"
      className="field"
      placeholder={isKept ? "Stays as it is; type to replace it" : undefined}
      value={isKept ? "" : textOf(props.value)}
      onChange={(event) =>
        props.onChange(event.target.value === "" ? (wasKept ? MASK : emptied(props)) : event.target.value)
      }
    />
  );
}

/** A number; what is none stays as it was typed, to be told about. */
export function NumberField(props: FieldProps) {
  const [draft, setDraft] = useState<string>();
  return (
    <input
      {...about(props)}
      type="text"
      inputMode="decimal"
      className="field"
      value={draft ?? textOf(props.value)}
      onBlur={() => setDraft(undefined)}
      onChange={(event) => {
        const text = event.target.value;
        setDraft(text);
        const number = Number(text);
        props.onChange(text.trim() === "" ? emptied(props) : Number.isFinite(number) ? number : text);
      }}
    />
  );
}

/** Yes or no. */
export function BooleanField(props: FieldProps) {
  return (
    <input
      {...about(props)}
      type="checkbox"
      className="check"
      checked={props.value === true}
      onChange={(event) => props.onChange(event.target.checked)}
    />
  );
}

/** One of some values. */
export function ChoiceField(props: FieldProps) {
  const choices = props.schema.enum ?? (props.schema.const === undefined ? [] : [props.schema.const]);
  const chosen = choices.findIndex((choice) => JSON.stringify(choice) === JSON.stringify(props.value));
  return (
    <select
      {...about(props)}
      className="field"
      value={chosen}
      onChange={(event) => {
        const index = Number(event.target.value);
        props.onChange(index < 0 ? emptied(props) : choices[index]);
      }}
    >
      {(chosen < 0 || props.isNullable) && <option value={-1}>{props.isNullable ? "None" : "Choose …"}</option>}
      {choices.map((choice, index) => (
        <option key={index} value={index}>
          {props.schema.enumNames?.[index] ?? textOf(choice)}
        </option>
      ))}
    </select>
  );
}

/** A day, a time of day, or an instant in the viewer's zone. */
export function TimeField(props: FieldProps) {
  const format = props.schema.format;
  const isInstant = format === "date-time";
  const text = textOf(props.value);
  return (
    <input
      {...about(props)}
      type={isInstant ? "datetime-local" : format === "time" ? "time" : "date"}
      step={format === "date" ? undefined : 1}
      className="field"
      value={isInstant ? localText(text) : text}
      onChange={(event) => {
        const next = event.target.value;
        props.onChange(next === "" ? emptied(props) : isInstant ? new Date(next).toISOString() : next);
      }}
    />
  );
}

/** Any JSON, as text. */
export function JsonField(props: FieldProps & { onBroken: (message: string | undefined) => void }) {
  const [draft, setDraft] = useState<string>();
  const text = draft ?? (props.value === undefined || (props.value === null && props.isNullable) ? "" : JSON.stringify(props.value, null, 2));
  return (
    <textarea
      {...about(props)}
      className="field code-field"
      rows={Math.min(14, Math.max(2, text.split("\n").length))}
      spellCheck={false}
      value={text}
      onChange={(event) => {
        const next = event.target.value;
        setDraft(next);
        try {
          props.onChange(next.trim() === "" ? emptied(props) : (JSON.parse(next) as JsonValue));
          props.onBroken(undefined);
        } catch (error) {
          props.onBroken(`Is no JSON: ${error instanceof Error ? error.message : String(error)}`);
        }
      }}
    />
  );
}
