// What is different between two lists of lines: the shortest way from one to the other (Myers), within a bound.

export interface DiffLine {
  kind: "same" | "removed" | "added";
  text: string;
}

/** Beyond so many differences the middle is told as one block. */
const MOST_STEPS = 2_000;

/** Returns the lines of both, in order. */
export function diffLines(before: string[], after: string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const same = (text: string): DiffLine => ({ kind: "same", text });
  return [
    ...before.slice(0, start).map(same),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function block(before: string[], after: string[]): DiffLine[] {
  return [
    ...before.map((text): DiffLine => ({ kind: "removed", text })),
    ...after.map((text): DiffLine => ({ kind: "added", text })),
  ];
}

function middle(a: string[], b: string[]): DiffLine[] {
  if (a.length === 0 || b.length === 0) return block(a, b);
  const most = Math.min(a.length + b.length, MOST_STEPS);
  const reach = new Map<number, number>([[1, 0]]);
  const trail: Map<number, number>[] = [];
  for (let steps = 0; steps <= most; steps++) {
    trail.push(new Map(reach));
    for (let diagonal = -steps; diagonal <= steps; diagonal += 2) {
      const isDown =
        diagonal === -steps || (diagonal !== steps && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
      let x = isDown ? (reach.get(diagonal + 1) ?? 0) : (reach.get(diagonal - 1) ?? 0) + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++;
      reach.set(diagonal, x);
      if (x >= a.length && x - diagonal >= b.length) return walkBack(a, b, trail);
    }
  }
  return block(a, b);
}

function walkBack(a: string[], b: string[], trail: Map<number, number>[]): DiffLine[] {
  const lines: DiffLine[] = [];
  let [x, y] = [a.length, b.length];
  for (let steps = trail.length - 1; steps >= 0; steps--) {
    const reach = trail[steps];
    const diagonal = x - y;
    const isDown =
      diagonal === -steps || (diagonal !== steps && (reach?.get(diagonal - 1) ?? -1) < (reach?.get(diagonal + 1) ?? -1));
    const before = isDown ? diagonal + 1 : diagonal - 1;
    const fromX = steps === 0 ? 0 : (reach?.get(before) ?? 0);
    const fromY = steps === 0 ? 0 : fromX - before;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      lines.push({ kind: "same", text: a[--x] ?? "" });
      y--;
    }
    if (steps === 0) break;
    if (isDown) lines.push({ kind: "added", text: b[--y] ?? "" });
    else lines.push({ kind: "removed", text: a[--x] ?? "" });
  }
  return lines.reverse();
}
