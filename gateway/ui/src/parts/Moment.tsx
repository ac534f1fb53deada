import { momentText, spanText, useNow, utcText, zoneText } from "../api/times.ts";

/** A moment in the viewer's zone, with UTC on hover. */
export function Moment({ at }: { at: string | undefined }) {
  if (at === undefined) return <span className="quiet none">–</span>;
  return (
    <time dateTime={at} title={`${zoneText(at)}\n${utcText(at)}`}>
      {momentText(at)}
    </time>
  );
}

interface ElapsedProps {
  from: string | undefined;
  until?: string | undefined;
}

/** How long something took, or takes until now if it has no end yet. */
export function Elapsed({ from, until }: ElapsedProps) {
  const now = useNow(from !== undefined && until === undefined);
  if (from === undefined) return <span className="quiet none">–</span>;
  const end = until === undefined ? now : Date.parse(until);
  return <span className="number">{spanText((end - Date.parse(from)) / 1000)}</span>;
}
