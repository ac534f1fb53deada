// What a way between pages does beside showing another one: the name of the tab, and where the keyboard is.

import { useEffect, useRef } from "react";

const NAME = "Headrace";

/** Names the tab of the browser after the heading of the page, whenever it comes. */
function watchHeading(main: HTMLElement): () => void {
  let frame = 0;
  const name = () => {
    frame = 0;
    const heading = main.querySelector("h1")?.textContent ?? "";
    const title = heading === "" ? NAME : `${heading} · ${NAME}`;
    if (document.title !== title) document.title = title;
  };
  const watcher = new MutationObserver(() => {
    if (frame === 0) frame = requestAnimationFrame(name);
  });
  watcher.observe(main, { childList: true, subtree: true, characterData: true });
  name();
  return () => {
    watcher.disconnect();
    cancelAnimationFrame(frame);
  };
}

/**
 * Follows the way of somebody between pages.
 *
 * @param path The page that is shown.
 */
export function useWay(path: string): void {
  useEffect(() => {
    const main = document.getElementById("main");
    return main === null ? undefined : watchHeading(main);
  }, []);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    // What had the keyboard went with its page: it goes on at the content of the next one.
    if (document.activeElement === null || document.activeElement === document.body)
      document.getElementById("main")?.focus({ preventScroll: true });
  }, [path]);
}
