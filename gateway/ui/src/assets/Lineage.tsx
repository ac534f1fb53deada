import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAddress } from "../api/address.ts";
import { call } from "../api/client.ts";
import type { LineageDirection } from "../api/contract.gen.ts";
import { momentText } from "../api/times.ts";
import { Fault, Loading } from "../parts/Notice.tsx";
import { NODE_HEIGHT, NODE_WIDTH, layOut } from "./layout.ts";

const DIRECTIONS: { key: string; label: string; value: LineageDirection }[] = [
  { key: "", label: "Both ways", value: "LINEAGE_DIRECTION_UNSPECIFIED" },
  { key: "up", label: "Made from", value: "LINEAGE_DIRECTION_UPSTREAM" },
  { key: "down", label: "Used for", value: "LINEAGE_DIRECTION_DOWNSTREAM" },
];

/** What an asset is made from, and what is made of it. */
export function Lineage({ assetId }: { assetId: string }) {
  const [{ direction: asked = "" }, change] = useAddress();
  const [pointed, setPointed] = useState<string>();
  const direction = DIRECTIONS.find(({ key }) => key === asked)?.value ?? "LINEAGE_DIRECTION_UNSPECIFIED";
  const { data, error, isPending } = useQuery({
    queryKey: ["assets", assetId, "lineage", direction],
    queryFn: ({ signal }) => call("GetAssetLineage", { asset_id: assetId, direction }, signal),
    placeholderData: keepPreviousData,
  });
  const layout = useMemo(() => (data === undefined ? undefined : layOut(data.assets, data.dependencies)), [data]);
  if (error !== null) return <Fault error={error} />;
  if (isPending || layout === undefined) return <Loading what="the lineage" />;
  return (
    <>
      <div className="switch" role="group" aria-label="Direction">
        {DIRECTIONS.map(({ key, label }) => (
          <button key={key} type="button" aria-pressed={key === asked} onClick={() => change({ direction: key })}>
            {label}
          </button>
        ))}
      </div>
      <div className="lineage" role="region" tabIndex={0} aria-label="Lineage">
        <div className="lineage-plane" style={{ width: layout.width, height: layout.height }}>
          <svg width={layout.width} height={layout.height} aria-hidden="true">
            <defs>
              <marker id="lineage-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                <path d="M0 0L8 4L0 8z" />
              </marker>
            </defs>
            {layout.edges.map(({ key, path, ends }) => (
              <path
                key={key}
                d={path}
                className={pointed !== undefined && ends.includes(pointed) ? "lineage-edge lineage-near" : "lineage-edge"}
                markerEnd="url(#lineage-arrow)"
              />
            ))}
          </svg>
          {layout.nodes.map(({ asset, x, y }) => (
            <Link
              key={asset.asset_id}
              to="/assets/$assetId"
              params={{ assetId: asset.asset_id }}
              className={`lineage-node ${asset.asset_id === assetId ? "lineage-self" : ""}`}
              style={{ left: x, top: y, width: NODE_WIDTH, height: NODE_HEIGHT }}
              title={asset.key}
              onPointerEnter={() => setPointed(asset.asset_id)}
              onPointerLeave={() => setPointed(undefined)}
              onFocus={() => setPointed(asset.asset_id)}
              onBlur={() => setPointed(undefined)}
            >
              <span className="lineage-name">{asset.name === "" ? (asset.key.split("/").at(-1) ?? asset.key) : asset.name}</span>
              <span className="quiet">
                {asset.last_materialization?.created_at === undefined
                  ? "made by others"
                  : momentText(asset.last_materialization.created_at)}
              </span>
            </Link>
          ))}
        </div>
      </div>
      {data.truncated && <p className="quiet">There is more than is shown: go on from the assets at the edges.</p>}
    </>
  );
}
