// How much room something takes, in words.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Returns a count of bytes, as the wire has it, in the unit that says most. */
export function bytesText(bytes: string | number): string {
  let value = Number(bytes);
  let unit = 0;
  while (Math.round(value) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 99.95 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}
