// One flow run with its task runs, as they are now.

import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import type { CallError } from "../api/client.ts";
import type { FlowRun, TaskRun } from "../api/contract.gen.ts";
import { useStream } from "../api/live.ts";
import { isFinal } from "../api/states.ts";

interface Watched {
  run: FlowRun | undefined;
  /** In the order in which they were made. */
  tasks: TaskRun[];
  /** Why the run cannot be shown. */
  refused: CallError | undefined;
  /** Puts in what a call answered, before the stream tells it. */
  takeRun: (run: FlowRun) => void;
}

/** Watches a flow run to its last state, and again when it is retried. */
export function useRun(flowRunId: string): Watched {
  const known = useRef({ run: undefined as FlowRun | undefined, tasks: new Map<string, TaskRun>() });
  const [shown, setShown] = useState<{ run: FlowRun | undefined; tasks: TaskRun[] }>({ run: undefined, tasks: [] });
  const [refused, setRefused] = useState<CallError>();
  const [hasEnded, setEnded] = useState(false);
  const [round, nextRound] = useReducer((count: number) => count + 1, 0);
  const frame = useRef(0);

  // Answers come in bursts; the page is drawn once for all of a frame.
  const draw = useCallback(() => {
    if (frame.current !== 0) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      const tasks = [...known.current.tasks.values()].sort((a, b) => (a.task_run_id < b.task_run_id ? -1 : 1));
      setShown({ run: known.current.run, tasks });
    });
  }, []);
  useEffect(
    () => () => {
      cancelAnimationFrame(frame.current);
      frame.current = 0;
    },
    [],
  );

  const takeRun = useCallback(
    (run: FlowRun) => {
      known.current.run = run;
      draw();
      if (isFinal(run.state)) return;
      setEnded(false);
      nextRound();
    },
    [draw],
  );
  useStream(
    "WatchFlowRun",
    hasEnded ? undefined : { flow_run_id: flowRunId },
    {
      onAnswer: ({ flow_run: run, task_runs: tasks }) => {
        if (run !== undefined) known.current.run = run;
        for (const task of tasks) known.current.tasks.set(task.task_run_id, task);
        draw();
      },
      onEnd: () => setEnded(true),
      onRefused: setRefused,
    },
    { round },
  );
  // A final run is not watched any more; somebody may retry it.
  useStream("FollowFlowRuns", hasEnded ? { filter: { flow_run_ids: [flowRunId] } } : undefined, {
    onAnswer: ({ flow_runs: runs }) => {
      const run = runs.find(({ flow_run_id: id }) => id === flowRunId);
      if (run !== undefined) takeRun(run);
    },
  });
  return { ...shown, refused, takeRun };
}
