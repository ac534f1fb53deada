/** What is seen of the one before. */
const LEAD_PIXELS = 24;

/** Brings something into sight in a list that goes sideways; moves nothing else. */
export function showSideways(item: HTMLElement, list: HTMLElement): void {
  const [own, around] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
  if (own.left < around.left || own.right > around.right) list.scrollLeft += own.left - around.left - LEAD_PIXELS;
}
