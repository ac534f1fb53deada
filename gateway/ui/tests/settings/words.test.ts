import { describe, expect, test } from "vitest";
import type { Permission } from "../../src/api/contract.gen.ts";
import { ALL_PERMISSIONS, grouped, permissionText, permissionWord } from "../../src/settings/permissions.ts";
import { bytesText } from "../../src/settings/sizes.ts";

test.each([
  ["0", "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  ["123456", "123 kB"],
  [99_940, "99.9 kB"],
  [99_960, "100 kB"],
  [999_960, "1.0 MB"],
  [2_500_000_000, "2.5 GB"],
  ["7000000000000000", "7000 TB"],
])("%s bytes are %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

describe("permissions", () => {
  test("are told in words", () => {
    expect(permissionText("PERMISSION_OTHER_RUNS_EDIT")).toBe("Other runs edit");
    expect(permissionWord("PERMISSION_FLOWS_EDIT", "Flows")).toBe("edit");
    expect(permissionWord("PERMISSION_OTHER_RUNS_EDIT", "Runs")).toBe("Other runs edit");
  });

  test("stand with what they are about; those of a newer server come last", () => {
    const newer = "PERMISSION_ROCKETS_LAUNCH" as Permission;
    expect(grouped([newer, "PERMISSION_RUNS_EDIT", "PERMISSION_FLOWS_VIEW", "PERMISSION_RUNS_VIEW"])).toEqual([
      { label: "Flows", permissions: ["PERMISSION_FLOWS_VIEW"] },
      { label: "Runs", permissions: ["PERMISSION_RUNS_VIEW", "PERMISSION_RUNS_EDIT"] },
      { label: "Other", permissions: [newer] },
    ]);
  });

  test("are shown once each, and none is lost", () => {
    const shown = grouped(ALL_PERMISSIONS).flatMap(({ permissions }) => permissions);
    expect(shown).toHaveLength(new Set(shown).size);
    expect(new Set(shown)).toEqual(new Set(ALL_PERMISSIONS));
  });
});
