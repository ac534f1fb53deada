// Levels of log records, as Python numbers them.

/** The levels that people choose from. */
export const LEVELS = [
  { value: "10", label: "Debug" },
  { value: "20", label: "Info" },
  { value: "30", label: "Warning" },
  { value: "40", label: "Error" },
  { value: "50", label: "Critical" },
] as const;
