import { Suspense, lazy } from "react";
import type { Artifact, ImageContent, JsonValue, TableContent } from "../api/contract.gen.ts";
import { Loading } from "../parts/Notice.tsx";

const Markdown = lazy(() => import("../run/Markdown.tsx"));
const MOST_ROWS = 200;

/** What an artifact shows. */
export function Content({ artifact }: { artifact: Artifact }) {
  if (artifact.markdown !== undefined) return <Text source={artifact.markdown} />;
  if (artifact.table !== undefined) return <Table table={artifact.table} />;
  if (artifact.image !== undefined) return <Image image={artifact.image} name={artifact.key} />;
  if (artifact.link !== undefined) return <OutLink url={artifact.link.url} text={artifact.link.text} />;
  if (artifact.progress !== undefined) {
    const percent = Number(artifact.progress);
    return (
      <div className="progress">
        <progress max={100} value={percent} aria-label={artifact.key} /> <span className="number">{`${percent} %`}</span>
      </div>
    );
  }
  return <pre className="code">{JSON.stringify(artifact.value ?? null, null, 2)}</pre>;
}

/** Text in Markdown. */
export function Text({ source }: { source: string }) {
  return (
    <Suspense fallback={<Loading what="the text" />}>
      <Markdown source={source} />
    </Suspense>
  );
}

function cellText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function Table({ table }: { table: TableContent }) {
  const rows = table.rows.slice(0, MOST_ROWS);
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Table">
      <table className="grid">
        <thead>
          <tr>
            {table.columns.map((column, index) => (
              <th key={index} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((value, column) => (
                <td key={column} className={typeof value === "number" ? "number" : undefined}>
                  {cellText(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length < table.rows.length && (
        <p className="quiet">{`The first ${MOST_ROWS} of ${table.rows.length.toLocaleString()} rows.`}</p>
      )}
    </div>
  );
}

function Image({ image, name }: { image: ImageContent; name: string }) {
  const isPicture = image.media_type.startsWith("image/");
  const source = image.data !== "" && isPicture ? `data:${image.media_type};base64,${image.data}` : image.url;
  return <img className="picture" src={source} alt={name} loading="lazy" />;
}

function OutLink({ url, text }: { url: string; text: string }) {
  const label = text === "" ? url : text;
  // Anything but a web address is shown and not followed.
  if (!/^https?:\/\//i.test(url)) return <span>{label}</span>;
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {label}
    </a>
  );
}
