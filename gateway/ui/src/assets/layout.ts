// Where the assets of a lineage stand: in columns, from what things are made of to what is made of them.

import type { Asset, AssetDependency } from "../api/contract.gen.ts";

export const NODE_WIDTH = 190;
export const NODE_HEIGHT = 52;
const COLUMN_GAP = 70;
const ROW_GAP = 18;

export interface Placed {
  asset: Asset;
  x: number;
  y: number;
}

export interface Edge {
  key: string;
  path: string;
  /** Ids of both ends. */
  ends: [string, string];
}

export interface Layout {
  nodes: Placed[];
  edges: Edge[];
  width: number;
  height: number;
}

/** Places assets so that each stands right of all that it is made from, with few crossings. */
export function layOut(assets: Asset[], dependencies: AssetDependency[]): Layout {
  const known = new Set(assets.map((asset) => asset.asset_id));
  const edges = dependencies.filter(
    (edge) => known.has(edge.asset_id) && known.has(edge.upstream_asset_id) && edge.asset_id !== edge.upstream_asset_id,
  );
  const depth = new Map<string, number>(assets.map((asset) => [asset.asset_id, 0]));
  // Longest path; bounded, as assets that are made from each other would go round for ever.
  for (let round = 0, hasMoved = true; hasMoved && round < assets.length; round += 1) {
    hasMoved = false;
    for (const { asset_id: id, upstream_asset_id: from } of edges) {
      const least = (depth.get(from) ?? 0) + 1;
      if ((depth.get(id) ?? 0) < least && least < assets.length) {
        depth.set(id, least);
        hasMoved = true;
      }
    }
  }
  const columns: Asset[][] = [];
  for (const asset of assets) (columns[depth.get(asset.asset_id) ?? 0] ??= []).push(asset);
  const full = columns.filter((column) => column.length > 0);
  const row = new Map<string, number>();
  full.forEach((column, index) => {
    if (index > 0) {
      const middle = (asset: Asset) => {
        const rows = edges.filter((edge) => edge.asset_id === asset.asset_id).map((edge) => row.get(edge.upstream_asset_id) ?? 0);
        return rows.length === 0 ? 0 : rows.reduce((sum, value) => sum + value, 0) / rows.length;
      };
      column.sort((a, b) => middle(a) - middle(b));
    }
    column.forEach((asset, place) => row.set(asset.asset_id, place - column.length / 2));
  });
  const most = Math.max(1, ...full.map((column) => column.length));
  const height = most * (NODE_HEIGHT + ROW_GAP) - ROW_GAP;
  const places = new Map<string, Placed>();
  full.forEach((column, index) => {
    const top = (height - (column.length * (NODE_HEIGHT + ROW_GAP) - ROW_GAP)) / 2;
    column.forEach((asset, place) =>
      places.set(asset.asset_id, {
        asset,
        x: index * (NODE_WIDTH + COLUMN_GAP),
        y: top + place * (NODE_HEIGHT + ROW_GAP),
      }),
    );
  });
  return {
    nodes: [...places.values()],
    edges: edges.flatMap((edge) => {
      const [from, to] = [places.get(edge.upstream_asset_id), places.get(edge.asset_id)];
      if (from === undefined || to === undefined) return [];
      const [x1, y1] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2];
      const [x2, y2] = [to.x, to.y + NODE_HEIGHT / 2];
      const bend = Math.max(30, (x2 - x1) / 2);
      return [
        {
          key: `${edge.upstream_asset_id} ${edge.asset_id}`,
          path: `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
          ends: [edge.upstream_asset_id, edge.asset_id] as [string, string],
        },
      ];
    }),
    width: Math.max(1, full.length) * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP,
    height,
  };
}
