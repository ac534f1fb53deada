// What is done at once, and then no more often than it is good for.

import { useCallback, useEffect, useRef } from "react";

/**
 * Returns what asks for something to be done: it is done at once, and asked for again meanwhile, once more after a rest.
 *
 * The rest begins when it is done: what takes the server long is asked of it less often.
 *
 * @param run Does it.
 * @param restMilliseconds How long the rest is.
 */
export function useRested(run: () => Promise<unknown>, restMilliseconds: number): () => void {
  const current = useRef(run);
  useEffect(() => {
    current.current = run;
  });
  const state = useRef({ isBusy: false, isAsked: false, timer: 0 });
  useEffect(() => {
    const own = state.current;
    return () => {
      window.clearTimeout(own.timer);
      own.isBusy = false;
      own.isAsked = false;
    };
  }, []);
  return useCallback(() => {
    const own = state.current;
    const go = () => {
      own.isBusy = true;
      void current.current().finally(() => {
        own.timer = window.setTimeout(() => {
          own.isBusy = false;
          if (!own.isAsked) return;
          own.isAsked = false;
          go();
        }, restMilliseconds);
      });
    };
    if (own.isBusy) own.isAsked = true;
    else go();
  }, [restMilliseconds]);
}
