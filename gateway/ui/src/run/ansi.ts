// Colours of terminals in log lines.

export interface Piece {
  text: string;
  /** Class names of how it looks. */
  look: string;
}

// Colours and cursor moves of terminals; titles and addresses of links; choices of a set of characters.
// eslint-disable-next-line no-control-regex
const CODE = /\u001b(?:\[([0-9:;<=>?]*)([A-Za-z])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9])/g;
const COLORS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

interface Look {
  color: string;
  isBold: boolean;
  isFaint: boolean;
  isUnderlined: boolean;
}

const PLAIN: Look = { color: "", isBold: false, isFaint: false, isUnderlined: false };

function apply(look: Look, codes: string): Look {
  let next = look;
  const numbers = codes.split(";").map((code) => Number(code === "" ? "0" : code));
  for (let index = 0; index < numbers.length; index++) {
    const code = numbers[index] ?? 0;
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, isBold: true };
    else if (code === 2) next = { ...next, isFaint: true };
    else if (code === 4) next = { ...next, isUnderlined: true };
    else if (code === 22) next = { ...next, isBold: false, isFaint: false };
    else if (code === 24) next = { ...next, isUnderlined: false };
    else if (code >= 30 && code <= 37) next = { ...next, color: COLORS[code - 30] ?? "" };
    else if (code >= 90 && code <= 97) next = { ...next, color: COLORS[code - 90] ?? "" };
    else if (code === 39) next = { ...next, color: "" };
    // Colours of larger tables are followed by their numbers; they are left out.
    else if (code === 38 || code === 48) index += numbers[index + 1] === 5 ? 2 : 4;
  }
  return next;
}

function className({ color, isBold, isFaint, isUnderlined }: Look): string {
  return [color === "" ? "" : `ansi-${color}`, isBold ? "ansi-bold" : "", isFaint ? "ansi-faint" : "", isUnderlined ? "ansi-underlined" : ""]
    .filter((name) => name !== "")
    .join(" ");
}

/** Cuts a line into pieces of one look. */
export function piecesOf(line: string): Piece[] {
  if (!line.includes("\u001b")) return [{ text: line, look: "" }];
  const pieces: Piece[] = [];
  let look = PLAIN;
  let end = 0;
  for (const found of line.matchAll(CODE)) {
    if (found.index > end) pieces.push({ text: line.slice(end, found.index), look: className(look) });
    if (found[2] === "m") look = apply(look, found[1] ?? "");
    end = found.index + found[0].length;
  }
  if (end < line.length) pieces.push({ text: line.slice(end), look: className(look) });
  return pieces;
}

/** Returns a line without codes. */
export function plainText(line: string): string {
  return line.replace(CODE, "");
}
