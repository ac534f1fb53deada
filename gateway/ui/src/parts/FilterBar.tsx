import { Popover } from "@base-ui/react/popover";
import { useId, useState, type ReactNode } from "react";
import { useAddress, type Search } from "../api/address.ts";
import { RECENT_SPANS, fieldMoment, rangeOf, spanWords } from "../api/spans.ts";
import { Icon } from "./Icon.tsx";
import { SearchField } from "./SearchField.tsx";

/** A filter of a list; its value is the word of that name in the address. */
export interface FilterField {
  key: string;
  label: string;
  /** `list`: several words, joined by commas; `choices`: several of the options; `flag`: yes or no; `span`: a span of time. */
  kind: "text" | "list" | "number" | "choice" | "choices" | "flag" | "span";
  options?: readonly { value: string; label: string }[];
  placeholder?: string;
}

interface FilterBarProps {
  fields: readonly FilterField[];
  /** What the search field finds by; without it there is none. It is the word `text` of the address. */
  searchLabel?: string;
  /** More to the right. */
  children?: ReactNode;
}

function wordsOf(field: FilterField, value: string): string {
  const labelOf = (part: string) => field.options?.find((option) => option.value === part)?.label ?? part;
  if (field.kind === "span") return spanWords(value);
  if (field.kind === "flag") return value === "true" ? "yes" : "no";
  return value.split(",").map(labelOf).join(", ");
}

/** The filters of a list. They stand in the address: the browser's way back and a copied link know them. */
export function FilterBar({ fields, searchLabel, children }: FilterBarProps) {
  const [search, change] = useAddress();
  const active = fields.filter(({ key }) => search[key] !== undefined);
  const clear = () => change(Object.fromEntries([...fields.map(({ key }) => key), "text"].map((key) => [key, undefined])));
  return (
    <div className="filter-bar">
      <div className="filter-row">
        {searchLabel !== undefined && (
          <SearchField label={searchLabel} value={search.text ?? ""} onChange={(text) => change({ text })} />
        )}
        {fields.length > 0 && <Filters fields={fields} search={search} change={change} count={active.length} />}
        {children}
      </div>
      {active.length > 0 && (
        <div className="filter-chips" role="group" aria-label="Filters that are on">
          {active.map((field) => (
            <button
              key={field.key}
              type="button"
              className="filter-chip"
              aria-label={`Remove the filter ${field.label}`}
              onClick={() => change({ [field.key]: undefined })}
            >
              <span className="quiet">{field.label}</span> {wordsOf(field, search[field.key] ?? "")}
              <Icon name="close" />
            </button>
          ))}
          <button type="button" className="link-button" onClick={clear}>
            Clear all
          </button>
        </div>
      )}
    </div>
  );
}

interface FiltersProps {
  fields: readonly FilterField[];
  search: Search;
  change: (change: Search) => void;
  count: number;
}

function Filters({ fields, search, change, count }: FiltersProps) {
  return (
    <Popover.Root>
      <Popover.Trigger className="button" aria-label={count === 0 ? "Filters" : `Filters, ${count} on`}>
        <Icon name="filter" />
        Filters
        {count > 0 && <span className="count">{count}</span>}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="start" collisionPadding={12} className="over">
          <Popover.Popup className="popover filter-form" aria-label="Filters">
            {fields.map((field) => (
              <FilterInput
                key={field.key}
                field={field}
                value={search[field.key] ?? ""}
                onChange={(value) => change({ [field.key]: value })}
              />
            ))}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

interface InputProps {
  field: FilterField;
  value: string;
  onChange: (value: string) => void;
}

const YES_NO = [
  { value: "true", label: "Yes" },
  { value: "false", label: "No" },
] as const;

function FilterInput({ field, value, onChange }: InputProps) {
  const id = useId();
  if (field.kind === "choices") return <Choices field={field} value={value} onChange={onChange} />;
  if (field.kind === "span") return <Span field={field} value={value} onChange={onChange} />;
  return (
    <div className="form-field">
      <label htmlFor={id}>{field.label}</label>
      {field.kind === "choice" || field.kind === "flag" ? (
        <select id={id} className="field" value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">Any</option>
          {(field.kind === "flag" ? YES_NO : (field.options ?? [])).map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      ) : (
        <Late id={id} value={value} onChange={onChange} type={field.kind === "number" ? "number" : "text"} placeholder={field.placeholder} />
      )}
    </div>
  );
}

interface LateProps {
  id: string;
  value: string;
  onChange: (value: string) => void;
  type: string;
  placeholder?: string | undefined;
}

/** A field whose value counts once one leaves it or presses Enter. */
function Late({ id, value, onChange, type, placeholder }: LateProps) {
  const [draft, setDraft] = useState(value);
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setDraft(value);
  }
  const commit = () => {
    if (draft.trim() !== value) onChange(draft.trim());
  };
  return (
    <input
      id={id}
      type={type}
      className="field"
      value={draft}
      placeholder={placeholder}
      autoComplete="off"
      onChange={(event) => setDraft(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === "Enter" && commit()}
    />
  );
}

function Choices({ field, value, onChange }: InputProps) {
  const chosen = value === "" ? [] : value.split(",");
  return (
    <fieldset className="form-field choices">
      <legend>{field.label}</legend>
      {(field.options ?? []).map((option) => (
        <label key={option.value}>
          <input
            type="checkbox"
            checked={chosen.includes(option.value)}
            onChange={(event) =>
              onChange(
                (event.target.checked ? [...chosen, option.value] : chosen.filter((other) => other !== option.value)).join(","),
              )
            }
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}

function Span({ field, value, onChange }: InputProps) {
  const id = useId();
  const isOwn = value.includes("..");
  const range = isOwn ? rangeOf(value) : undefined;
  const put = (from: string | undefined, until: string | undefined) => {
    const texts = [from, until].map((at) => (at === undefined || at === "" ? "" : new Date(at).toISOString()));
    onChange(texts.join("") === "" ? "" : texts.join(".."));
  };
  return (
    <div className="form-field">
      <label htmlFor={id}>{field.label}</label>
      <select
        id={id}
        className="field"
        value={isOwn ? ".." : value}
        onChange={(event) =>
          event.target.value === ".." ? put(new Date(Date.now() - 86_400_000).toISOString(), undefined) : onChange(event.target.value)
        }
      >
        <option value="">Any time</option>
        {RECENT_SPANS.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
        <option value="..">from … until …</option>
      </select>
      {isOwn && (
        <div className="span-ends">
          <input
            type="datetime-local"
            className="field"
            aria-label={`${field.label}: from`}
            value={fieldMoment(range?.from)}
            onChange={(event) => put(event.target.value, range?.until)}
          />
          <input
            type="datetime-local"
            className="field"
            aria-label={`${field.label}: until`}
            value={fieldMoment(range?.until)}
            onChange={(event) => put(range?.from, event.target.value)}
          />
        </div>
      )}
    </div>
  );
}
