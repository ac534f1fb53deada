import { useEffect, useState } from "react";
import { Icon } from "./Icon.tsx";
import { tellFault } from "./toasts.ts";

const DONE_MILLISECONDS = 1_500;

/** Puts a text on the clipboard. */
export function CopyButton({ text, label = "Copy", isBare = true }: { text: string; label?: string; isBare?: boolean }) {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), DONE_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
    } catch (error) {
      tellFault("That could not be copied: mark the text and copy it by hand", error);
    }
  };
  return (
    <button
      type="button"
      className={`button ${isBare ? "button-bare" : ""}`}
      aria-label={isBare ? label : undefined}
      title={isBare ? label : undefined}
      onClick={() => void copy()}
    >
      <Icon name={isDone ? "check" : "copy"} />
      {!isBare && label}
      <span className="hidden" role="status">
        {isDone ? "Copied" : ""}
      </span>
    </button>
  );
}

/** Code, with a button to copy it. */
export function Code({ text }: { text: string }) {
  return (
    <div className="copy-code">
      <pre className="code" tabIndex={0}>
        {text}
      </pre>
      <CopyButton text={text} label="Copy the code" />
    </div>
  );
}
