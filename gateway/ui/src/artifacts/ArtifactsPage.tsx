import { Link } from "@tanstack/react-router";
import { useAddress } from "../api/address.ts";
import type { Artifact, ArtifactKind } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { DataTable, type Column } from "../parts/DataTable.tsx";
import { FilterBar } from "../parts/FilterBar.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { KINDS, kindText } from "./kinds.ts";

const EVENTS = ["headrace.flow-run.*"];
const FIELDS = [
  { key: "kind", label: "Kind", kind: "choices", options: KINDS },
  { key: "keyed", label: "Has a key", kind: "flag" },
] as const;

const EXAMPLE = `from headrace.artifacts import create_table_artifact

create_table_artifact([{"city": "Oslo", "rain": 3}], key="rain")`;

const COLUMNS: Column<Artifact>[] = [
  {
    id: "name",
    header: "Artifact",
    cell: ({ row: { original: artifact } }) => (
      <Link to="/artifacts/$artifactId" params={{ artifactId: artifact.artifact_id }} className="run-link">
        <span className="run-name">{artifact.key === "" ? "without a key" : artifact.key}</span>
        <span className="quiet clipped">{artifact.description.split("\n")[0]}</span>
      </Link>
    ),
  },
  { id: "kind", header: "Kind", cell: ({ row: { original: artifact } }) => kindText(artifact) },
  {
    id: "run",
    header: "Made by",
    cell: ({ row: { original: artifact } }) =>
      artifact.flow_run_id === "" ? (
        <span className="quiet none">–</span>
      ) : (
        <Link to="/runs/$flowRunId" params={{ flowRunId: artifact.flow_run_id }} search={{ tab: "artifacts" }}>
          its run
        </Link>
      ),
  },
  {
    id: "changed",
    header: "Changed",
    cell: ({ row: { original: artifact } }) => <Moment at={artifact.updated_at ?? artifact.created_at} />,
  },
];

/** What runs made for people to look at: of each key the latest. */
export function ArtifactsPage() {
  useInvalidation(EVENTS, ["artifacts-list"]);
  const [{ text = "", kind = "", keyed }] = useAddress();
  const list = usePaged(
    "ListArtifacts",
    "artifacts-list",
    {
      filter: {
        text,
        kinds: kind === "" ? [] : (kind.split(",") as ArtifactKind[]),
        has_key: keyed === undefined ? undefined : keyed === "true",
        latest_only: true,
      },
      sort: "ARTIFACT_SORT_UPDATED_DESC",
    },
    (page) => page.artifacts,
  );
  const isFiltered = text !== "" || kind !== "" || keyed !== undefined;
  return (
    <>
      <div className="page-head">
        <h1>Artifacts</h1>
      </div>
      <FilterBar fields={FIELDS} searchLabel="Search artifacts" />
      {list.isPending && list.error === null && <Loading what="artifacts" />}
      {list.error !== null && <Fault error={list.error} onRetry={list.refetch} />}
      {list.rows.length > 0 && (
        <DataTable label="Artifacts" columns={COLUMNS} rows={list.rows} rowKey={(artifact) => artifact.artifact_id} />
      )}
      <More list={list} />
      {!list.isPending && list.rows.length === 0 && list.error === null && (
        isFiltered ? (
          <Empty title="No artifact fits these filters">
            <p>
              <Link to="/artifacts">Show all artifacts</Link>
            </p>
          </Empty>
        ) : (
          <Empty title="No artifacts yet" code={EXAMPLE}>
            <p>Tables, text in Markdown, pictures, links and progress that flows and tasks make show up here:</p>
          </Empty>
        )
      )}
    </>
  );
}
