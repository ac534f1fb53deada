import { describe, expect, test } from "vitest";
import { piecesOf, plainText } from "../../src/run/ansi.ts";

/** Returns the pieces of a line as "text" or "text|look". ESC stands for the character. */
function shown(line: string): string[] {
  return piecesOf(line.replaceAll("ESC", "\u001b")).map(({ text, look }) => (look === "" ? text : `${text}|${look}`));
}

describe("a line of a terminal", () => {
  test.each([
    ["no codes at all", ["no codes at all"]],
    ["", [""]],
    ["ESC[31mred", ["red|ansi-red"]],
    ["ESC[31mredESC[0m plain", ["red|ansi-red", " plain"]],
    ["ESC[31mredESC[m plain", ["red|ansi-red", " plain"]],
    ["ESC[31mredESC[39m plain", ["red|ansi-red", " plain"]],
    ["a ESC[92mbrightESC[0m", ["a ", "bright|ansi-green"]],
    ["ESC[1;31;4mallESC[24mtwoESC[22mone", ["all|ansi-red ansi-bold ansi-underlined", "two|ansi-red ansi-bold", "one|ansi-red"]],
    ["ESC[2mfaintESC[22mnot", ["faint|ansi-faint", "not"]],
    ["ESC[1mboldESC[31mredESC[32mgreen", ["bold|ansi-bold", "red|ansi-red ansi-bold", "green|ansi-green ansi-bold"]],
    ["ESC[30mblackESC[37mwhite", ["black|ansi-black", "white|ansi-white"]],
    ["ESC[0;33mreset first", ["reset first|ansi-yellow"]],
    ["ESC[31m", []],
  ])("%s", (line, pieces) => {
    expect(shown(line)).toEqual(pieces);
  });

  test("backgrounds and colours of larger tables are left out, and what follows them is not", () => {
    expect(shown("ESC[41mground")).toEqual(["ground"]);
    expect(shown("ESC[38;5;196mtable")).toEqual(["table"]);
    expect(shown("ESC[38;5;1;4mtable")).toEqual(["table|ansi-underlined"]);
    expect(shown("ESC[38;2;255;31;4;1mtrue")).toEqual(["true|ansi-bold"]);
    expect(shown("ESC[48;2;1;31;4;32mground")).toEqual(["ground|ansi-green"]);
    expect(shown("ESC[38:2::255:0:0mtrue")).toEqual(["true"]);
  });

  test("moves of the cursor, links, titles and sets of characters leave no trace", () => {
    expect(shown("50 %ESC[2KESC[1A100 %ESC[?25l")).toEqual(["50 %", "100 %"]);
    expect(shown("see ESC]8;;https://headrace.example/?a=1ESC\\the pageESC]8;;ESC\\ now")).toEqual(["see ", "the page", " now"]);
    expect(shown("ESC]0;a title\u0007text")).toEqual(["text"]);
    expect(shown("ESC[31mredESC(BESC[m plain")).toEqual(["red|ansi-red", " plain"]);
  });

  test("a code that was cut stays as it is", () => {
    expect(shown("text ESC[3")).toEqual(["text \u001b[3"]);
  });
});

test.each(["plain", "\u001b[1;31mred\u001b[0m and \u001b[38;5;3mmore\u001b[K", "\u001b]8;;https://x\u0007link\u001b]8;;\u0007"])(
  "the plain text is all pieces together: %j",
  (line) => {
    expect(plainText(line)).toBe(
      piecesOf(line)
        .map(({ text }) => text)
        .join(""),
    );
    expect(plainText(line)).not.toContain("\u001b");
  },
);
