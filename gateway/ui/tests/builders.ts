// What servers answer, as short as a test wants to say it.

import type { Asset, FlowRun, LogRecord, Schedule, State, StateType, TaskRun } from "../src/api/contract.gen.ts";

export function aState(word: string, parts: Partial<State> = {}): State {
  const type = `STATE_TYPE_${word.toUpperCase()}` as StateType;
  return { state_id: `state-${word}`, type, name: word.charAt(0).toUpperCase() + word.slice(1), message: "", version: "1", ...parts };
}

export function aFlowRun(id: string, word = "running", parts: Partial<FlowRun> = {}): FlowRun {
  const whole: Partial<FlowRun> = {
    flow_run_id: id,
    flow_id: "flow-1",
    flow_name: "etl",
    name: `run ${id}`,
    deployment_id: "",
    deployment_name: "",
    state: aState(word),
    tags: [],
    run_count: 1,
    attempt: 1,
  };
  return { ...whole, ...parts } as FlowRun;
}

export function aTaskRun(id: string, parts: Partial<TaskRun> = {}): TaskRun {
  const whole: Partial<TaskRun> = { task_run_id: id, name: id, inputs: [], child_flow_run_id: "", state: aState("running"), tags: [] };
  return { ...whole, ...parts } as TaskRun;
}

export function aLogRecord(id: string, parts: Partial<LogRecord> = {}): LogRecord {
  return { log_id: id, logger: "flow", level: 20, message: id, ...parts } as LogRecord;
}

export function aSchedule(parts: Partial<Schedule> = {}): Schedule {
  const whole: Partial<Schedule> = { schedule_id: "schedule-1", slug: "daily", active: true, catch_up: "CATCH_UP_ALL", blackouts: [], calendar_names: [] };
  return { ...whole, ...parts } as Schedule;
}

export function anAsset(id: string): Asset {
  return { asset_id: id, key: id, name: id, description: "", url: "", owners: [] };
}
