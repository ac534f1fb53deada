import type { State } from "../api/contract.gen.ts";

/** What a state says; of what went wrong also where. */
export function StateMessage({ state }: { state: State | undefined }) {
  const message = state?.message ?? "";
  const traceback = state?.details?.traceback ?? "";
  const isBad = state?.type === "STATE_TYPE_FAILED" || state?.type === "STATE_TYPE_CRASHED";
  if (message === "" && traceback === "") return null;
  return (
    <div className={`state-message ${isBad ? "state-message-bad" : ""}`}>
      {message !== "" && <p>{message}</p>}
      {traceback !== "" && (
        <details>
          <summary>Traceback</summary>
          <pre className="code" tabIndex={0}>
            {traceback}
          </pre>
        </details>
      )}
    </div>
  );
}
