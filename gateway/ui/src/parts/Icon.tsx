import type { ReactNode } from "react";

const PATHS = {
  dashboard: <path d="M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z" />,
  flows: <path d="M5 6.5h6a3 3 0 013 3v5a3 3 0 003 3h2M16.5 15l2.5 2.5-2.5 2.5M5 17.5h4" />,
  blocks: <path d="M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM16.5 13.5v6M13.5 16.5h6" />,
  variables: <path d="M8 4C5 7 5 17 8 20M16 4c3 3 3 13 0 16M9.5 9l5 6M14.5 9l-5 6" />,
  limits: <path d="M4 17a8 8 0 1116 0M12 17l4-6M4 20h16" />,
  artifacts: <path d="M5 4h14v16H5zM8 15l3-4 2.5 3 1.5-2 2 3M8.5 8h.01" />,
  assets: (
    <>
      <ellipse cx="12" cy="6" rx="7.5" ry="2.5" />
      <path d="M4.5 6v12c0 1.4 3.4 2.5 7.5 2.5s7.5-1.1 7.5-2.5V6M4.5 12c0 1.4 3.4 2.5 7.5 2.5s7.5-1.1 7.5-2.5" />
    </>
  ),
  events: <path d="M13 3L5 13.5h6L10.5 21 19 10.5h-6z" />,
  automations: <path d="M4 6h4l8 12h4M4 18h4l2-3M14 9l2-3h4M18 4l2 2-2 2M18 16l2 2-2 2" />,
  notifications: <path d="M6 16.5V11a6 6 0 0112 0v5.5l1.5 2h-15zM10 21h4" />,
  webhooks: <path d="M9.5 8.5a3.2 3.2 0 115 0M12 6.5l3.5 6.5M15 13.5a3.2 3.2 0 112.5 5.2M17.5 16H10M8.8 14.2A3.2 3.2 0 106.5 19M7 16l3.5-5.5" />,
  calendars: <path d="M4 6h16v14H4zM4 10.5h16M8.5 3.5v4M15.5 3.5v4M8 14h.01M12 14h.01M16 14h.01M8 17h.01M12 17h.01" />,
  workspaces: <path d="M3.5 8l8.5-4.5L20.5 8 12 12.5zM3.5 12l8.5 4.5 8.5-4.5M3.5 16l8.5 4.5 8.5-4.5" />,
  settings: (
    <>
      <circle cx="12" cy="12" r="3" />
      <path d="M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1" />
    </>
  ),
  menu: <path d="M4 7h16M4 12h16M4 17h16" />,
  search: (
    <>
      <circle cx="11" cy="11" r="6.5" />
      <path d="M16 16l4.5 4.5" />
    </>
  ),
  filter: <path d="M4 6h16M7 12h10M10.5 18h3" />,
  plus: <path d="M12 5v14M5 12h14" />,
  minus: <path d="M5 12h14" />,
  copy: <path d="M9 9h11v11H9zM15 9V4H4v11h5" />,
  check: <path d="M5 12.5l4.5 4.5L19 7.5" />,
  more: <path d="M5.5 12h.01M12 12h.01M18.5 12h.01" strokeWidth="2.6" />,
  up: <path d="M12 19V5M6 11l6-6 6 6" />,
  updown: <path d="M8 10l4-4.5 4 4.5M8 14l4 4.5 4-4.5" />,
  left: <path d="M14.5 5.5L8 12l6.5 6.5" />,
  right: <path d="M9.5 5.5L16 12l-6.5 6.5" />,
  trash: <path d="M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 10.5v6M13.5 10.5v6" />,
  edit: <path d="M4.5 19.5l1-4.5L16 4.5l3.5 3.5L9 18.5z" />,
  pause: <path d="M8.5 5v14M15.5 5v14" />,
  download: <path d="M12 4v11M7 10.5l5 5 5-5M5 20h14" />,
  warning: <path d="M12 4l9 16H3zM12 10v4.5M12 17.2h.01" />,
  info: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 11v5.5M12 7.8h.01" />
    </>
  ),
  clock: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 7v5l3.5 2.5" />
    </>
  ),
  compare: <path d="M8 4v16M16 4v16M3.5 8L8 4M20.5 16L16 20M12 4v.01M12 12v.01M12 20v.01" />,
  bookmark: <path d="M7 4h10v16l-5-4-5 4z" />,
  grip: <path d="M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01" strokeWidth="2.4" />,
  fit: <path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" />,
  runs: <path d="M4 6h10M4 12h16M4 18h7" />,
  deployments: <path d="M12 3l8 4.5v9L12 21l-8-4.5v-9zM12 12l8-4.5M12 12L4 7.5M12 12v9" />,
  pools: (
    <>
      <rect x="3.5" y="4" width="17" height="6.5" rx="1.5" />
      <rect x="3.5" y="13.5" width="17" height="6.5" rx="1.5" />
      <path d="M7 7.25h.01M7 16.75h.01" />
    </>
  ),
  docs: <path d="M6 3.5h8l4.5 4.5v12.5H6zM14 3.5V8h4.5M9 12.5h6M9 16h6" />,
  light: (
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4" />
    </>
  ),
  dark: <path d="M20 14.5A8.5 8.5 0 019.5 4a8.5 8.5 0 1010.5 10.5z" />,
  system: (
    <>
      <rect x="3.5" y="4.5" width="17" height="11.5" rx="1.5" />
      <path d="M9 20h6M12 16v4" />
    </>
  ),
  keyboard: (
    <>
      <rect x="2.5" y="6" width="19" height="12" rx="2" />
      <path d="M6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 14h8" />
    </>
  ),
  play: <path d="M7 4.5l12 7.5-12 7.5z" />,
  stop: <rect x="6" y="6" width="12" height="12" rx="1.5" />,
  retry: <path d="M4.5 12a7.5 7.5 0 107.5-7.5c-2.6 0-4.6 1.1-6 2.9M5.5 3.5v4h4" />,
  close: <path d="M6 6l12 12M18 6L6 18" />,
  down: <path d="M12 5v14M6 13l6 6 6-6" />,
  child: <path d="M7 4v8a4 4 0 004 4h7M14.5 12.5L18 16l-3.5 3.5" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

/** A picture beside a word; it is not read out. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {PATHS[name]}
    </svg>
  );
}
