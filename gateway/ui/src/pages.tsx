// The modules of pages, each loaded when somebody goes there: <folder>/<Name>Page.tsx, with a component of that name.

import { lazyRouteComponent, type RouteComponent } from "@tanstack/react-router";
import type { FunctionComponent } from "react";
import { Empty } from "./parts/Notice.tsx";

const modules = import.meta.glob<Record<string, FunctionComponent>>("./*/*Page.tsx");

export function hasPage(path: string): boolean {
  return modules[`./${path}.tsx`] !== undefined;
}

/** Returns the page of a module. */
export function page(path: string): RouteComponent {
  const load = modules[`./${path}.tsx`];
  if (load === undefined) return () => <Empty title="There is no such page" />;
  return lazyRouteComponent(load, path.slice(path.lastIndexOf("/") + 1));
}
