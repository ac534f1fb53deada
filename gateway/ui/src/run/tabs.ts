/** The parts of a run's page, as the address names them. */
export const RUN_TABS = ["timeline", "tasks", "logs", "subflows", "artifacts", "parameters", "events", "states", "notes"] as const;
export type RunTab = (typeof RUN_TABS)[number];

/** What a tab says on it. */
export const TAB_LABELS: Record<RunTab, string> = {
  timeline: "Timeline",
  tasks: "Tasks",
  logs: "Logs",
  subflows: "Subflows",
  artifacts: "Artifacts",
  parameters: "Parameters",
  events: "Events",
  states: "States",
  notes: "Notes",
};
