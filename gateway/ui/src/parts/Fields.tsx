// Fields of forms: a label, the field, what it is for, and what is wrong with it.

import { useId, type ReactNode } from "react";

interface Frame {
  label: string;
  /** What it is for. */
  hint?: ReactNode;
  /** What is wrong with it. */
  error?: string | undefined;
  isRequired?: boolean;
}

interface FieldIds {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

/** The frame of a field: pass what draws the field itself. */
export function Field({ label, hint, error, isRequired = false, children }: Frame & { children: (ids: FieldIds) => ReactNode }) {
  const id = useId();
  const isTold = hint !== undefined || error !== undefined;
  return (
    <div className="form-field">
      <label htmlFor={id}>
        {label}
        {isRequired && (
          <span className="required" aria-hidden="true">
            *
          </span>
        )}
      </label>
      {children({
        id,
        "aria-describedby": isTold ? `${id}-told` : undefined,
        "aria-invalid": error === undefined ? undefined : true,
      })}
      {isTold && (
        <p id={`${id}-told`} className={error === undefined ? "field-hint" : "field-error"}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps extends Frame {
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "password" | "email" | "url" | "number" | "datetime-local" | "date" | "time";
  placeholder?: string;
  /** More than one line: how many are seen. */
  lines?: number;
  isCode?: boolean;
  isDisabled?: boolean;
  autoFocus?: boolean;
  /** What the browser may fill in: a word of HTML. */
  autoComplete?: string;
}

/** A line of text, or several. */
export function TextField({ value, onChange, type = "text", placeholder, lines, isCode = false, isDisabled = false, autoFocus, autoComplete, ...frame }: TextFieldProps) {
  const className = `field ${isCode ? "code-field" : ""}`;
  return (
    <Field {...frame}>
      {(ids) =>
        lines === undefined ? (
          <input
            {...ids}
            type={type}
            className={className}
            value={value}
            placeholder={placeholder}
            required={frame.isRequired}
            disabled={isDisabled}
            autoFocus={autoFocus}
            spellCheck={!isCode}
            autoComplete={autoComplete ?? (type === "password" ? "new-password" : "off")}
            step={type === "number" ? "any" : undefined}
            onChange={(event) => onChange(event.target.value)}
          />
        ) : (
          <textarea
            {...ids}
            className={className}
            rows={lines}
            value={value}
            placeholder={placeholder}
            required={frame.isRequired}
            disabled={isDisabled}
            spellCheck={!isCode}
            onChange={(event) => onChange(event.target.value)}
          />
        )
      }
    </Field>
  );
}

interface SelectFieldProps extends Frame {
  value: string;
  onChange: (value: string) => void;
  options: readonly { value: string; label: string }[];
  isDisabled?: boolean;
}

/** One of some values. */
export function SelectField({ value, onChange, options, isDisabled = false, ...frame }: SelectFieldProps) {
  return (
    <Field {...frame}>
      {(ids) => (
        <select {...ids} className="field" value={value} disabled={isDisabled} onChange={(event) => onChange(event.target.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface CheckFieldProps {
  label: ReactNode;
  hint?: ReactNode;
  isChecked: boolean;
  onChange: (isChecked: boolean) => void;
  isDisabled?: boolean;
}

/** Yes or no. */
export function CheckField({ label, hint, isChecked, onChange, isDisabled = false }: CheckFieldProps) {
  const id = useId();
  return (
    <div className="check-field">
      <input
        id={id}
        type="checkbox"
        checked={isChecked}
        disabled={isDisabled}
        aria-describedby={hint === undefined ? undefined : `${id}-told`}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {hint !== undefined && (
        <p id={`${id}-told`} className="field-hint">
          {hint}
        </p>
      )}
    </div>
  );
}
