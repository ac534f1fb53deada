/** The parts of a run's page, as the address names them. */
export const RUN_TABS = ["tasks", "logs", "artifacts", "parameters", "states"] as const;
export type RunTab = (typeof RUN_TABS)[number];

/** What a tab says on it. */
export const TAB_LABELS: Record<RunTab, string> = {
  tasks: "Tasks",
  logs: "Logs",
  artifacts: "Artifacts",
  parameters: "Parameters",
  states: "States",
};
