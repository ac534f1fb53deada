import { call } from "../api/client.ts";
import type { Session } from "../api/contract.gen.ts";
import { usePaged } from "../api/paged.ts";
import { Icon } from "../parts/Icon.tsx";
import { Listing } from "../parts/Listing.tsx";
import { Moment } from "../parts/Moment.tsx";
import { useChange } from "../parts/useChange.ts";

const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
];

/** Returns a browser in a word. */
function browserOf({ user_agent: agent }: Session): string {
  const found = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1];
  return found ?? (agent === "" ? "A browser" : agent.slice(0, 60));
}

function leave(): void {
  window.location.assign("/sign-in");
}

/** Where one is signed in. */
export function Sessions() {
  const list = usePaged("ListSessions", "sessions", {}, (page) => page.sessions);
  const end = useChange({
    run: (session: Session) => call("DeleteSession", { session_id: session.session_id }),
    changes: ["sessions"],
    done: "It is signed out",
    failed: "It could not be signed out",
  });
  const out = useChange({
    run: (everywhere: boolean) => call("SignOut", { everywhere }),
    changes: [],
    failed: "You could not be signed out",
    onDone: leave,
  });
  return (
    <section>
      <div className="panel-head">
        <h2>Where you are signed in</h2>
        <button type="button" className="button" disabled={out.isPending} onClick={() => out.mutate(false)}>
          Sign out
        </button>
        <button type="button" className="button" disabled={out.isPending} onClick={() => out.mutate(true)}>
          Sign out everywhere
        </button>
      </div>
      <Listing list={list} what="sessions" empty={<p className="quiet">In no browser: this call came with a key.</p>}>
        {(sessions) => (
          <ul className="rows" aria-label="Sessions">
            {sessions.map((session) => (
              <li key={session.session_id}>
                <span className="version-text">
                  <strong title={session.user_agent}>{browserOf(session)}</strong>
                  <span className="quiet">
                    {`${session.address} · ${session.provider === "" ? "password" : session.provider} · since `}
                    <Moment at={session.created_at} />
                  </span>
                </span>
                <span className="quiet">
                  last used <Moment at={session.last_used_at} />
                </span>
                {session.current ? (
                  <span className="tag">this one</span>
                ) : (
                  <span className="actions">
                    <button type="button" className="button" disabled={end.isPending} onClick={() => end.mutate(session)}>
                      <Icon name="close" />
                      Sign it out
                    </button>
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
      </Listing>
    </section>
  );
}
