import { Dialog } from "@base-ui/react/dialog";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { Icon } from "../parts/Icon.tsx";
import { RECENT, remember, useFindings, type Finding } from "./find.ts";

/** Search over everything: type, choose with the arrows, go with Enter. */
export default function SearchDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useId();
  const box = useRef<HTMLDivElement>(null);
  const { groups, isSearching } = useFindings(text);
  const flat = useMemo(() => groups.flatMap(({ findings }) => findings), [groups]);
  const at = Math.min(chosen, Math.max(flat.length - 1, 0));
  useEffect(() => {
    box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const go = (finding: Finding) => {
    remember(finding);
    onClose();
    void navigate({ to: finding.to });
  };
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="modal search-dialog" aria-label="Search everything">
          <div className="search-head">
            <Icon name="search" />
            <input
              type="text"
              role="combobox"
              aria-label="Search everything"
              aria-expanded="true"
              aria-controls={list}
              aria-activedescendant={flat.length > 0 ? `${list}-${at}` : undefined}
              placeholder="Runs, flows, deployments, pools, blocks, pages, ids …"
              value={text}
              autoFocus
              spellCheck={false}
              onChange={(event) => {
                setText(event.target.value);
                setChosen(0);
              }}
              onKeyDown={(event) => {
                if (event.key === "ArrowDown") setChosen(Math.min(at + 1, flat.length - 1));
                else if (event.key === "ArrowUp") setChosen(Math.max(at - 1, 0));
                else if (event.key === "Enter") {
                  const finding = flat[at];
                  if (finding !== undefined) go(finding);
                } else return;
                event.preventDefault();
              }}
            />
            <kbd>Esc</kbd>
          </div>
          <div ref={box} id={list} className="search-list" role="listbox" aria-label="What was found">
            {groups.map((group) => (
              <div key={group.label} role="group" aria-label={group.label}>
                <p className="menu-label" aria-hidden="true">
                  {group.label}
                </p>
                {group.findings.map((finding) => {
                  const own = flat.indexOf(finding);
                  return (
                    <div
                      key={finding.to + finding.label}
                      id={`${list}-${own}`}
                      role="option"
                      aria-selected={own === at}
                      className="search-item"
                      onPointerMove={() => setChosen(own)}
                      onClick={() => go(finding)}
                    >
                      <Icon name={finding.icon} />
                      <span className="search-name">{finding.label}</span>
                      <span className="quiet search-note">{finding.note}</span>
                    </div>
                  );
                })}
              </div>
            ))}
          </div>
          <p className="search-foot quiet" role="status">
            {isSearching ? "Searching …" : text !== "" && flat.length === 0 ? "Nothing was found." : text === "" && RECENT.length === 0 ? "Type to search." : ""}
          </p>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
