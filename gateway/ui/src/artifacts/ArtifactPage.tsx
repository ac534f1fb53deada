import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { CallError, call } from "../api/client.ts";
import type { Artifact } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { useInvalidation } from "../api/watch.ts";
import { ConfirmDialog } from "../parts/ConfirmDialog.tsx";
import { Moment } from "../parts/Moment.tsx";
import { More } from "../parts/More.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, Mark, PageHead } from "../parts/PageHead.tsx";
import { tell } from "../parts/toasts.ts";
import { Content, Text } from "./Content.tsx";
import { kindText } from "./kinds.ts";

const route = getRouteApi("/artifacts/$artifactId");
const EVENTS = ["headrace.flow-run.*"];

/** One artifact as it is meant to be seen, with the versions before it. */
export function ArtifactPage() {
  const { artifactId } = route.useParams();
  useInvalidation(EVENTS, ["artifacts-list"]);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["artifacts-list", artifactId],
    queryFn: ({ signal }) => call("GetArtifact", { artifact_id: artifactId }, signal),
  });
  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such artifact">
        <p>
          It may have been deleted. <Link to="/artifacts">Show all artifacts</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending || data.artifact === undefined) return <Loading what="the artifact" />;
  return <Shown artifact={data.artifact} />;
}

function Shown({ artifact }: { artifact: Artifact }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [isDeleting, setDeleting] = useState(false);
  const remove = useMutation({
    mutationFn: () => call("DeleteArtifact", { artifact_id: artifact.artifact_id }),
    onSuccess: async () => {
      tell("The artifact was deleted");
      await navigate({ to: "/artifacts" });
      await queries.invalidateQueries({ queryKey: ["artifacts-list"] });
    },
  });
  return (
    <>
      <PageHead
        title={artifact.key === "" ? "Artifact" : artifact.key}
        from={{ to: "/artifacts", label: "Artifacts" }}
        badge={artifact.key !== "" && !artifact.latest && <Mark look="cancelled" label="An earlier version" />}
        actions={
          <button type="button" className="button" onClick={() => setDeleting(true)}>
            Delete
          </button>
        }
      />
      <Facts
        facts={{
          Kind: kindText(artifact),
          "Made by":
            artifact.flow_run_id === "" ? undefined : (
              <Link to="/runs/$flowRunId" params={{ flowRunId: artifact.flow_run_id }} search={{ tab: "artifacts" }}>
                its flow run
              </Link>
            ),
          Task:
            artifact.task_run_id === "" ? undefined : (
              <Link to="/task-runs/$taskRunId" params={{ taskRunId: artifact.task_run_id }}>
                its task run
              </Link>
            ),
          Made: <Moment at={artifact.created_at} />,
          Changed: <Moment at={artifact.updated_at} />,
        }}
      />
      <div className="sections">
        <article className="artifact">
          {artifact.description !== "" && <Text source={artifact.description} />}
          <Content artifact={artifact} />
        </article>
        {artifact.key !== "" && <Versions artifact={artifact} />}
      </div>
      <ConfirmDialog
        title="Delete this artifact?"
        action="Delete the artifact"
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onConfirm={() => remove.mutateAsync()}
      >
        <p>Only this version goes. It cannot be undone.</p>
      </ConfirmDialog>
    </>
  );
}

function Versions({ artifact }: { artifact: Artifact }) {
  const list = usePaged(
    "ListArtifacts",
    "artifacts-list",
    { filter: { keys: [artifact.key] }, sort: "ARTIFACT_SORT_ID_DESC", page_size: 50 },
    (page) => page.artifacts,
  );
  return (
    <section>
      <h2>Versions</h2>
      <ol className="rows" aria-label="Versions">
        {list.rows.map((version) => {
          const isShown = version.artifact_id === artifact.artifact_id;
          return (
            <li key={version.artifact_id} className={isShown ? "chosen" : undefined}>
              <Link
                to="/artifacts/$artifactId"
                params={{ artifactId: version.artifact_id }}
                aria-current={isShown ? "true" : undefined}
              >
                <Moment at={version.created_at} />
              </Link>
              <span className="quiet">{kindText(version)}</span>
              {version.latest && <Mark look="completed" label="Latest" />}
            </li>
          );
        })}
      </ol>
      <More list={list} />
    </section>
  );
}
