import { Tabs as Kit } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

interface TabsProps<Key extends string> {
  tabs: readonly { key: Key; label: string; count?: number | undefined }[];
  value: Key;
  onChange: (key: Key) => void;
  /** The panel of the chosen tab. */
  children: ReactNode;
}

/** Parts of a page of which one is shown. */
export function Tabs<Key extends string>({ tabs, value, onChange, children }: TabsProps<Key>) {
  return (
    <Kit.Root value={value} onValueChange={(next: Key) => onChange(next)}>
      <Kit.List className="tabs">
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
