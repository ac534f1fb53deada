import { Tabs as Kit } from "@base-ui/react/tabs";
import { useEffect, useRef, type ReactNode } from "react";
import { showSideways } from "./sideways.ts";

interface TabsProps<Key extends string> {
  tabs: readonly { key: Key; label: string; count?: number | undefined }[];
  value: Key;
  onChange: (key: Key) => void;
  /** The panel of the chosen tab. */
  children: ReactNode;
}

/** Parts of a page of which one is shown. */
export function Tabs<Key extends string>({ tabs, value, onChange, children }: TabsProps<Key>) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>('[aria-selected="true"]');
    if (list.current !== null && tab instanceof HTMLElement) showSideways(tab, list.current);
  }, [value]);
  return (
    <Kit.Root value={value} onValueChange={(next: Key) => onChange(next)}>
      <Kit.List ref={list} className="tabs">
        {tabs.map(({ key, label, count }) => (
          <Kit.Tab key={key} value={key} className="tab">
            {label}
            {count !== undefined && count > 0 && <span className="count">{count.toLocaleString()}</span>}
          </Kit.Tab>
        ))}
      </Kit.List>
      <Kit.Panel value={value} className="panel" tabIndex={-1}>
        {children}
      </Kit.Panel>
    </Kit.Root>
  );
}
