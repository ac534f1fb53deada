import { expect, test, vi } from "vitest";
import { safeNext } from "../../src/account/next.ts";

vi.stubGlobal("window", { location: { origin: "https://headrace.example" } });

test.each([
  ["/", "/"],
  ["/runs?state=failed#top", "/runs?state=failed#top"],
  ["/w/research/runs/1", "/w/research/runs/1"],
  ["/a/../runs", "/runs"],
])("after %s was asked for, one comes to %s", (asked, next) => {
  expect(safeNext(asked)).toBe(next);
});

test.each([undefined, "", "runs", "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/\t/evil.example"])(
  "%j leads to the dashboard",
  (asked) => {
    expect(safeNext(asked)).toBe("/");
  },
);

test.each(["/.//evil.example", "/a/..//evil.example", "/%2e//evil.example"])("%s stays on this server", (asked) => {
  expect(new URL(safeNext(asked), "https://headrace.example").origin).toBe("https://headrace.example");
});

test.each(["//", "///", "//[", "//a:b"])("%s is no address, and leads to the dashboard", (asked) => {
  expect(safeNext(asked)).toBe("/");
});
