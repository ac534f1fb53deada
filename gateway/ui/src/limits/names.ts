// What a limit's name says about whose it is.

import { useName, type NamedKind } from "../api/names.ts";

interface Limited {
  /** What people call it. */
  label: string;
  /** Whom it is for, in words. */
  whom: string;
  /** What it belongs to. */
  owner?: { kind: NamedKind; id: string };
}

const OWNERS: Record<string, { kind: NamedKind; whom: string }> = {
  deployment: { kind: "deployment", whom: "runs of a deployment" },
  "work-pool": { kind: "work-pool", whom: "runs in a work pool" },
  "work-queue": { kind: "work-queue", whom: "runs in a work queue" },
};
const BACKFILL = "backfill-";
const SHORT_ID = 8;

/** Returns what a limit is called and whom it is for; names such as `deployment:<id>` are looked up. */
export function useLimited(name: string): Limited {
  const [prefix = "", id = "", ...rest] = name.split(":");
  const owner = id === "" ? undefined : OWNERS[prefix];
  const found = useName(owner?.kind ?? "deployment", owner === undefined ? "" : id);
  if (owner === undefined) {
    const isTag = prefix === "tag" && id !== "";
    return isTag
      ? { label: name.slice("tag:".length), whom: "tasks with this tag" }
      : { label: name, whom: "flows, tasks and scripts that ask for it" };
  }
  const called = found?.name ?? id.slice(-SHORT_ID);
  const key = rest[0] === "key" ? rest.slice(1).join(":") : "";
  const of = found?.of === undefined || found.of === "" ? "" : ` of ${found.of}`;
  const whom = key.startsWith(BACKFILL) ? "runs of one of its backfills" : key === "" ? owner.whom + of : `its runs with the key ${key}`;
  const label = key === "" ? called : key.startsWith(BACKFILL) ? `${called}, a backfill` : `${called}, ${key}`;
  return { label, whom, owner: { kind: owner.kind, id } };
}
