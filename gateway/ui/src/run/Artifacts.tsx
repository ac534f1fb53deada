import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "../api/client.ts";
import { Content, Text } from "../artifacts/Content.tsx";
import { Moment } from "../parts/Moment.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";

const MOST_ARTIFACTS = 200;

interface ArtifactsProps {
  flowRunId: string;
  /** Changes when there may be new ones. */
  round: string;
}

/** What the run made for people to look at. */
export function Artifacts({ flowRunId, round }: ArtifactsProps) {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["artifacts", flowRunId, round],
    queryFn: ({ signal }) =>
      call("ListArtifacts", { filter: { flow_run_ids: [flowRunId] }, page_size: MOST_ARTIFACTS }, signal),
    placeholderData: keepPreviousData,
  });
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (isPending) return <Loading what="artifacts" />;
  if (data.artifacts.length === 0)
    return (
      <Empty title="No artifacts">
        <p>
          Tables, text in Markdown, pictures, links and progress that a run makes with{" "}
          <code>headrace.artifacts</code> show up here.
        </p>
      </Empty>
    );
  return (
    <div className="artifacts">
      {data.artifacts.map((artifact) => (
        <article key={artifact.artifact_id} className="artifact">
          <header>
            <h2>{artifact.key === "" ? "Artifact" : artifact.key}</h2>
            <span className="quiet">
              <Moment at={artifact.updated_at ?? artifact.created_at} />
            </span>
          </header>
          {artifact.description !== "" && <Text source={artifact.description} />}
          <Content artifact={artifact} />
        </article>
      ))}
    </div>
  );
}
