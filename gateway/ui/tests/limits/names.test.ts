import { afterEach, describe, expect, test, vi } from "vitest";
import type { Name, NamedKind } from "../../src/api/names.ts";

const useName = vi.hoisted(() => vi.fn<(kind: NamedKind, id: string) => Name | null | undefined>());
vi.mock("../../src/api/names.ts", () => ({ useName }));
const { useLimited } = await import("../../src/limits/names.ts");

afterEach(() => {
  useName.mockReset();
});

const ID = "01900000-0000-7000-8000-0000deadbeef";
const nightly: Name = { id: ID, name: "nightly", of: "etl" };

describe("a limit", () => {
  test.each([
    ["database", { label: "database", whom: "flows, tasks and scripts that ask for it" }],
    ["a:b", { label: "a:b", whom: "flows, tasks and scripts that ask for it" }],
    ["tag:gpu:large", { label: "gpu:large", whom: "tasks with this tag" }],
    ["tag:", { label: "tag:", whom: "flows, tasks and scripts that ask for it" }],
    ["deployment:", { label: "deployment:", whom: "flows, tasks and scripts that ask for it" }],
  ])("called %s is one of its own, and nothing is looked up", (name, limited) => {
    expect(useLimited(name)).toEqual(limited);
    expect(useName).toHaveBeenCalledWith("deployment", "");
  });

  test.each([
    ["", "nightly", "runs of a deployment of etl"],
    [":key:eu", "nightly, eu", "its runs with the key eu"],
    [":key:a:b", "nightly, a:b", "its runs with the key a:b"],
    [":key:backfill-7", "nightly, a backfill", "runs of one of its backfills"],
  ])("of a deployment with the end %j is called %s", (end, label, whom) => {
    useName.mockReturnValue(nightly);
    expect(useLimited(`deployment:${ID}${end}`)).toEqual({ label, whom, owner: { kind: "deployment", id: ID } });
    expect(useName).toHaveBeenCalledWith("deployment", ID);
  });

  test.each([undefined, null])("of what has no name (%s) is called by the end of the id", (found) => {
    useName.mockReturnValue(found);
    expect(useLimited(`work-pool:${ID}`)).toMatchObject({ label: "deadbeef", whom: "runs in a work pool" });
  });
});
