import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";
import { tell, tellFault } from "./toasts.ts";

interface Change<Result, Given> {
  /** Does it. */
  run: (given: Given) => Promise<Result>;
  /** First parts of the keys of what is asked for again once it is done. */
  changes: readonly string[];
  /** First part of the keys of what is asked for again only where it is shown next: for what is gone with its page. */
  forgets?: string;
  /** What is said then. */
  done?: string;
  /** What is said where it cannot be done; without it, whoever calls shows the error. */
  failed?: string;
  onDone?: (result: Result) => void;
}

/** Returns what changes something: it says so, and has asked for the lists again before it is over. */
export function useChange<Result, Given = void>(change: Change<Result, Given>): UseMutationResult<Result, Error, Given> {
  const queries = useQueryClient();
  const { run, changes, forgets, done, failed, onDone } = change;
  return useMutation({
    mutationFn: run,
    onSuccess: async (result) => {
      await Promise.all(changes.map((key) => queries.invalidateQueries({ queryKey: [key] })));
      if (forgets !== undefined) await queries.invalidateQueries({ queryKey: [forgets], refetchType: "none" });
      if (done !== undefined) tell(done);
      onDone?.(result);
    },
    onError: (error) => {
      if (failed !== undefined) tellFault(failed, error);
    },
  });
}
