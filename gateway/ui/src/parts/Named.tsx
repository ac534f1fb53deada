import { Link } from "@tanstack/react-router";
import { useName, type Name, type NamedKind } from "../api/names.ts";

const SHORT_ID = 8;

function targetOf(kind: NamedKind, { id, name, of }: Name) {
  switch (kind) {
    case "flow-run":
      return { to: "/runs/$flowRunId", params: { flowRunId: id } } as const;
    case "task-run":
      return { to: "/task-runs/$taskRunId", params: { taskRunId: id } } as const;
    case "flow":
      return { to: "/flows/$flowId", params: { flowId: id } } as const;
    case "deployment":
      return { to: "/deployments/$deploymentId", params: { deploymentId: id } } as const;
    case "work-pool":
      return { to: "/work-pools/$workPoolName", params: { workPoolName: name } } as const;
    case "work-queue":
      return { to: "/work-pools/$workPoolName", params: { workPoolName: of } } as const;
    case "automation":
      return { to: "/automations/$automationId", params: { automationId: id } } as const;
    case "channel":
      return { to: "/notifications" } as const;
  }
}

/** What something is called, without a way to it; the end of its id where it has no name. */
export function NameOf({ kind, id }: { kind: NamedKind; id: string }) {
  return <>{useName(kind, id)?.name ?? id.slice(-SHORT_ID)}</>;
}

interface NamedProps {
  kind: NamedKind;
  id: string;
  /** Shows beside the name what it is part of. */
  isFull?: boolean;
}

/** Something by its name, with the way to its page, where only its id is known. */
export function Named({ kind, id, isFull = false }: NamedProps) {
  const found = useName(kind, id);
  const short = id.slice(-SHORT_ID);
  if (found === null)
    return (
      <span className="quiet" title={`${id}\nIt was deleted, or you may not see it.`}>
        <code>{short}</code>
      </span>
    );
  if (found === undefined)
    return (
      <span className="quiet" title={id}>
        …
      </span>
    );
  return (
    <>
      <Link {...targetOf(kind, found)}>{found.name}</Link>
      {isFull && found.of !== "" && <span className="quiet">{` ${found.of}`}</span>}
    </>
  );
}
