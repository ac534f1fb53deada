// The layout of a flow run, made by a worker so that the page stays quick.

import { useEffect, useRef, useState } from "react";
import type { TaskRun } from "../../api/contract.gen.ts";
import type { LayoutAnswer, LayoutRequest } from "./layout.ts";
import { facts, type Scene } from "./scene.ts";

const REST_MILLISECONDS = 200;

/** Returns the newest layout that is ready; undefined before the first. */
export function useLayout(tasks: TaskRun[]): Scene | undefined {
  const [scene, setScene] = useState<Scene>();
  const state = useRef({
    worker: undefined as Worker | undefined,
    round: 0,
    wanted: undefined as TaskRun[] | undefined,
    asked: undefined as Omit<Scene, "layout"> | undefined,
    timer: undefined as ReturnType<typeof setTimeout> | undefined,
  });
  useEffect(() => {
    const own = state.current;
    const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
    own.worker = worker;
    const ask = () => {
      if (own.wanted === undefined || own.asked !== undefined) return;
      const asked = facts(own.wanted);
      own.wanted = undefined;
      own.asked = asked;
      own.round += 1;
      const { starts, ends, offsets, parents } = asked;
      const request: LayoutRequest = { round: own.round, starts, ends, offsets, parents, now: Date.now() };
      worker.postMessage(request);
    };
    worker.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      const asked = own.asked;
      own.asked = undefined;
      if (asked !== undefined) setScene({ ...asked, layout: data });
      // While it is running there is always a newer one to come; it need not be drawn for each.
      own.timer = setTimeout(ask, REST_MILLISECONDS);
    };
    ask();
    return () => {
      clearTimeout(own.timer);
      worker.terminate();
      Object.assign(own, { worker: undefined, wanted: undefined, asked: undefined });
    };
  }, []);
  useEffect(() => {
    const own = state.current;
    own.wanted = tasks;
    if (own.asked !== undefined || own.worker === undefined) return;
    const asked = facts(tasks);
    own.wanted = undefined;
    own.asked = asked;
    own.round += 1;
    const { starts, ends, offsets, parents } = asked;
    own.worker.postMessage({ round: own.round, starts, ends, offsets, parents, now: Date.now() } satisfies LayoutRequest);
  }, [tasks]);
  return scene;
}
