import { layout, type LayoutRequest } from "./layout.ts";

self.onmessage = ({ data }: MessageEvent<LayoutRequest>) => {
  const answer = layout(data);
  self.postMessage(answer, { transfer: [answer.rows.buffer, answer.columns.buffer, answer.places.buffer] });
};
