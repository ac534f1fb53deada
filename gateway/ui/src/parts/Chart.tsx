import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface ChartSeries {
  label: string;
  /** A value for each moment; null where there is none. */
  values: (number | null)[];
  /** Name of a colour of the page, such as "completed". */
  color: string;
  kind: "line" | "bars" | "points";
}

interface ChartProps {
  /** What it shows, for those who do not see it. */
  label: string;
  /** Seconds since 1970, growing. */
  moments: number[];
  series: ChartSeries[];
  height: number;
  /** Bars stand on each other. */
  isStacked?: boolean;
  /** Writes a value on the axis and in the hint. */
  format?: (value: number) => string;
  /** Called with a span, in seconds, that somebody marked. */
  onBrush?: (from: number, until: number) => void;
  /** Called with the place of a series and of a value that somebody clicked. */
  onPick?: (series: number, index: number) => void;
}

const compact = new Intl.NumberFormat(undefined, { notation: "compact" });
const moment = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const DAY_SECONDS = 86_400;
const MINUTE_SECONDS = 60;
const SHORTEST_SPAN_SECONDS = MINUTE_SECONDS;

/** Writes a moment on the axis: the day where a day begins or steps are that long. */
function tick(at: number, step: number): string {
  const date = new Date(at * 1000);
  if (step < MINUTE_SECONDS) return second.format(date);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  return (step >= DAY_SECONDS || isMidnight ? day : hour).format(date);
}

const SHORTEST_BRUSH_PIXELS = 4;
const NEAR_PIXELS = 14;

function stackedOf(series: ChartSeries[]): (number | null)[][] {
  const sums: number[] = [];
  return series.map(({ values }) =>
    values.map((value, index) => {
      const sum = (sums[index] ?? 0) + (value ?? 0);
      sums[index] = sum;
      return value === null || value === 0 ? null : sum;
    }),
  );
}

/** Values over time on a canvas. It is drawn anew when the page's colours change. */
export default function Chart(props: ChartProps) {
  const { label, height } = props;
  const box = useRef<HTMLDivElement>(null);
  const current = useRef(props);
  useEffect(() => {
    current.current = props;
  });
  const [look, setLook] = useState(0);
  const { moments, series, isStacked = false } = props;
  useEffect(() => {
    const again = () => setLook((count) => count + 1);
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", again);
    const watcher = new MutationObserver(again);
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      scheme.removeEventListener("change", again);
      watcher.disconnect();
    };
  }, []);

  useEffect(() => {
    const place = box.current;
    if (place === null) return;
    const probe = document.createElement("span");
    place.append(probe);
    const colorOf = (name: string) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color;
    };
    const format = (value: number) => current.current.format?.(value) ?? compact.format(value);
    const hint = document.createElement("div");
    hint.className = "chart-hint";
    hint.hidden = true;
    const quiet = colorOf("quiet");
    const line = colorOf("line");
    const rows = isStacked ? stackedOf(series) : series.map(({ values }) => values);
    // Of a stack the whole is drawn first and the lowest part last.
    const drawn = series.map((one, index) => ({ one, index, values: rows[index] ?? [] }));
    if (isStacked) drawn.reverse();
    const bars = uPlot.paths.bars?.({ size: [0.86, 60], align: 1 });
    const first = moments[0] ?? 0;
    const last = moments.at(-1) ?? 1;
    const step = moments.length > 1 ? (moments[1] ?? 0) - first : 60;
    const hasBars = series.some(({ kind }) => kind === "bars");
    // What lies close together stands in the middle, under moments that can be told apart.
    const room = Math.max(0, SHORTEST_SPAN_SECONDS - (last - first)) / 2;
    const nearest: { pick: { series: number; index: number } | undefined } = { pick: undefined };

    const tell = (plot: uPlot) => {
      const { left = -1, top = -1, idx } = plot.cursor;
      nearest.pick = undefined;
      if (left < 0 || idx === null || idx === undefined) {
        hint.hidden = true;
        return;
      }
      let at = idx;
      const lines: string[] = [];
      if (series.some(({ kind }) => kind === "points")) {
        let least = NEAR_PIXELS;
        series.forEach(({ values }, which) =>
          values.forEach((value, index) => {
            if (value === null) return;
            const distance = Math.hypot(
              plot.valToPos(moments[index] ?? 0, "x") - left,
              plot.valToPos(value, "y") - top,
            );
            if (distance < least) {
              least = distance;
              nearest.pick = { series: which, index };
            }
          }),
        );
        const picked = nearest.pick as { series: number; index: number } | undefined;
        if (picked === undefined) {
          hint.hidden = true;
          plot.over.style.cursor = "";
          return;
        }
        at = picked.index;
        const near = series[picked.series];
        lines.push(`${near?.label ?? ""}: ${format(near?.values[at] ?? 0)}`);
        plot.over.style.cursor = current.current.onPick === undefined ? "" : "pointer";
      } else {
        for (const { label: name, values } of series) {
          const value = values[at];
          if (value !== null && value !== undefined && (value !== 0 || !isStacked)) lines.push(`${name}: ${format(value)}`);
        }
      }
      hint.replaceChildren(
        ...[moment.format(new Date((moments[at] ?? 0) * 1000)), ...(lines.length === 0 ? ["nothing"] : lines)].map((text) => {
          const row = document.createElement("div");
          row.textContent = text;
          return row;
        }),
      );
      hint.hidden = false;
      const isRight = left > plot.over.clientWidth / 2;
      hint.style.left = isRight ? "" : `${left + 12}px`;
      hint.style.right = isRight ? `${plot.over.clientWidth - left + 12}px` : "";
      hint.style.top = "4px";
    };

    const options: uPlot.Options = {
      width: Math.max(place.clientWidth, 80),
      height,
      legend: { show: false },
      padding: [8, 16, 0, 0],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: current.current.onBrush !== undefined, y: false, setScale: false },
      },
      scales: {
        x: { time: true, range: () => (hasBars ? [first, last + step] : [first - room, last + room]) },
        y: { range: (_, __, highest) => [0, Math.max(highest * 1.08, hasBars ? 1 : 0.001)] },
      },
      axes: [
        { stroke: quiet, grid: { show: false }, ticks: { show: false }, font: "11px system-ui, sans-serif", size: 26, space: 100, values: (_, splits, __, ___, step) => splits.map((at) => tick(at, step)) },
        {
          stroke: quiet,
          grid: { stroke: line, width: 1 },
          ticks: { show: false },
          font: "11px system-ui, sans-serif",
          // There are no labels yet when it is asked first, whatever its types say.
          size: (_, labels) => Math.max(...((labels as string[] | null) ?? []).map((text) => text.length), 3) * 6.2 + 14,
          space: 34,
          values: (_, values) => values.map((value) => (hasBars && !Number.isInteger(value) ? "" : format(value))),
        },
      ],
      series: [
        {},
        ...drawn.map(({ one }): uPlot.Series => {
          const color = colorOf(one.color);
          if (one.kind === "bars") return { stroke: color, fill: color, width: 0, paths: bars, points: { show: false } };
          if (one.kind === "points")
            return { stroke: color, paths: () => null, points: { show: true, size: 6, width: 0, fill: color, stroke: color } };
          return { stroke: color, width: 1.8, spanGaps: true, points: { show: moments.length < 40, size: 4, fill: color } };
        }),
      ],
      hooks: {
        setCursor: [tell],
        setSelect: [
          (plot) => {
            if (plot.select.width < SHORTEST_BRUSH_PIXELS) return;
            const from = plot.posToVal(plot.select.left, "x");
            const until = plot.posToVal(plot.select.left + plot.select.width, "x");
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            current.current.onBrush?.(from, until);
          },
        ],
      },
    };
    const plot = new uPlot(options, [moments, ...drawn.map(({ values }) => values)] as uPlot.AlignedData, place);
    plot.over.append(hint);
    const onClick = () => {
      const picked = nearest.pick;
      if (picked !== undefined) current.current.onPick?.(picked.series, picked.index);
    };
    plot.over.addEventListener("click", onClick);
    probe.remove();
    const sizes = new ResizeObserver(() => plot.setSize({ width: Math.max(place.clientWidth, 80), height }));
    sizes.observe(place);
    return () => {
      sizes.disconnect();
      plot.destroy();
    };
  }, [moments, series, isStacked, height, look]);

  return <div ref={box} className="chart" role="img" aria-label={label} style={{ minHeight: height }} />;
}
