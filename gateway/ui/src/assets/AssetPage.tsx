import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { CallError, call } from "../api/client.ts";
import type { Asset, Materialization } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { Text } from "../artifacts/Content.tsx";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark, PageHead } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { Lineage } from "./Lineage.tsx";

const route = getRouteApi("/assets/$assetId");
const EVENTS = ["headrace.flow-run.*"];

const COLUMNS: Column<Materialization>[] = [
  {
    id: "name",
    header: "Made",
    cell: ({ row: { original: made } }) => (
      <Link to="/runs/$flowRunId" params={{ flowRunId: made.flow_run_id }}>
        <Moment at={made.created_at} />
      </Link>
    ),
  },
  {
    id: "status",
    header: "Status",
    cell: ({ row: { original: made } }) =>
      made.succeeded ? <Mark look="completed" label="Made" /> : <Mark look="failed" label="Failed" title={made.message} />,
  },
  { id: "by", header: "By", cell: ({ row: { original: made } }) => made.materialized_by },
  {
    id: "more",
    header: "Said of it",
    cell: ({ row: { original: made } }) => (
      <code className="clipped">
        {made.message !== "" ? made.message : Object.keys(made.metadata ?? {}).length > 0 ? JSON.stringify(made.metadata) : ""}
      </code>
    ),
  },
];

/** One asset: what it is, what it is made from, and each time that it was made. */
export function AssetPage() {
  const { assetId } = route.useParams();
  useInvalidation(EVENTS, ["assets"]);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["assets", assetId],
    queryFn: ({ signal }) => call("GetAsset", { asset_id: assetId }, signal),
  });
  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such asset">
        <p>
          It may have been forgotten. <Link to="/assets">Show all assets</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || data.asset === undefined) return <Loading what="the asset" />;
  return <Shown key={assetId} asset={data.asset} />;
}

function Shown({ asset }: { asset: Asset }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [isDeleting, setDeleting] = useState(false);
  const title = asset.name === "" ? asset.key : asset.name;
  const request = useMemo(() => ({ asset_ids: [asset.asset_id], page_size: 50 }), [asset.asset_id]);
  const made = usePaged("ListMaterializations", "assets", request, (page) => page.materializations);
  return (
    <>
      <PageHead
        title={title}
        from={{ to: "/assets", label: "Assets" }}
        actions={
          <button type="button" className="button" onClick={() => setDeleting(true)}>
            Forget
          </button>
        }
      />
      <Facts
        facts={{
          Key: <code>{asset.key}</code>,
          "Looked after by": asset.owners.join(", "),
          "Last made": <Moment at={asset.last_materialization?.created_at} />,
          "First heard of": <Moment at={asset.created_at} />,
          More: /^https?:\/\//.test(asset.url) ? (
            <a href={asset.url} target="_blank" rel="noreferrer">
              {asset.url}
            </a>
          ) : undefined,
        }}
      />
      {asset.description !== "" && <Text source={asset.description} />}
      <h2 className="section-title">Lineage</h2>
      <Lineage assetId={asset.asset_id} />
      <h2 className="section-title">Each time that it was made</h2>
      {made.error !== null && <Fault error={made.error} onRetry={made.refetch} />}
      {made.rows.length > 0 && (
        <DataTable label="Each time that it was made" columns={COLUMNS} rows={made.rows} rowKey={(row) => row.materialization_id} />
      )}
      <More list={made} />
      {!made.isPending && made.rows.length === 0 && <p className="quiet">No task made it: others use it.</p>}
      <ConfirmDialog
        title={`Forget ${title}?`}
        action="Forget the asset"
        typedName={title}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteAsset", { asset_id: asset.asset_id });
          tell(`${title} was forgotten`);
          await navigate({ to: "/assets" });
          await queries.invalidateQueries({ queryKey: ["assets"] });
        }}
      >
        <p>What is known of it goes, with its lineage; the thing itself stays where it is. It comes back when a task makes it again.</p>
      </ConfirmDialog>
    </>
  );
}
