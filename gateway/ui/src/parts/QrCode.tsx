import encodeQR from "qr";
import { useMemo } from "react";

/** Light modules around a code, which readers need to find it. */
const MARGIN = 4;

/** Text as a QR code, drawn by this page: nobody else is told. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { size, dark } = useMemo(() => {
    const rows = encodeQR(text, "raw", { ecc: "medium", border: MARGIN });
    const squares = rows.map((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : "")).join(""));
    return { size: rows.length, dark: squares.join("") };
  }, [text]);
  // Black on white in every theme: many readers find nothing else.
  return (
    <svg className="qr" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges">
      <path fill="#fff" d={`M0 0h${size}v${size}h-${size}z`} />
      <path fill="#000" d={dark} />
    </svg>
  );
}
