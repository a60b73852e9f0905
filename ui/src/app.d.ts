interface Window {
  /** The page's state, to read: for tests and for the browser's console. */
  __app: {
    text(): string;
    piece(): { from: number; to: number } | null;
    phase(): string;
  };
}
