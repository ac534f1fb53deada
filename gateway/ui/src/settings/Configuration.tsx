import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { ServerSetting } from "../api/contract.gen.ts";
import { Code } from "../parts/CopyButton.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";

const FIELDS = [{ key: "set", label: "Only what was set", kind: "flag" }] as const;

const COLUMNS: Column<ServerSetting>[] = [
  {
    id: "name",
    header: "Setting",
    cell: ({ row: { original: setting } }) => (
      <span className="run-link">
        <code className="run-name">{setting.variable}</code>
        <span className="quiet setting-text">{setting.description.replaceAll("`", "")}</span>
      </span>
    ),
  },
  { id: "value", header: "Value", cell: ({ row: { original: setting } }) => <Value setting={setting} /> },
  {
    id: "from",
    header: "From",
    cell: ({ row: { original: setting } }) =>
      setting.customized ? <span className="tag">set</span> : <span className="quiet">default</span>,
  },
];

function Value({ setting }: { setting: ServerSetting }) {
  if (setting.secret) return <span className="quiet">{setting.customized ? "hidden" : "none"}</span>;
  return setting.value === "" ? <span className="quiet">–</span> : <code className="setting-value">{setting.value}</code>;
}

/** How the server is set up, without its secrets. */
export function Configuration() {
  const [{ text = "", set }] = useAddress();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["server-settings"],
    queryFn: ({ signal }) => call("GetServerSettings", {}, signal),
  });
  const words = text.toLowerCase();
  const rows = useMemo(
    () =>
      (data?.settings ?? []).filter(
        (one) =>
          `${one.variable} ${one.description}`.toLowerCase().includes(words) &&
          (set === undefined || one.customized === (set === "true")),
      ),
    [data, words, set],
  );
  return (
    <>
      <div className="panel-head">
        <FilterBar fields={FIELDS} searchLabel="Search settings" />
      </div>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading what="the server's settings" />}
      {rows.length > 0 && <DataTable label="Settings of the server" columns={COLUMNS} rows={rows} rowKey={(one) => one.variable} />}
      {data !== undefined && rows.length === 0 && <Empty title="No setting fits" />}
      <p className="lead setting-note">
        The server reads its settings from its environment where it starts: change one there, and start it again. What programs of
        a machine use, and where each value comes from, says:
      </p>
      <Code text="headrace config view --show-defaults" />
    </>
  );
}
