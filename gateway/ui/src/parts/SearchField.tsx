import { useEffect, useRef, useState } from "react";

const PAUSE_MILLISECONDS = 250;

interface SearchFieldProps {
  label: string;
  value: string;
  /** Called once the typing pauses. */
  onChange: (value: string) => void;
}

/** A field to search by; the key / leads to it. */
export function SearchField({ label, value, onChange }: SearchFieldProps) {
  const [draft, setDraft] = useState(value);
  const [known, setKnown] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  if (known !== value) {
    // The address changed by itself, for example by the browser's way back.
    setKnown(value);
    setDraft(value);
  }
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <input
      type="search"
      className="field search"
      placeholder="Search"
      aria-label={label}
      data-filter
      value={draft}
      onChange={(event) => {
        const next = event.target.value;
        setDraft(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => onChange(next.trim()), PAUSE_MILLISECONDS);
      }}
    />
  );
}
