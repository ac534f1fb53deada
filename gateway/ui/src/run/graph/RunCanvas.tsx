import { useQueries } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from "react";
import { call } from "../../api/client.ts";
import type { FlowRun, TaskRun } from "../../api/contract.gen.ts";
import { STATE_TYPES, isFinal, lookOf } from "../../api/states.ts";
import { spanText } from "../../api/times.ts";
import { Icon } from "../../parts/Icon.tsx";
import { attemptsOf, type Attempt } from "./attempts.ts";
import { AXIS_PIXELS, fit, hit, paint, type Mode, type Painted, type Palette, type View } from "./paint.ts";
import { useLayout } from "./useLayout.ts";

const LIVE_MILLISECONDS = 250;
const ZOOM_STEP = 1.25;
const PAN_PIXELS = 60;
const CLICK_PIXELS = 4;
const MOST_WITH_ATTEMPTS = 40;
const ROW_PIXELS = 30;
const LEAST_PIXELS = 220;

function paletteOf(element: HTMLElement): Palette {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const states = Object.fromEntries(
    STATE_TYPES.map((type) => {
      const { key } = lookOf(type);
      return [key, color(key === "cancelling" ? "cancelled" : key)];
    }),
  );
  const palette = {
    ground: color("surface"),
    line: color("line"),
    text: color("text"),
    quiet: color("quiet"),
    accent: color("accent"),
    states,
  };
  probe.remove();
  return palette;
}

function useAttempts(tasks: TaskRun[]): Map<string, Attempt[]> {
  const tried = useMemo(() => tasks.filter((task) => task.run_count > 1).slice(0, MOST_WITH_ATTEMPTS), [tasks]);
  return useQueries({
    queries: tried.map((task) => ({
      queryKey: ["task-run-states", task.task_run_id, task.state?.state_id],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call("ListTaskRunStates", { task_run_id: task.task_run_id, page_size: 200 }, signal),
    })),
    combine: (results) =>
      new Map(
        results.flatMap(({ data }, index) => {
          const task = tried[index];
          return data === undefined || task === undefined ? [] : [[task.task_run_id, attemptsOf(data.states)] as const];
        }),
      ),
  });
}

interface RunCanvasProps {
  run: FlowRun;
  tasks: TaskRun[];
  mode: Mode;
  onMode: (mode: Mode) => void;
  /** Id of the task run that is looked at. */
  selected: string | undefined;
  onSelect: (taskRunId: string | undefined) => void;
}

/** The task runs over time, or by what they depend on, on one canvas. The list of task runs tells the same in words. */
export function RunCanvas({ run, tasks, mode, onMode, selected, onSelect }: RunCanvasProps) {
  const scene = useLayout(tasks);
  const attempts = useAttempts(tasks);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hint, setHint] = useState<{ index: number; x: number; y: number }>();
  const state = useRef({
    view: undefined as View | undefined,
    /** Nobody has moved it: what is new has to be seen, too. */
    isFitted: true,
    palette: undefined as Palette | undefined,
    width: 0,
    height: 0,
    hovered: -1,
    request: 0,
    pointers: new Map<number, { x: number; y: number }>(),
    moved: 0,
  });
  const isLive = !isFinal(run.state);
  const origin = Date.parse(run.started_at ?? tasks[0]?.created_at ?? run.created_at ?? "");
  const selectedAt = useMemo(
    () => (scene === undefined || selected === undefined ? -1 : scene.tasks.findIndex((task) => task.task_run_id === selected)),
    [scene, selected],
  );
  const byPlace = useMemo(() => {
    const found = new Map<number, Attempt[]>();
    if (attempts.size > 0)
      scene?.tasks.forEach((task, index) => {
        const own = attempts.get(task.task_run_id);
        if (own !== undefined && own.length > 0) found.set(index, own);
      });
    return found;
  }, [scene, attempts]);

  const painted = useCallback((): Painted | undefined => {
    const own = state.current;
    if (scene === undefined || own.palette === undefined || own.width === 0) return undefined;
    const now = isLive ? Date.now() : Date.parse(run.ended_at ?? "") || Date.now();
    if (own.view === undefined || own.isFitted) {
      const last = scene.ends.reduce((latest, end) => (end > latest ? end : latest), isLive ? now : 0);
      own.view = fit(scene, mode, own.width, own.height, Math.max(last, Date.parse(run.ended_at ?? "") || 0) - origin);
    }
    return {
      scene,
      mode,
      view: own.view,
      width: own.width,
      height: own.height,
      palette: own.palette,
      now,
      origin,
      selected: selectedAt,
      hovered: own.hovered,
      attempts: byPlace,
    };
  }, [scene, mode, isLive, run.ended_at, origin, selectedAt, byPlace]);

  const draw = useCallback(() => {
    const own = state.current;
    if (own.request !== 0) return;
    own.request = requestAnimationFrame(() => {
      own.request = 0;
      const what = painted();
      const context = canvas.current?.getContext("2d", { alpha: true });
      if (what === undefined || context === null || context === undefined) return;
      const ratio = window.devicePixelRatio || 1;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      paint(context, what);
    });
  }, [painted]);

  useEffect(() => {
    const own = state.current;
    draw();
    return () => {
      cancelAnimationFrame(own.request);
      own.request = 0;
    };
  }, [draw]);
  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(draw, LIVE_MILLISECONDS);
    return () => clearInterval(timer);
  }, [isLive, draw]);

  useEffect(() => {
    const box = frame.current;
    const own = state.current;
    if (box === null) return;
    const look = () => {
      own.palette = paletteOf(box);
      draw();
    };
    look();
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", look);
    const watcher = new MutationObserver(look);
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const sizes = new ResizeObserver(() => {
      const ratio = window.devicePixelRatio || 1;
      own.width = box.clientWidth;
      own.height = box.clientHeight;
      if (canvas.current !== null) {
        canvas.current.width = Math.round(own.width * ratio);
        canvas.current.height = Math.round(own.height * ratio);
      }
      draw();
    });
    sizes.observe(box);
    return () => {
      scheme.removeEventListener("change", look);
      watcher.disconnect();
      sizes.disconnect();
    };
  }, [draw]);

  const zoom = useCallback(
    (factor: number, x: number, y: number) => {
      const own = state.current;
      if (own.view === undefined) return;
      own.isFitted = false;
      const { view } = own;
      const both = mode === "graph";
      const scaleX = Math.min(Math.max(view.scaleX * factor, both ? 0.02 : 1e-7), both ? 3 : 50);
      const scaleY = both ? scaleX : view.scaleY;
      own.view = {
        scaleX,
        scaleY,
        x: x - ((x - view.x) * scaleX) / view.scaleX,
        y: both ? y - ((y - view.y) * scaleY) / view.scaleY : view.y,
      };
      draw();
    },
    [mode, draw],
  );
  const pan = useCallback(
    (x: number, y: number) => {
      const own = state.current;
      if (own.view === undefined) return;
      own.isFitted = false;
      own.view = { ...own.view, x: own.view.x + x, y: own.view.y + y };
      draw();
    },
    [draw],
  );
  const fitAll = useCallback(() => {
    state.current.isFitted = true;
    draw();
  }, [draw]);
  useEffect(() => {
    // Another drawing is seen whole at first.
    state.current.isFitted = true;
    draw();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [mode]);

  // React's own handler is passive, and could not keep the page from scrolling.
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      const isZoom = event.ctrlKey || event.metaKey;
      // The page scrolls on unless somebody has gone into the drawing.
      if (!isZoom && document.activeElement !== element) return;
      event.preventDefault();
      if (isZoom || !event.shiftKey) zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
      else pan(-event.deltaX || -event.deltaY, 0);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [zoom, pan]);

  const place = (event: PointerEvent<HTMLCanvasElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const onPointerMove = (event: PointerEvent<HTMLCanvasElement>) => {
    const own = state.current;
    const at = place(event);
    const before = own.pointers.get(event.pointerId);
    if (before === undefined) {
      const what = painted();
      const index = what === undefined ? -1 : hit(what, at.x, at.y);
      if (index !== own.hovered) {
        own.hovered = index;
        draw();
      }
      setHint(index < 0 ? undefined : { index, x: Math.min(at.x + 14, Math.max(own.width - 230, 0)), y: at.y + 14 });
      return;
    }
    const others = [...own.pointers].filter(([id]) => id !== event.pointerId);
    own.pointers.set(event.pointerId, at);
    own.moved += Math.abs(at.x - before.x) + Math.abs(at.y - before.y);
    const other = others[0]?.[1];
    if (other === undefined) {
      pan(at.x - before.x, at.y - before.y);
      return;
    }
    const [was, is] = [Math.hypot(before.x - other.x, before.y - other.y), Math.hypot(at.x - other.x, at.y - other.y)];
    if (was > 0) zoom(is / was, (at.x + other.x) / 2, (at.y + other.y) / 2);
  };
  const onPointerUp = (event: PointerEvent<HTMLCanvasElement>) => {
    const own = state.current;
    own.pointers.delete(event.pointerId);
    if (own.moved > CLICK_PIXELS) return;
    const what = painted();
    const at = place(event);
    const index = what === undefined ? -1 : hit(what, at.x, at.y);
    onSelect(index < 0 ? undefined : scene?.tasks[index]?.task_run_id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const own = state.current;
    const middle = [own.width / 2, own.height / 2] as const;
    const deeds: Record<string, () => void> = {
      ArrowLeft: () => pan(PAN_PIXELS, 0),
      ArrowRight: () => pan(-PAN_PIXELS, 0),
      ArrowUp: () => pan(0, PAN_PIXELS),
      ArrowDown: () => pan(0, -PAN_PIXELS),
      "+": () => zoom(ZOOM_STEP, ...middle),
      "=": () => zoom(ZOOM_STEP, ...middle),
      "-": () => zoom(1 / ZOOM_STEP, ...middle),
      "0": fitAll,
    };
    const deed = deeds[event.key];
    if (deed === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    deed();
  };
  const hinted = hint === undefined ? undefined : scene?.tasks[hint.index];
  const tallest = Math.max(LEAST_PIXELS, (scene?.layout.rowCount ?? tasks.length) * ROW_PIXELS + AXIS_PIXELS + 24);
  const middle = () => [state.current.width / 2, state.current.height / 2] as const;
  return (
    <div className="run-canvas">
      <div className="canvas-head">
        <div className="segments" role="group" aria-label="How it is drawn">
          <button type="button" aria-pressed={mode === "timeline"} onClick={() => onMode("timeline")}>
            Timeline
          </button>
          <button type="button" aria-pressed={mode === "graph"} onClick={() => onMode("graph")}>
            Dependencies
          </button>
        </div>
        <span className="canvas-tools">
          <button type="button" className="button button-bare" aria-label="Closer" title="Closer (+)" onClick={() => zoom(ZOOM_STEP, ...middle())}>
            <Icon name="plus" />
          </button>
          <button type="button" className="button button-bare" aria-label="Farther" title="Farther (-)" onClick={() => zoom(1 / ZOOM_STEP, ...middle())}>
            <Icon name="minus" />
          </button>
          <button type="button" className="button button-bare" aria-label="Show everything" title="Show everything (0)" onClick={fitAll}>
            <Icon name="fit" />
          </button>
        </span>
      </div>
      <div ref={frame} className="canvas-frame" style={{ maxHeight: mode === "timeline" ? tallest : undefined }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="img"
          aria-label={`${mode === "timeline" ? "Timeline" : "Dependencies"} of ${tasks.length} task runs. Arrows move it, plus and minus zoom; the tab Tasks lists the same.`}
          data-drawn={scene?.tasks.length ?? 0}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            state.current.pointers.set(event.pointerId, place(event));
            state.current.moved = 0;
            setHint(undefined);
          }}
          onPointerMove={onPointerMove}
          onPointerUp={onPointerUp}
          onPointerCancel={(event) => state.current.pointers.delete(event.pointerId)}
          onPointerLeave={() => {
            state.current.hovered = -1;
            setHint(undefined);
            draw();
          }}
          onKeyDown={onKeyDown}
        />
        {hint !== undefined && hinted !== undefined && (
          <div className="canvas-hint" style={{ left: hint.x, top: hint.y }}>
            <strong>{hinted.name}</strong>
            <span className="quiet">{hintText(hinted)}</span>
          </div>
        )}
      </div>
    </div>
  );
}

function hintText(task: TaskRun): string {
  const state = task.state === undefined || task.state.name === "" ? lookOf(task.state?.type).label : task.state.name;
  if (task.started_at === undefined) return state;
  const end = task.ended_at === undefined ? Date.now() : Date.parse(task.ended_at);
  const tries = task.run_count > 1 ? `, ${task.run_count} tries` : "";
  return `${state}, ${spanText((end - Date.parse(task.started_at)) / 1000)}${tries}`;
}
