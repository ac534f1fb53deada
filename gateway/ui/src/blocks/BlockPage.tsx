import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { CallError, call } from "../api/client.ts";
import type { Block, BlockType, JsonValue } from "../api/contract.gen.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Code } from "../parts/CopyButton.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, PageHead } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { BlockDialog } from "./BlockDialog.tsx";

const route = getRouteApi("/blocks/$typeSlug/$name");

/** One block: its values without secrets, and how code reads it. */
export function BlockPage() {
  const { typeSlug, name } = route.useParams();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["blocks", typeSlug, name],
    queryFn: ({ signal }) => call("GetBlock", { type_slug: typeSlug, name }, signal),
  });
  const type = useQuery({
    queryKey: ["block-types", typeSlug],
    queryFn: ({ signal }) => call("GetBlockType", { slug: typeSlug }, signal),
  }).data?.block_type;
  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such block">
        <p>
          It may have been deleted. <Link to="/blocks">Show all blocks</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || data.block === undefined) return <Loading what="the block" />;
  return <Shown block={data.block} referenced={data.referenced} type={type} />;
}

function Shown({ block, referenced, type }: { block: Block; referenced: Block[]; type: BlockType | undefined }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [isEditing, setEditing] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const address = `${block.type_slug}/${block.name}`;
  const example =
    type !== undefined && type.code_example !== ""
      ? type.code_example
      : `from headrace.blocks import Block\n\nvalues = Block.load("${address}")`;
  return (
    <>
      <PageHead
        title={block.name}
        from={{ to: "/blocks", label: "Blocks" }}
        actions={
          <>
            <button type="button" className="button" disabled={type === undefined} onClick={() => setEditing(true)}>
              <Icon name="edit" />
              Change
            </button>
            <button type="button" className="button" onClick={() => setDeleting(true)}>
              Delete
            </button>
          </>
        }
      />
      <Facts
        facts={{
          Type: type?.name ?? block.type_slug,
          Secrets: String(block.secrets.length),
          Made: <Moment at={block.created_at} />,
          Changed: <Moment at={block.updated_at} />,
        }}
      />
      <div className="sections">
        <section>
          <h2>Values</h2>
          <div className="scroll-x" role="region" tabIndex={0} aria-label="Values">
            <table className="grid">
              <tbody>
                {Object.entries(block.data ?? {}).map(([field, value]) => (
                  <tr key={field}>
                    <th scope="row">{field}</th>
                    <td>{block.secrets.includes(`/${field}`) ? <Secret /> : <Value value={value} />}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
        {referenced.length > 0 && (
          <section>
            <h2>It refers to</h2>
            <ul className="rows">
              {referenced.map((other) => (
                <li key={other.block_id}>
                  <Link to="/blocks/$typeSlug/$name" params={{ typeSlug: other.type_slug, name: other.name }}>
                    {`${other.type_slug}/${other.name}`}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        )}
        <section>
          <h2>In code, and in templates</h2>
          <Code text={example} />
          <Code text={`{{ headrace.blocks.${block.type_slug}.${block.name} }}`} />
        </section>
      </div>
      {isEditing && type !== undefined && <BlockDialog type={type} block={block} onClose={() => setEditing(false)} />}
      <ConfirmDialog
        title={`Delete ${address}?`}
        action="Delete the block"
        typedName={block.name}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={async () => {
          await call("DeleteBlock", { type_slug: block.type_slug, name: block.name });
          tell(`${address} was deleted`);
          await navigate({ to: "/blocks" });
          await queries.invalidateQueries({ queryKey: ["blocks"] });
        }}
      >
        <p>Flows that load it will fail. A block that others refer to stays. This cannot be undone, as nobody can read its secrets.</p>
      </ConfirmDialog>
    </>
  );
}

function Secret() {
  return (
    <span className="quiet" title="Can be replaced, and is never shown">
      ••••••••
    </span>
  );
}

function Value({ value }: { value: JsonValue | undefined }) {
  if (typeof value === "object" && value !== null) return <pre className="plain">{JSON.stringify(value, null, 2)}</pre>;
  return <code>{typeof value === "string" ? value : JSON.stringify(value ?? null)}</code>;
}
