import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Suspense, lazy, useMemo } from "react";
import { call } from "../api/client.ts";
import type { FlowRunFilter, Input, TimeRange } from "../api/contract.gen.ts";
import { spanText } from "../api/times.ts";
import { Fault } from "../parts/Notice.tsx";
import { placesOf, seriesOf } from "./series.ts";

const Chart = lazy(() => import("../parts/Chart.tsx"));
const BUCKETS = 60;
const POINTS = 600;

interface ActivityProps {
  filter: Input<FlowRunFilter>;
  span: TimeRange;
  height?: number;
  /** Called with a span that somebody marked. */
  onBrush?: (from: number, until: number) => void;
}

/** How many runs there were over time, by state. */
export function RunHistogram({ filter, span, height = 130, onBrush }: ActivityProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ["flow-run-insight", "histogram", filter, span],
    queryFn: ({ signal }) =>
      call("GetFlowRunHistogram", { filter, span, moment: "RUN_MOMENT_EXPECTED_START", bucket_count: BUCKETS }, signal),
    placeholderData: keepPreviousData,
  });
  const buckets = data?.buckets;
  const moments = useMemo(() => (buckets ?? []).map(({ from }) => Date.parse(from ?? "") / 1000), [buckets]);
  const series = useMemo(() => seriesOf(buckets ?? []), [buckets]);
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  const total = series.map(({ label, values }) => `${values.reduce<number>((sum, value) => sum + (value ?? 0), 0)} ${label.toLowerCase()}`);
  return (
    <>
      <div style={{ minHeight: height }}>
        {buckets !== undefined && (
          <Suspense fallback={null}>
            <Chart
              label={`Runs by state over time: ${total.length === 0 ? "none" : total.join(", ")}`}
              moments={moments}
              series={series}
              height={height}
              isStacked
              onBrush={onBrush}
            />
          </Suspense>
        )}
      </div>
      <div className="legend">
        {series.map(({ label, color }) => (
          <span key={label} className={`legend-item state-${color}`}>
            {label}
          </span>
        ))}
        {series.length === 0 && buckets !== undefined && <span>No run in this time.</span>}
        {data?.capped === true && <span>There are more runs than were counted.</span>}
      </div>
    </>
  );
}

/** How long runs took over time, a point for each. */
export function RunScatter({ filter, span, height = 130, onBrush }: ActivityProps) {
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ["flow-run-insight", "scatter", filter, span],
    queryFn: ({ signal }) =>
      call("SampleFlowRuns", { filter, span, moment: "RUN_MOMENT_STARTED", max_points: POINTS }, signal),
    placeholderData: keepPreviousData,
  });
  const points = useMemo(
    () => (data?.points ?? []).filter(({ at, run_time: time }) => at !== undefined && time !== undefined)
      .sort((a, b) => Date.parse(a.at ?? "") - Date.parse(b.at ?? "")),
    [data],
  );
  const { moments, series } = useMemo(() => placesOf(points), [points]);
  if (error !== null) return <Fault error={error} onRetry={() => void refetch()} />;
  return (
    <>
      <div style={{ minHeight: height }}>
        {moments.length > 0 && (
          <Suspense fallback={null}>
            <Chart
              label={`Duration of ${moments.length} runs over time`}
              moments={moments}
              series={series}
              height={height}
              format={spanText}
              onBrush={onBrush}
              onPick={(_, index) => {
                const point = points[index];
                if (point !== undefined)
                  void navigate({ to: "/runs/$flowRunId", params: { flowRunId: point.flow_run_id } });
              }}
            />
          </Suspense>
        )}
      </div>
      <div className="legend">
        {moments.length === 0 && data !== undefined ? (
          <span>No run that started in this time.</span>
        ) : (
          data !== undefined &&
          Number(data.run_count) > moments.length && <span>{`${moments.length.toLocaleString()} of ${Number(data.run_count).toLocaleString()}${data.capped ? " or more" : ""} runs, evenly picked`}</span>
        )}
      </div>
    </>
  );
}
