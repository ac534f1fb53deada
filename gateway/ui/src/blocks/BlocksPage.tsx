import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useAddress } from "../api/address.ts";
import type { Block, BlockType } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { SearchField } from "../parts/SearchField.tsx";
import { BlockDialog } from "./BlockDialog.tsx";
import { OF_PREFECT, PrefectTypes } from "./PrefectTypes.tsx";

const EXAMPLE = `from headrace.blocks import Block, SecretStr

class Warehouse(Block):
    url: str
    password: SecretStr

Warehouse(url="postgresql://db/main", password="...").save("main")`;

const COLUMNS: Column<Block>[] = [
  {
    id: "name",
    header: "Block",
    cell: ({ row: { original: block } }) => (
      <Link to="/blocks/$typeSlug/$name" params={{ typeSlug: block.type_slug, name: block.name }} className="run-link">
        <span className="run-name">{block.name}</span>
        <span className="quiet">{block.type_slug}</span>
      </Link>
    ),
  },
  {
    id: "fields",
    header: "Holds",
    cell: ({ row: { original: block } }) => <span className="clipped">{Object.keys(block.data ?? {}).join(", ")}</span>,
  },
  {
    id: "secrets",
    header: "Secrets",
    cell: ({ row: { original: block } }) => <span className="number">{block.secrets.length}</span>,
  },
  { id: "changed", header: "Changed", cell: ({ row: { original: block } }) => <Moment at={block.updated_at} /> },
];

/** Typed configuration with secrets, and the types that there are. */
export function BlocksPage() {
  const [{ text = "", type = "" }, change] = useAddress();
  const [chosen, setChosen] = useState<BlockType>();
  const types = usePaged("ListBlockTypes", "block-types", {}, (page) => page.block_types);
  const list = usePaged(
    "ListBlocks",
    "blocks",
    { name_contains: text, type_slugs: type === "" ? [] : [type] },
    (page) => page.blocks,
  );
  const error = list.error ?? types.error;
  const isNothing = !list.isPending && !types.isPending && types.rows.length === 0 && list.rows.length === 0 && text === "";
  return (
    <>
      <div className="page-head">
        <h1>Blocks</h1>
        {!isNothing && <SearchField label="Search blocks" value={text} onChange={(next) => change({ text: next })} />}
        {types.rows.length > 0 && (
          <select
            className="field"
            aria-label="Type"
            value={type}
            onChange={(event) => change({ type: event.target.value })}
          >
            <option value="">All types</option>
            {types.rows.map((item) => (
              <option key={item.slug} value={item.slug}>
                {item.name}
              </option>
            ))}
          </select>
        )}
      </div>
      {error !== null && <Fault error={error} onRetry={() => [list, types].forEach((part) => part.refetch())} />}
      {(list.isPending || types.isPending) && error === null && <Loading what="blocks" />}
      {list.rows.length > 0 && <DataTable label="Blocks" columns={COLUMNS} rows={list.rows} rowKey={(block) => block.block_id} />}
      <More list={list} />
      {isNothing && error === null && (
        <Empty title="No blocks yet" code={EXAMPLE}>
          <p>
            A block keeps typed configuration under a name, its secrets encrypted. Saving one makes its type known here;
            <code> headrace block register</code> adds the types that come along.
          </p>
          <PrefectTypes />
        </Empty>
      )}
      {!isNothing && !list.isPending && list.rows.length === 0 && (
        <p className="quiet">{text === "" && type === "" ? "No block is kept yet: make one of the types below." : "No block fits."}</p>
      )}
      {types.rows.length > 0 && (
        <>
          <h2 className="section-title">Types</h2>
          <ul className="card-grid">
            {types.rows.map((item) => (
              <li key={item.slug} className="card">
                <div className="card-text">
                  <p className="card-title">{item.name}</p>
                  <p className="quiet">{item.description.split("\n")[0]}</p>
                </div>
                <button type="button" className="button" aria-label={`New ${item.name}`} onClick={() => setChosen(item)}>
                  <Icon name="plus" />
                  New
                </button>
              </li>
            ))}
          </ul>
          <More list={types} />
          {!types.hasMore && !types.rows.some((item) => item.slug === OF_PREFECT) && <PrefectTypes />}
        </>
      )}
      {chosen !== undefined && <BlockDialog type={chosen} block={undefined} onClose={() => setChosen(undefined)} />}
    </>
  );
}
