import { describe, expect, test } from "vitest";
import type { AssetDependency } from "../../src/api/contract.gen.ts";
import { NODE_HEIGHT, NODE_WIDTH, layOut } from "../../src/assets/layout.ts";
import { anAsset } from "../builders.ts";

/** Lays out assets of which "a>b" says that b is made from a. */
function laidOut(ids: string, ...arrows: string[]) {
  const dependencies = arrows.map((arrow): AssetDependency => {
    const [from = "", to = ""] = arrow.split(">");
    return { upstream_asset_id: from, asset_id: to };
  });
  const layout = layOut(Array.from(ids, anAsset), dependencies);
  const placeOf = (id: string) => layout.nodes.find(({ asset }) => asset.asset_id === id) ?? { x: Number.NaN, y: Number.NaN };
  return { ...layout, placeOf, columns: Object.fromEntries(Array.from(ids, (id) => [id, placeOf(id).x])) };
}

describe("a lineage", () => {
  test("goes from left to right, each behind all that it is made from", () => {
    const { columns } = laidOut("dcba", "a>b", "b>c", "a>c", "c>d");
    expect(columns.a).toBe(0);
    expect(columns.a).toBeLessThan(columns.b ?? 0);
    expect(columns.b).toBeLessThan(columns.c ?? 0);
    expect(columns.c).toBeLessThan(columns.d ?? 0);
  });

  test("has no two assets in one place, and all within its edges", () => {
    const { nodes, width, height } = laidOut("abcdef", "a>d", "b>d", "c>e", "d>f");
    expect(nodes).toHaveLength(6);
    expect(new Set(nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(6);
    for (const { x, y } of nodes) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(x + NODE_WIDTH).toBeLessThanOrEqual(width);
      expect(y + NODE_HEIGHT).toBeLessThanOrEqual(height);
    }
  });

  test("has each in the height of what it is made from, where that can be", () => {
    const { placeOf } = laidOut("abcxyz", "c>x", "b>y", "a>z");
    expect(["x", "y", "z"].map((id) => placeOf(id).y)).toEqual(["c", "b", "a"].map((id) => placeOf(id).y));
  });

  test("ends also where assets are made from each other, or from themselves", () => {
    const { nodes, edges } = laidOut("abc", "a>b", "b>a", "c>c");
    expect(nodes).toHaveLength(3);
    expect(edges.map(({ ends }) => ends)).toEqual([["a", "b"], ["b", "a"]]);
  });

  test("has no lines to assets that are not shown", () => {
    expect(laidOut("ab", "a>b", "z>a", "b>z").edges.map(({ key }) => key)).toEqual(["a b"]);
  });

  test("of nothing has room for nothing, and no size below zero", () => {
    const { nodes, width, height } = laidOut("");
    expect(nodes).toEqual([]);
    expect(width).toBeGreaterThan(0);
    expect(height).toBeGreaterThan(0);
  });
});

test("a line leads from the right of the one to the left of the other", () => {
  const { edges, placeOf } = laidOut("ab", "a>b");
  const [from, to] = [placeOf("a"), placeOf("b")];
  expect(edges[0]?.path.startsWith(`M${from.x + NODE_WIDTH} ${from.y + NODE_HEIGHT / 2} `)).toBe(true);
  expect(edges[0]?.path.endsWith(` ${to.x} ${to.y + NODE_HEIGHT / 2}`)).toBe(true);
});
