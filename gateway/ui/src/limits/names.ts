// What a limit's name says about whose it is.

/** Returns whom a limit is for, in words. */
export function kindOfLimit(name: string): string {
  const [kind, ...rest] = name.split(":");
  switch (rest.length === 0 ? "" : kind) {
    case "tag":
      return `tasks with the tag ${rest.join(":")}`;
    case "work-pool":
      return "a work pool";
    case "work-queue":
      return "a work queue";
    case "deployment":
      return rest.includes("key") ? "runs of a deployment with the same key" : "a deployment";
    default:
      return "flows, tasks and scripts that ask for it";
  }
}
