import type { ReactNode } from "react";
import { CallError } from "../api/client.ts";
import { Code } from "./CopyButton.tsx";

/** What to do where there is nothing yet: what belongs here, and the lines that put it here. */
export function Empty({ title, code, children }: { title: string; code?: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
      {code !== undefined && <Code text={code} />}
    </div>
  );
}

/** What went wrong, in the words of the server. */
export function Fault({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const reason = error instanceof CallError ? error.reason : "";
  return (
    <div className="fault" role="alert">
      <p>
        {message} {reason !== "" && <code>{reason}</code>}
      </p>
      {onRetry !== undefined && (
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Lines that stand in for content that is on its way. */
export function Loading({ what }: { what: string }) {
  return (
    <div className="loading" role="status" aria-label={`Loading ${what}`}>
      <span />
      <span />
      <span />
    </div>
  );
}
