import { Link } from "@tanstack/react-router";
import { useAddress } from "../api/address.ts";
import type { Asset } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { SearchField } from "../parts/SearchField.tsx";

const EVENTS = ["headrace.flow-run.*"];
const EXAMPLE = `from headrace import flow, materialize

@materialize("s3://lake/orders.parquet")
def load() -> None: ...`;

const COLUMNS: Column<Asset>[] = [
  {
    id: "name",
    header: "Asset",
    cell: ({ row: { original: asset } }) => (
      <Link to="/assets/$assetId" params={{ assetId: asset.asset_id }} className="run-link">
        <span className="run-name">{asset.name === "" ? asset.key : asset.name}</span>
        {asset.name !== "" && <span className="quiet">{asset.key}</span>}
      </Link>
    ),
  },
  { id: "owners", header: "Looked after by", cell: ({ row: { original: asset } }) => asset.owners.join(", ") },
  {
    id: "made",
    header: "Last made",
    cell: ({ row: { original: asset } }) => <Moment at={asset.last_materialization?.created_at} />,
  },
  {
    id: "by",
    header: "By",
    cell: ({ row: { original: asset } }) =>
      asset.last_materialization === undefined ? (
        <span className="quiet">others</span>
      ) : (
        <Link to="/runs/$flowRunId" params={{ flowRunId: asset.last_materialization.flow_run_id }}>
          a run
        </Link>
      ),
  },
];

/** What runs make for others to use. */
export function AssetsPage() {
  useInvalidation(EVENTS, ["assets"]);
  const [{ text = "" }, change] = useAddress();
  const list = usePaged("ListAssets", "assets", { filter: { text } }, (page) => page.assets);
  return (
    <>
      <div className="page-head">
        <h1>Assets</h1>
        <SearchField label="Search assets" value={text} onChange={(next) => change({ text: next })} />
      </div>
      {list.isPending && list.error === null && <Loading what="assets" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && <DataTable label="Assets" columns={COLUMNS} rows={list.rows} rowKey={(asset) => asset.asset_id} />}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        text === "" ? (
          <Empty title="No assets yet" code={EXAMPLE}>
            <p>An asset is a file, a table, a page: something that tasks make for others to use. Name what a task makes, and see what it is made from:</p>
          </Empty>
        ) : (
          <Empty title="No asset has these words">
            <p>
              <Link to="/assets">Show all assets</Link>
            </p>
          </Empty>
        )
      )}
    </>
  );
}
