// Who has no role in the workspace that the server takes by itself goes to one where they have.

import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { call } from "../api/client.ts";
import { addressIn, workspace } from "../api/workspace.ts";

/** Whether pages can be shown here, whether the way leads elsewhere, or whether there is nowhere to go. */
export type Home = "here" | "leaving" | "nowhere";

/** Returns where somebody is who came to an address without a workspace, and takes them to their first one. */
export function useHome(): Home {
  const { data: caller } = useQuery({ queryKey: ["caller"], queryFn: ({ signal }) => call("GetCaller", {}, signal) });
  const isStranger = workspace === undefined && caller?.permissions.length === 0;
  const own = useQuery({
    queryKey: ["workspaces", "own"],
    queryFn: ({ signal }) => call("ListWorkspaces", {}, signal),
    enabled: isStranger,
  });
  // The list always has the workspace that one is in.
  const target = own.data?.workspaces.find((one) => one.workspace_id !== caller?.workspace?.workspace_id)?.handle;
  const isLeaving = isStranger && target !== undefined;
  useEffect(() => {
    const { pathname, search, hash } = window.location;
    if (isLeaving) window.location.replace(addressIn(target, pathname + search + hash));
  }, [isLeaving, target]);
  if (!isStranger || own.error !== null) return "here";
  return own.isPending || isLeaving ? "leaving" : "nowhere";
}
