// Draws a flow run on a canvas: only what is seen, states one after the other, few changes of colour.

import { lookOf } from "../../api/states.ts";
import { spanText } from "../../api/times.ts";
import type { Attempt } from "./attempts.ts";
import type { Scene } from "./scene.ts";

export type Mode = "timeline" | "graph";

/** Where the window onto the drawing is. */
export interface View {
  x: number;
  y: number;
  scaleX: number;
  scaleY: number;
}

export interface Palette {
  ground: string;
  line: string;
  text: string;
  quiet: string;
  accent: string;
  /** By key of the state. */
  states: Record<string, string>;
}

export interface Painted {
  scene: Scene;
  mode: Mode;
  view: View;
  width: number;
  height: number;
  palette: Palette;
  now: number;
  /** When the flow run began. */
  origin: number;
  selected: number;
  hovered: number;
  /** The tries of those that were tried more than once, by place. */
  attempts: Map<number, Attempt[]>;
}

export const AXIS_PIXELS = 24;
export const NODE_WIDTH = 168;
export const NODE_HEIGHT = 26;
export const COLUMN_PIXELS = 232;
export const PLACE_PIXELS = 36;
const MOST_LINES = 3_000;
const TEXT_FROM_PIXELS = 12;

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Returns where one is on the canvas. */
export function boxOf({ scene, mode, view, now, origin }: Painted, index: number): Box {
  const { layout, starts, ends } = scene;
  if (mode === "graph") {
    return {
      left: (layout.columns[index] ?? 0) * COLUMN_PIXELS * view.scaleX + view.x,
      top: (layout.places[index] ?? 0) * PLACE_PIXELS * view.scaleY + view.y,
      width: NODE_WIDTH * view.scaleX,
      height: NODE_HEIGHT * view.scaleY,
    };
  }
  const started = starts[index] ?? Number.NaN;
  const ended = ends[index] ?? Number.NaN;
  const start = (Number.isNaN(started) ? now : started) - origin;
  const end = (Number.isNaN(ended) ? now : ended) - origin;
  const height = view.scaleY;
  const gap = height > 8 ? 3 : height > 4 ? 1 : 0;
  return {
    left: start * view.scaleX + view.x,
    top: (layout.rows[index] ?? 0) * height + view.y + gap,
    width: Math.max((end - start) * view.scaleX, 2),
    height: Math.max(height - 2 * gap, 1),
  };
}

function isSeen(box: Box, { width, height }: Painted): boolean {
  return box.left < width && box.left + box.width > 0 && box.top < height && box.top + box.height > 0;
}

/** Returns the topmost one at a place of the canvas; -1: none. */
export function hit(painted: Painted, x: number, y: number): number {
  const reach = 3;
  for (let index = painted.scene.tasks.length - 1; index >= 0; index--) {
    const box = boxOf(painted, index);
    if (x >= box.left - reach && x <= box.left + box.width + reach && y >= box.top && y <= box.top + box.height) return index;
  }
  return -1;
}

/** Returns the view in which everything is seen. */
export function fit(scene: Scene, mode: Mode, width: number, height: number, span: number): View {
  const { layout } = scene;
  if (mode === "graph") {
    const wide = (layout.columnCount - 1) * COLUMN_PIXELS + NODE_WIDTH;
    const tall = Math.max(layout.tallest, 1) * PLACE_PIXELS;
    const scale = Math.min(1, (width - 48) / wide, (height - 40) / tall);
    return { x: Math.max(24, (width - wide * scale) / 2), y: height / 2 - (NODE_HEIGHT * scale) / 2, scaleX: scale, scaleY: scale };
  }
  const scaleY = Math.min(30, Math.max(3, (height - AXIS_PIXELS - 16) / Math.max(layout.rowCount, 1)));
  return { x: 12, y: AXIS_PIXELS + 6, scaleX: (width - 24) / Math.max(span, 1), scaleY };
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5];

function paintAxis(context: CanvasRenderingContext2D, painted: Painted): void {
  const { view, width, height, palette } = painted;
  const step = STEPS.find((one) => one * view.scaleX >= 90) ?? 864e5 * Math.ceil(90 / (864e5 * view.scaleX));
  context.fillStyle = palette.ground;
  context.fillRect(0, 0, width, AXIS_PIXELS);
  context.strokeStyle = palette.line;
  context.fillStyle = palette.quiet;
  context.lineWidth = 1;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.beginPath();
  for (let at = Math.max(0, Math.floor(-view.x / view.scaleX / step) * step); ; at += step) {
    const x = Math.round(at * view.scaleX + view.x) + 0.5;
    if (x > width) break;
    if (x < 0) continue;
    context.moveTo(x, AXIS_PIXELS);
    context.lineTo(x, height);
    const label = at === 0 ? "0" : spanText(at / 1000);
    if (x + 3 + context.measureText(label).width < width) context.fillText(label, x + 3, AXIS_PIXELS / 2);
  }
  context.stroke();
}

function paintLines(context: CanvasRenderingContext2D, painted: Painted, seen: number[]): void {
  const { scene, mode, palette, selected, hovered } = painted;
  const { offsets, parents } = scene;
  const line = (from: number, to: number) => {
    const a = boxOf(painted, from);
    const b = boxOf(painted, to);
    const [x1, y1, x2, y2] = [a.left + a.width, a.top + a.height / 2, b.left, b.top + b.height / 2];
    const bend = mode === "graph" ? (x2 - x1) / 2 : Math.max(10, Math.min(40, Math.abs(x2 - x1) / 2));
    context.moveTo(x1, y1);
    context.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2, y2);
  };
  if (mode === "graph") {
    let count = 0;
    for (const index of seen) count += (offsets[index + 1] ?? 0) - (offsets[index] ?? 0);
    if (count <= MOST_LINES) {
      context.strokeStyle = palette.quiet;
      context.globalAlpha = 0.5;
      context.lineWidth = 1.2;
      context.beginPath();
      for (const index of seen)
        for (let at = offsets[index] ?? 0; at < (offsets[index + 1] ?? 0); at++) line(parents[at] ?? 0, index);
      context.stroke();
      context.globalAlpha = 1;
    }
  }
  const marked = selected >= 0 ? selected : hovered;
  if (marked < 0) return;
  context.strokeStyle = palette.accent;
  context.lineWidth = 1.6;
  context.beginPath();
  for (let at = offsets[marked] ?? 0; at < (offsets[marked + 1] ?? 0); at++) line(parents[at] ?? 0, marked);
  for (let index = 0; index < scene.tasks.length; index++)
    for (let at = offsets[index] ?? 0; at < (offsets[index + 1] ?? 0); at++)
      if (parents[at] === marked) line(marked, index);
  context.stroke();
}

function cut(text: string, width: number): string {
  // A letter is about this wide: measuring each would take longer than drawing it.
  const most = Math.floor(width / 6.4);
  if (text.length <= most) return text;
  return most < 3 ? "" : `${text.slice(0, most - 1)}…`;
}

function paintNames(context: CanvasRenderingContext2D, painted: Painted, seen: number[]): void {
  const { scene, mode, palette } = painted;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = palette.text;
  for (const index of seen) {
    const box = boxOf(painted, index);
    const name = scene.tasks[index]?.name ?? "";
    const y = box.top + box.height / 2 + 0.5;
    if (mode === "graph") {
      const text = cut(name, box.width - 26);
      if (text !== "") context.fillText(text, box.left + 20, y);
    } else {
      // Beside the bar there is room for the name where each has a row of its own.
      const isShared = scene.layout.rowCount < scene.tasks.length;
      const left = Math.max(box.left, 0);
      const inside = box.left + box.width - left - 8;
      if (isShared) {
        const text = cut(name, inside);
        if (text !== "") context.fillText(text, left + 5, y);
      } else if (box.left + box.width + 8 + name.length * 6.4 < painted.width || inside < name.length * 6.4) {
        const after = box.left + box.width + 6;
        if (after + name.length * 6.4 < painted.width) context.fillText(name, Math.max(after, 4), y);
        else context.fillText(cut(name, box.left - 8), Math.max(4, box.left - 6 - Math.min(name.length, Math.floor((box.left - 8) / 6.4)) * 6.4), y);
      } else context.fillText(cut(name, inside), left + 5, y);
    }
  }
}

/** Draws everything anew. */
export function paint(context: CanvasRenderingContext2D, painted: Painted): void {
  const { scene, mode, width, height, palette, selected, hovered, attempts } = painted;
  context.clearRect(0, 0, width, height);
  const seen: number[] = [];
  const byState = new Map<string, number[]>();
  for (let index = 0; index < scene.tasks.length; index++) {
    if (!isSeen(boxOf(painted, index), painted)) continue;
    seen.push(index);
    const { key } = lookOf(scene.tasks[index]?.state?.type);
    const group = byState.get(key);
    if (group === undefined) byState.set(key, [index]);
    else group.push(index);
  }
  const isLarge = boxOf(painted, 0).height >= TEXT_FROM_PIXELS;
  if (mode === "timeline") paintAxis(context, painted);
  if (mode === "graph") paintLines(context, painted, seen);
  context.save();
  if (mode === "timeline") {
    context.beginPath();
    context.rect(0, AXIS_PIXELS, width, height - AXIS_PIXELS);
    context.clip();
  }
  for (const [key, group] of byState) {
    const color = palette.states[key] ?? palette.quiet;
    context.fillStyle = color;
    if (mode === "graph" && isLarge) {
      for (const index of group) {
        const box = boxOf(painted, index);
        context.globalAlpha = 0.14;
        context.fillRect(box.left, box.top, box.width, box.height);
        context.globalAlpha = 1;
        context.fillRect(box.left, box.top, 3, box.height);
        context.beginPath();
        context.arc(box.left + 11, box.top + box.height / 2, 3.4, 0, Math.PI * 2);
        context.fill();
      }
      continue;
    }
    context.globalAlpha = isLarge ? 0.72 : 0.9;
    for (const index of group) {
      const tries = attempts.get(index);
      const box = boxOf(painted, index);
      if (tries === undefined || mode === "graph") {
        context.fillRect(box.left, box.top, box.width, box.height);
        continue;
      }
      for (const { from, until, key: tried } of tries) {
        context.fillStyle = palette.states[tried] ?? palette.quiet;
        const left = (from - painted.origin) * painted.view.scaleX + painted.view.x;
        context.fillRect(left, box.top, Math.max((until - from) * painted.view.scaleX, 2), box.height);
      }
      context.fillStyle = color;
    }
    context.globalAlpha = 1;
  }
  if (mode === "timeline") paintLines(context, painted, seen);
  for (const index of [hovered, selected]) {
    if (index < 0 || index >= scene.tasks.length) continue;
    const box = boxOf(painted, index);
    context.strokeStyle = palette.accent;
    context.lineWidth = 2;
    context.strokeRect(box.left - 1.5, box.top - 1.5, box.width + 3, box.height + 3);
  }
  if (isLarge) paintNames(context, painted, seen);
  context.restore();
}
