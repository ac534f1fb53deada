import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import type { State } from "../api/contract.gen.ts";
import { spanText } from "../api/times.ts";
import { Moment } from "../parts/Moment.tsx";
import { Fault, Loading } from "../parts/Notice.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";

const MOST_STATES = 200;

interface StateHistoryProps {
  flowRunId: string;
  /** Id of the state that the run is in: a new one makes the history longer. */
  latest: string;
}

/** The states that the run went through. */
export function StateHistory({ flowRunId, latest }: StateHistoryProps) {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["flow-run-states", flowRunId, latest],
    queryFn: ({ signal }) => call("ListFlowRunStates", { flow_run_id: flowRunId, page_size: MOST_STATES }, signal),
    placeholderData: keepPreviousData,
  });
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending) return <Loading what="states" />;
  return <History states={data.states} />;
}

/** States, oldest first, each with its reason and how long it lasted. */
export function History({ states }: { states: State[] }) {
  return (
    <ol className="history">
      {states.map((state, index) => {
        const next = states[index + 1]?.occurred_at;
        const stayed =
          state.occurred_at === undefined || next === undefined
            ? undefined
            : (Date.parse(next) - Date.parse(state.occurred_at)) / 1000;
        return (
          <li key={state.state_id}>
            <StateBadge state={state} />
            <span className="quiet">
              <Moment at={state.occurred_at} />
              {stayed !== undefined && `, for ${spanText(stayed)}`}
            </span>
            {state.details !== undefined && state.details.reason !== "" && <code>{state.details.reason}</code>}
            {state.message !== "" && <p>{state.message}</p>}
            {state.details !== undefined && state.details.traceback !== "" && (
              <pre className="code" tabIndex={0}>
                {state.details.traceback}
              </pre>
            )}
          </li>
        );
      })}
    </ol>
  );
}
