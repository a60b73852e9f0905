interface Window {
  /** The page's state, to read: for tests and for the browser's console. */
  __app: {
    text(): string;
    piece(): { from: number; to: number } | null;
    phase(): string;
    /** How the journal stands, and whether all of it is acknowledged. */
    save(): string;
    isSaved(): boolean;
    /** Who wrote what: so many characters of which piece, in a row. */
    runs(): readonly (readonly [number, string])[];
  };
}
