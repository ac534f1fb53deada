import { FlexRender, tableFeatures, useTable, type ColumnDef, type Row as TableRow, type RowData } from "@tanstack/react-table";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { Icon } from "./Icon.tsx";

const features = tableFeatures({});
const VIRTUAL_FROM = 60;
const ROW_PIXELS = 53;

export type Column<Row extends RowData> = ColumnDef<typeof features, Row>;

/** By which column rows are sorted: its id, with "-" in front for the largest first. */
export type Order = string;

interface Selection {
  keys: ReadonlySet<string>;
  onChange: (keys: ReadonlySet<string>) => void;
  /** What a row is called, for those who do not see it. */
  nameOf: (key: string) => string;
}

interface DataTableProps<Row extends RowData> {
  /** What the table lists, for those who do not see it. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  /** What a column is sorted by; columns without it are not sorted. Leave it out of a list that the server sorts. */
  sorters?: Record<string, (row: Row) => string | number | undefined>;
  /** Columns that can be sorted although there is no sorter: the server sorts by them. */
  sortable?: readonly string[];
  /** The order, where the page keeps it (in its address). */
  order?: Order;
  onOrder?: (order: Order) => void;
  selection?: Selection;
}

/** Columns that say by themselves what they are, also in a card. */
const PLAIN = new Set(["name", "state", "status", "tags", "actions", "activity"]);

/** Returns what stands before a value in a card. */
function labelOf({ id, columnDef }: { id: string; columnDef: { header?: unknown } }): string | undefined {
  return PLAIN.has(id) || typeof columnDef.header !== "string" || columnDef.header === "" ? undefined : columnDef.header;
}

function compare(a: string | number | undefined, b: string | number | undefined): number {
  // What has no value comes last.
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

/**
 * Rows and columns; on a narrow screen each row becomes a card. Columns and rows have to be stable.
 *
 * Of long lists only the rows that are seen are drawn.
 */
export function DataTable<Row extends RowData>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, sorters, sortable, selection } = props;
  const [ownOrder, setOwnOrder] = useState<Order>("");
  const order = props.order ?? ownOrder;
  const onOrder = props.onOrder ?? setOwnOrder;
  const sorted = useMemo(() => {
    const isDescending = order.startsWith("-");
    const sorter = sorters?.[isDescending ? order.slice(1) : order];
    if (sorter === undefined) return rows;
    const sign = isDescending ? -1 : 1;
    return [...rows].sort((a, b) => {
      const [left, right] = [sorter(a), sorter(b)];
      return left === undefined || right === undefined ? compare(left, right) : sign * compare(left, right);
    });
  }, [rows, order, sorters]);
  const table = useTable({ features, columns, data: sorted, getRowId: rowKey });
  const all = table.getRowModel().rows;

  const body = useRef<HTMLTableElement>(null);
  const [top, setTop] = useState(0);
  useEffect(() => {
    const box = body.current?.getBoundingClientRect();
    if (box !== undefined) setTop(box.top + window.scrollY);
  }, [all.length]);
  const isVirtual = all.length >= VIRTUAL_FROM;
  const virtual = useWindowVirtualizer({
    count: isVirtual ? all.length : 0,
    estimateSize: () => ROW_PIXELS,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => all[index]?.id ?? index,
  });
  const items = virtual.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  const before = first === undefined ? 0 : first.start - top;
  const behind = last === undefined ? 0 : virtual.getTotalSize() - (last.end - top);
  const shown = isVirtual ? items.map((item) => ({ row: all[item.index], index: item.index })) : all.map((row, index) => ({ row, index }));
  const width = columns.length + (selection === undefined ? 0 : 1);

  return (
    <table ref={body} className="table" aria-label={label} aria-rowcount={all.length + 1}>
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id}>
            {selection !== undefined && (
              <th scope="col" className="column-select">
                <SelectAll selection={selection} keys={all.map((row) => row.id)} />
              </th>
            )}
            {group.headers.map((header) => {
              const id = header.column.id;
              const canSort = sorters?.[id] !== undefined || sortable?.includes(id) === true;
              const direction = order === id ? "ascending" : order === `-${id}` ? "descending" : "none";
              return (
                <th key={header.id} scope="col" className={`column-${id}`} aria-sort={canSort ? direction : undefined}>
                  {canSort ? (
                    <button
                      type="button"
                      className="sort"
                      onClick={() => onOrder(direction === "ascending" ? `-${id}` : direction === "descending" ? "" : id)}
                    >
                      <FlexRender header={header} />
                      {direction !== "none" && <Icon name={direction === "ascending" ? "up" : "down"} />}
                    </button>
                  ) : (
                    <FlexRender header={header} />
                  )}
                </th>
              );
            })}
          </tr>
        ))}
      </thead>
      <tbody>
        {before > 0 && (
          <tr className="table-gap" aria-hidden="true">
            <td colSpan={width} style={{ height: before }} />
          </tr>
        )}
        {shown.map(({ row, index }) =>
          row === undefined ? null : (
            <tr
              key={row.id}
              data-index={index}
              aria-rowindex={index + 2}
              aria-selected={selection?.keys.has(row.id)}
              ref={isVirtual ? virtual.measureElement : undefined}
            >
              {selection !== undefined && (
                <td className="column-select">
                  <input
                    type="checkbox"
                    aria-label={`Select ${selection.nameOf(row.id)}`}
                    checked={selection.keys.has(row.id)}
                    onChange={(event) => {
                      const next = new Set(selection.keys);
                      if (event.target.checked) next.add(row.id);
                      else next.delete(row.id);
                      selection.onChange(next);
                    }}
                  />
                </td>
              )}
              <Cells row={row} of={row.original} columns={columns} />
            </tr>
          ),
        )}
        {behind > 0 && (
          <tr className="table-gap" aria-hidden="true">
            <td colSpan={width} style={{ height: behind }} />
          </tr>
        )}
      </tbody>
    </table>
  );
}

interface CellsProps<Row extends RowData> {
  row: TableRow<typeof features, Row>;
  /** What the row is of: as long as it is the same, its cells are. */
  of: Row;
  columns: Column<Row>[];
}

function drawCells<Row extends RowData>({ row }: CellsProps<Row>): ReactNode {
  return row.getAllCells().map((cell) => (
    <td key={cell.id} className={`column-${cell.column.id}`} data-label={labelOf(cell.column)}>
      <FlexRender cell={cell} />
    </td>
  ));
}

/** The cells of a row. A change of one row draws none of the others. */
const Cells = memo(drawCells, (a, b) => a.of === b.of && a.columns === b.columns) as typeof drawCells;

function SelectAll({ selection, keys }: { selection: Selection; keys: string[] }) {
  const count = keys.filter((key) => selection.keys.has(key)).length;
  return (
    <input
      type="checkbox"
      aria-label="Select all that are listed"
      checked={count > 0 && count === keys.length}
      ref={(box) => {
        if (box !== null) box.indeterminate = count > 0 && count < keys.length;
      }}
      onChange={(event) => selection.onChange(new Set(event.target.checked ? keys : []))}
    />
  );
}
