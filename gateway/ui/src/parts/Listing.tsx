import type { ReactNode } from "react";
import type { List } from "../api/paged.ts";
import { More } from "./More.tsx";
import { Fault, Loading } from "./Notice.tsx";

interface ListingProps<Row> {
  list: List<Row>;
  /** What it lists, in the plural. */
  what: string;
  /** What stands there while there is nothing: what belongs here, and how it gets here. */
  empty: ReactNode;
  /** Draws the rows. */
  children: (rows: Row[]) => ReactNode;
}

/** A list as it stands: on its way, out of reach, empty, or there with more to come. */
export function Listing<Row>({ list, what, empty, children }: ListingProps<Row>) {
  const isDone = !list.isPending && list.error === null;
  return (
    <>
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.isPending && list.error === null && <Loading what={what} />}
      {list.rows.length > 0 && children(list.rows)}
      <More list={list} />
      {isDone && list.rows.length === 0 && empty}
    </>
  );
}
