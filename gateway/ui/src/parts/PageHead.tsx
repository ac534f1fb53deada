import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

interface PageHeadProps {
  title: string;
  /** The list that this is one of. */
  from?: { to: string; label: string };
  /** Shown behind the title, for example a state. */
  badge?: ReactNode;
  /** What can be done. */
  actions?: ReactNode;
}

/** The name of a page, the way back, and what can be done there. */
export function PageHead({ title, from, badge, actions }: PageHeadProps) {
  return (
    <>
      {from !== undefined && (
        <nav className="crumbs" aria-label="Way here">
          <Link to={from.to}>{from.label}</Link>
        </nav>
      )}
      <div className="page-head">
        <h1>{title}</h1>
        {badge}
        {actions !== undefined && <span className="actions">{actions}</span>}
      </div>
    </>
  );
}

interface FactsProps {
  /** Names and values; what is undefined is left out. */
  facts: Record<string, ReactNode>;
}

/** What there is to know, in a row. */
export function Facts({ facts }: FactsProps) {
  return (
    <dl className="facts">
      {Object.entries(facts)
        .filter(([, value]) => value !== undefined && value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** Words that something is found by. */
export function Tags({ tags }: { tags: string[] }) {
  return (
    <span className="tags">
      {tags.map((tag) => (
        <span key={tag} className="tag">
          {tag}
        </span>
      ))}
    </span>
  );
}

/** How something stands, in the look of a state. */
export function Mark({ look, label, title }: { look: string; label: string; title?: string }) {
  return (
    <span className={`state state-${look}`} title={title}>
      <span className="state-mark" aria-hidden="true" />
      {label}
    </span>
  );
}
