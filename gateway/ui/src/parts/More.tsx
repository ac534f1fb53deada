interface MoreProps {
  list: { hasMore: boolean; isLoadingMore: boolean; loadMore: () => void };
}

/** A button for the next page of a list, where there is one. */
export function More({ list: { hasMore, isLoadingMore, loadMore } }: MoreProps) {
  if (!hasMore) return null;
  return (
    <button type="button" className="button more" disabled={isLoadingMore} onClick={loadMore}>
      Show more
    </button>
  );
}
