import { Popover } from "@base-ui/react/popover";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { stringifySearch, type Search } from "../api/address.ts";
import { Icon } from "../parts/Icon.tsx";
import { tell } from "../parts/toasts.ts";

const KEY = "headrace-run-views";

interface View {
  name: string;
  search: Search;
}

/** Views that are there from the start. */
const OURS: View[] = [
  { name: "Failed today", search: { state: "failed,crashed", ended: "24h" } },
  { name: "Running now", search: { state: "running,pending,cancelling,paused" } },
  { name: "Late", search: { state_name: "Late" } },
  { name: "Longer than an hour", search: { longer: "3600" } },
];

function stored(): View[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(value) ? (value as View[]) : [];
  } catch {
    return [];
  }
}

/** Filters under a name, kept by this browser; the link of a view can be given to anybody. */
export function SavedViews({ search }: { search: Search }) {
  const [views, setViews] = useState(stored);
  const [name, setName] = useState("");
  const put = (next: View[]) => {
    localStorage.setItem(KEY, JSON.stringify(next));
    setViews(next);
  };
  const isNow = (view: View) => stringifySearch(view.search) === stringifySearch(search);
  const current = [...views, ...OURS].find(isNow);
  return (
    <Popover.Root>
      <Popover.Trigger className="button" aria-label="Saved views">
        <Icon name="bookmark" />
        {current?.name ?? "Views"}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="start" collisionPadding={12} className="over">
          <Popover.Popup className="popover views" aria-label="Saved views">
            {views.map((view) => (
              <div key={view.name} className="view">
                <Link to="/runs" search={view.search} className="menu-item">
                  {view.name}
                </Link>
                <button
                  type="button"
                  className="button button-bare"
                  aria-label={`Forget the view ${view.name}`}
                  onClick={() => {
                    const before = views;
                    put(views.filter((other) => other !== view));
                    tell(`${view.name} was forgotten`, () => {
                      put(before);
                      return Promise.resolve();
                    });
                  }}
                >
                  <Icon name="close" />
                </button>
              </div>
            ))}
            {views.length > 0 && <div className="menu-line" />}
            {OURS.map((view) => (
              <Link key={view.name} to="/runs" search={view.search} className="menu-item">
                {view.name}
              </Link>
            ))}
            <div className="menu-line" />
            <form
              className="view-form"
              onSubmit={(event) => {
                event.preventDefault();
                const called = name.trim();
                if (called === "") return;
                put([...views.filter((view) => view.name !== called), { name: called, search }]);
                setName("");
                tell(`The view ${called} was saved`);
              }}
            >
              <input
                className="field"
                aria-label="Name of the view"
                placeholder="Name for this view"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
              <button type="submit" className="button">
                Save
              </button>
            </form>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
