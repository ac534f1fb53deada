import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { CallError } from "../api/client.ts";
import { Fault, Loading } from "./Notice.tsx";

interface OneProps<Answer> {
  query: UseQueryResult<Answer>;
  /** What it is. */
  what: string;
  /** What stands there where there is none of that name: what may have become of it, and the way to the others. */
  missing: ReactNode;
  children: (answer: Answer) => ReactNode;
}

/** One thing as it stands: on its way, out of reach, not there, or there. */
export function One<Answer>({ query, what, missing, children }: OneProps<Answer>) {
  const { data, error, refetch } = query;
  if (error instanceof CallError && error.status === 404) return missing;
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  return data === undefined ? <Loading what={what} /> : children(data);
}
