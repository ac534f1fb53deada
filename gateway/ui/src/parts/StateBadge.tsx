import type { State } from "../api/contract.gen.ts";
import { lookOf, stateText } from "../api/states.ts";

/** Where a run stands: colour, shape and word. */
export function StateBadge({ state }: { state: State | undefined }) {
  const look = lookOf(state?.type);
  return (
    <span className={`state state-${look.key}`} title={state?.message === "" ? undefined : state?.message}>
      <span className="state-mark" aria-hidden="true" />
      {stateText(state)}
    </span>
  );
}
