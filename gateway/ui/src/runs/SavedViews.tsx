import { Popover } from "@base-ui/react/popover";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { stringifySearch, type Search } from "../api/address.ts";
import { CheckField } from "../parts/Fields.tsx";
import { Icon } from "../parts/Icon.tsx";
import { tell, tellFault } from "../parts/toasts.ts";
import { OURS, useViews, type View } from "./views.ts";

interface SavedViewsProps {
  search: Search;
  /** Whether the page has what is more urgent. */
  isReady: boolean;
}

/** Filters under a name; the link of a view can be given to anybody. */
export function SavedViews({ search, isReady }: SavedViewsProps) {
  const { shared, own, canShare, keep, forget } = useViews(isReady);
  const [name, setName] = useState("");
  const [isShared, setShared] = useState(true);
  const isNow = (view: View) => stringifySearch(view.search) === stringifySearch(search);
  const current = [...shared, ...own, ...OURS].find(isNow);
  const save = async () => {
    const called = name.trim();
    if (called === "") return;
    try {
      await keep({ name: called, search }, canShare && isShared);
      setName("");
      tell(`The view ${called} was saved`);
    } catch (error) {
      tellFault("The view could not be saved", error);
    }
  };
  const drop = async (view: View) => {
    try {
      await forget(view);
      tell(`${view.name} was forgotten`, () => keep(view, view.variable !== undefined));
    } catch (error) {
      tellFault("The view could not be forgotten", error);
    }
  };
  return (
    <Popover.Root>
      <Popover.Trigger className="button" aria-label="Saved views">
        <Icon name="bookmark" />
        <span className="clipped">{current?.name ?? "Views"}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="start" collisionPadding={12} className="over">
          <Popover.Popup className="popover views" aria-label="Saved views">
            <Group label="Of everybody here" views={shared} isNow={isNow} onForget={canShare ? drop : undefined} />
            <Group label="In this browser" views={own} isNow={isNow} onForget={drop} />
            <Group label="Always there" views={OURS} isNow={isNow} />
            <div className="menu-line" />
            <form
              className="view-form"
              onSubmit={(event) => {
                event.preventDefault();
                void save();
              }}
            >
              <div className="view-name">
                <input
                  className="field"
                  aria-label="Name of the view"
                  placeholder="Name for this view"
                  value={name}
                  onChange={(event) => setName(event.target.value)}
                />
                <button type="submit" className="button" disabled={name.trim() === ""}>
                  Save
                </button>
              </div>
              {canShare && <CheckField label="Everybody here sees it" isChecked={isShared} onChange={setShared} />}
            </form>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

interface GroupProps {
  label: string;
  views: readonly View[];
  isNow: (view: View) => boolean;
  onForget?: ((view: View) => Promise<void>) | undefined;
}

function Group({ label, views, isNow, onForget }: GroupProps) {
  if (views.length === 0) return null;
  return (
    <div role="group" aria-label={label}>
      <p className="menu-label">{label}</p>
      {views.map((view) => (
        <div key={view.variable ?? view.name} className="view">
          <Link to="/runs" search={view.search} className="menu-item" aria-current={isNow(view) ? "true" : undefined}>
            {view.name}
          </Link>
          {onForget !== undefined && (
            <button
              type="button"
              className="button button-bare"
              aria-label={`Forget the view ${view.name}`}
              onClick={() => void onForget(view)}
            >
              <Icon name="close" />
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
