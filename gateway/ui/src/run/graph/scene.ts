// What is drawn of a flow run: its task runs, when they ran and whose results they took.

import type { TaskRun } from "../../api/contract.gen.ts";
import type { LayoutAnswer } from "./layout.ts";

/** A flow run as it is drawn. */
export interface Scene {
  tasks: TaskRun[];
  starts: Float64Array;
  ends: Float64Array;
  offsets: Int32Array;
  parents: Int32Array;
  layout: LayoutAnswer;
}

const at = (text: string | undefined) => (text === undefined ? Number.NaN : Date.parse(text));

/** Returns all of it but where things are drawn. Where nothing ran yet, times are NaN. */
export function facts(tasks: TaskRun[]): Omit<Scene, "layout"> {
  const places = new Map<string, number>();
  tasks.forEach((task, index) => {
    places.set(task.task_run_id, index);
    if (task.child_flow_run_id !== "") places.set(task.child_flow_run_id, index);
  });
  const offsets = new Int32Array(tasks.length + 1);
  const parents: number[] = [];
  tasks.forEach((task, index) => {
    const own = new Set<number>();
    for (const input of task.inputs) {
      const parent = places.get(input.source);
      if (parent !== undefined && parent !== index) own.add(parent);
    }
    parents.push(...own);
    offsets[index + 1] = parents.length;
  });
  return {
    tasks,
    starts: Float64Array.from(tasks, (task) => at(task.started_at)),
    ends: Float64Array.from(tasks, (task) => at(task.ended_at)),
    offsets,
    parents: Int32Array.from(parents),
  };
}
