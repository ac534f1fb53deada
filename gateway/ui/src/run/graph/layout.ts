// Where the task runs of a flow run are drawn. Pure, and slow for many: a worker runs it.

export interface LayoutRequest {
  /** Told back with the answer. */
  round: number;
  /** When each began, in milliseconds; NaN: not yet. */
  starts: Float64Array;
  /** When each ended; NaN: not yet. */
  ends: Float64Array;
  /** Where in `parents` those of each begin; one longer than `starts`. */
  offsets: Int32Array;
  /** Places of the task runs whose results they take. */
  parents: Int32Array;
  /** The present. */
  now: number;
}

export interface LayoutAnswer {
  round: number;
  /** The row of each in the timeline. */
  rows: Int32Array;
  rowCount: number;
  /** The column of each in the graph: one behind the last of its parents. */
  columns: Int32Array;
  columnCount: number;
  /** The place of each in its column, from the middle on. */
  places: Float32Array;
  /** The most in one column. */
  tallest: number;
}

/** Up to so many each have a row of their own. */
const OWN_ROWS = 400;
/** Above, those that do not overlap share rows; each takes at least this share of the whole time, so that it can be told. */
const LEAST_SHARE = 1 / 400;
const SWEEPS = 4;

/** The smallest first. */
class Heap {
  private readonly items: { at: number; row: number }[] = [];

  get first(): { at: number; row: number } | undefined {
    return this.items[0];
  }

  push(at: number, row: number): void {
    const { items } = this;
    items.push({ at, row });
    let index = items.length - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (this.isSorted(above, index)) break;
      this.swap(above, index);
      index = above;
    }
  }

  pop(): { at: number; row: number } | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    items[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let least = index;
      if (left < items.length && !this.isSorted(least, left)) least = left;
      if (right < items.length && !this.isSorted(least, right)) least = right;
      if (least === index) return top;
      this.swap(least, index);
      index = least;
    }
  }

  private isSorted(above: number, below: number): boolean {
    return (this.items[above]?.at ?? 0) <= (this.items[below]?.at ?? 0);
  }

  private swap(a: number, b: number): void {
    const { items } = this;
    const [first, second] = [items[a], items[b]];
    if (first === undefined || second === undefined) return;
    items[a] = second;
    items[b] = first;
  }
}

function rowsOf({ starts, ends, now }: LayoutRequest): { rows: Int32Array; rowCount: number } {
  const count = starts.length;
  const begin = (index: number) => (Number.isNaN(starts[index]) ? now : (starts[index] ?? now));
  const order = Int32Array.from({ length: count }, (_, index) => index).sort((a, b) => begin(a) - begin(b) || a - b);
  const rows = new Int32Array(count);
  if (count <= OWN_ROWS) {
    order.forEach((index, row) => (rows[index] = row));
    return { rows, rowCount: count };
  }
  const first = begin(order[0] ?? 0);
  const last = ends.reduce((latest, end) => (Number.isNaN(end) ? Math.max(latest, now) : Math.max(latest, end)), first);
  const least = (last - first) * LEAST_SHARE;
  const busy = new Heap();
  const free: number[] = [];
  let rowCount = 0;
  for (const index of order) {
    const start = begin(index);
    while (busy.first !== undefined && busy.first.at <= start) free.push(busy.pop()?.row ?? 0);
    const row = free.pop() ?? rowCount++;
    rows[index] = row;
    const end = Number.isNaN(ends[index]) ? now : (ends[index] ?? now);
    busy.push(Math.max(end, start + least), row);
  }
  return { rows, rowCount };
}

function columnsOf({ offsets, parents }: LayoutRequest): { columns: Int32Array; columnCount: number } {
  const count = offsets.length - 1;
  const columns = new Int32Array(count).fill(-1);
  const isOpen = new Uint8Array(count);
  let columnCount = 0;
  for (let start = 0; start < count; start++) {
    const stack = [start];
    while (stack.length > 0) {
      const index = stack.at(-1) ?? 0;
      if (columns[index] !== -1) {
        stack.pop();
        continue;
      }
      let column = 0;
      let isReady = true;
      for (let at = offsets[index] ?? 0; at < (offsets[index + 1] ?? 0); at++) {
        const parent = parents[at] ?? 0;
        if (columns[parent] !== -1) column = Math.max(column, (columns[parent] ?? 0) + 1);
        else if (isOpen[parent] === 0 && parent !== index) {
          stack.push(parent);
          isReady = false;
        }
      }
      isOpen[index] = 1;
      if (!isReady) continue;
      columns[index] = column;
      columnCount = Math.max(columnCount, column + 1);
      stack.pop();
    }
  }
  return { columns, columnCount };
}

/** Puts each near the middle of its parents, so that few lines cross. */
function placesOf(
  { offsets, parents }: LayoutRequest,
  columns: Int32Array,
  columnCount: number,
): { places: Float32Array; tallest: number } {
  const count = columns.length;
  const places = new Float32Array(count);
  const inColumn: number[][] = Array.from({ length: columnCount }, () => []);
  for (let index = 0; index < count; index++) inColumn[columns[index] ?? 0]?.push(index);
  const put = (members: number[]) => members.forEach((index, place) => (places[index] = place - (members.length - 1) / 2));
  inColumn.forEach(put);
  const sums = new Float64Array(count);
  const counts = new Int32Array(count);
  const sort = (members: number[]) => {
    const wish = (index: number) => ((counts[index] ?? 0) === 0 ? (places[index] ?? 0) : (sums[index] ?? 0) / (counts[index] ?? 1));
    members.sort((a, b) => wish(a) - wish(b) || a - b);
    put(members);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isForward = sweep % 2 === 0;
    sums.fill(0);
    counts.fill(0);
    if (isForward)
      for (const members of inColumn) {
        for (const index of members)
          for (let at = offsets[index] ?? 0; at < (offsets[index + 1] ?? 0); at++) {
            sums[index] = (sums[index] ?? 0) + (places[parents[at] ?? 0] ?? 0);
            counts[index] = (counts[index] ?? 0) + 1;
          }
        sort(members);
      }
    else
      for (const members of [...inColumn].reverse()) {
        sort(members);
        for (const index of members)
          for (let at = offsets[index] ?? 0; at < (offsets[index + 1] ?? 0); at++) {
            const parent = parents[at] ?? 0;
            sums[parent] = (sums[parent] ?? 0) + (places[index] ?? 0);
            counts[parent] = (counts[parent] ?? 0) + 1;
          }
      }
  }
  return { places, tallest: inColumn.reduce((most, members) => Math.max(most, members.length), 0) };
}

/** Lays out a flow run. */
export function layout(request: LayoutRequest): LayoutAnswer {
  const { rows, rowCount } = rowsOf(request);
  const { columns, columnCount } = columnsOf(request);
  const { places, tallest } = placesOf(request, columns, columnCount);
  return { round: request.round, rows, rowCount, columns, columnCount, places, tallest };
}
