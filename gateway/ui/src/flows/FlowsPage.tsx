import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { ActivityBars } from "../activity/ActivityBars.tsx";
import { useActivity } from "../activity/useActivity.ts";
import { useAddress } from "../api/address.ts";
import type { Flow, LastFlowRuns } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Tags } from "../parts/PageHead.tsx";
import { SearchField } from "../parts/SearchField.tsx";

const EVENTS = ["headrace.flow-run.*"];

const EXAMPLE = `from headrace import flow

@flow(log_prints=True)
def hello(name: str = "world") -> None:
    print(f"Hello, {name}!")

hello()`;

/** All flows, each with how it went of late. */
export function FlowsPage() {
  useInvalidation(EVENTS, ["flows", "activity"]);
  const [{ text = "" }, change] = useAddress();
  const list = usePaged("ListFlows", "flows", { filter: { text }, sort: "FLOW_SORT_NAME_ASC" }, (page) => page.flows);
  const activity = useActivity({ flowIds: list.rows.map((flow) => flow.flow_id) });
  const columns = useMemo(() => makeColumns(activity), [activity]);
  return (
    <>
      <div className="page-head">
        <h1>Flows</h1>
        <SearchField label="Search flows" value={text} onChange={(next) => change({ text: next })} />
      </div>
      {list.isPending && list.error === null && <Loading what="flows" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && <DataTable label="Flows" columns={columns} rows={list.rows} rowKey={(flow) => flow.flow_id} />}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (text === "" ? <None /> : <NoneFound />)}
    </>
  );
}

function makeColumns(activity: Map<string, LastFlowRuns>): Column<Flow>[] {
  return [
    {
      id: "name",
      header: "Flow",
      cell: ({ row: { original: flow } }) => (
        <Link to="/flows/$flowId" params={{ flowId: flow.flow_id }} className="run-link">
          <span className="run-name">{flow.name}</span>
          <span className="quiet clipped">{flow.description.split("\n")[0]}</span>
        </Link>
      ),
    },
    {
      id: "activity",
      header: "Last runs",
      cell: ({ row: { original: flow } }) => <ActivityBars activity={activity.get(flow.flow_id)} />,
    },
    {
      id: "last",
      header: "Last run",
      cell: ({ row: { original: flow } }) => <Moment at={activity.get(flow.flow_id)?.runs.at(-1)?.at} />,
    },
    {
      id: "next",
      header: "Next run",
      cell: ({ row: { original: flow } }) => <Moment at={activity.get(flow.flow_id)?.next?.at} />,
    },
    { id: "tags", header: "Tags", cell: ({ row: { original: flow } }) => <Tags tags={flow.tags} /> },
  ];
}

function None() {
  return (
    <Empty title="No flows yet" code={EXAMPLE}>
      <p>A flow is a function with a decorator. It shows up here as soon as it ran once:</p>
    </Empty>
  );
}

function NoneFound() {
  return (
    <Empty title="No flow has these words">
      <p>
        <Link to="/flows">Show all flows</Link>
      </p>
    </Empty>
  );
}
