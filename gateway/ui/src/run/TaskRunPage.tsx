import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { CallError, call } from "../api/client.ts";
import type { TaskRun } from "../api/contract.gen.ts";
import { useName } from "../api/names.ts";
import { useInvalidation } from "../api/watch.ts";
import { Elapsed, Moment } from "../parts/Moment.tsx";
import { Named } from "../parts/Named.tsx";
import { Empty, Fault, Loading } from "../parts/Notice.tsx";
import { Facts, PageHead, Tags } from "../parts/PageHead.tsx";
import { StateBadge } from "../parts/StateBadge.tsx";
import { Result } from "./Result.tsx";
import { History } from "./StateHistory.tsx";
import { StateMessage } from "./StateMessage.tsx";

const route = getRouteApi("/task-runs/$taskRunId");
const EVENTS = ["headrace.task-run.*"];

/** One task run: how it went, its tries, what it took. */
export function TaskRunPage() {
  const { taskRunId } = route.useParams();
  useInvalidation(EVENTS, ["task-run"]);
  const { data, error, refetch } = useQuery({
    queryKey: ["task-run", taskRunId],
    queryFn: async ({ signal }) => {
      const [found, history] = await Promise.all([
        call("GetTaskRun", { task_run_id: taskRunId }, signal),
        call("ListTaskRunStates", { task_run_id: taskRunId, page_size: 200 }, signal),
      ]);
      return { task: found.task_run, states: history.states };
    },
    placeholderData: keepPreviousData,
  });
  const flowRun = useName("flow-run", data?.task?.flow_run_id ?? "");
  if (error instanceof CallError && error.status === 404)
    return (
      <Empty title="There is no such task run">
        <p>
          It may have been deleted. <Link to="/runs">Show all runs</Link>
        </p>
      </Empty>
    );
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  if (data?.task === undefined) return <Loading what="the task run" />;
  const { task, states } = data;
  return (
    <>
      <PageHead
        title={task.name}
        from={task.flow_run_id === "" ? { to: "/runs?kind=tasks", label: "Task runs" } : { to: `/runs/${task.flow_run_id}`, label: flowRun?.name ?? "Flow run" }}
        badge={<StateBadge state={task.state} />}
        actions={
          task.flow_run_id !== "" && (
            <Link
              to="/runs/$flowRunId"
              params={{ flowRunId: task.flow_run_id }}
              search={{ tab: "logs", of: task.task_run_id }}
              className="button"
            >
              Its log
            </Link>
          )
        }
      />
      <StateMessage state={task.state} />
      <Facts
        facts={{
          Task: <code>{task.task_key}</code>,
          Duration: <Elapsed from={task.started_at} until={task.ended_at} />,
          Started: <Moment at={task.started_at} />,
          Tries: task.run_count,
          Subflow:
            task.child_flow_run_id === "" ? undefined : <Named kind="flow-run" id={task.child_flow_run_id} />,
          "Flow run": task.flow_run_id === "" ? undefined : <Named kind="flow-run" id={task.flow_run_id} isFull />,
          "Cache key": task.cache_key === "" ? undefined : <code>{task.cache_key}</code>,
          Tags: task.tags.length === 0 ? undefined : <Tags tags={task.tags} />,
        }}
      />
      <div className="sections">
        <Inputs task={task} />
        {task.state?.result !== undefined && <Result result={task.state.result} />}
        <section>
          <h2>States</h2>
          <History states={states} />
        </section>
      </div>
    </>
  );
}

function Inputs({ task }: { task: TaskRun }) {
  if (task.inputs.length === 0) return null;
  return (
    <section>
      <h2>Inputs</h2>
      <ul className="inputs">
        {task.inputs.map((input, index) => (
          <li key={index}>
            {input.kind === "TASK_INPUT_KIND_ASSET" ? (
              <span>takes from</span>
            ) : input.kind === "TASK_INPUT_KIND_WAIT_FOR" || input.parameter === "" ? (
              <span>waits for</span>
            ) : (
              <code>{input.parameter}</code>
            )}
            {input.kind === "TASK_INPUT_KIND_FLOW_RUN" ? (
              <span className="resource">
                the result of the run <Named kind="flow-run" id={input.source} />
              </span>
            ) : input.kind === "TASK_INPUT_KIND_TASK_RUN" ? (
              <span className="resource">
                the result of <Named kind="task-run" id={input.source} />
              </span>
            ) : input.kind === "TASK_INPUT_KIND_WAIT_FOR" ? (
              <Named kind="task-run" id={input.source} />
            ) : input.kind === "TASK_INPUT_KIND_ASSET" ? (
              <span>the asset {input.source}</span>
            ) : (
              <span>{input.source === "" ? "a constant" : `parameter ${input.source}`}</span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
