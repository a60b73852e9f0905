/** How the editor looks. It lives in a shadow root, where only this and inherited custom properties reach. */

import { EditorView } from "@codemirror/view";

export const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--story-face)",
    fontSize: "var(--story-size)",
    lineHeight: "var(--leading)",
    overflowX: "hidden",
    overscrollBehavior: "contain",
    scrollbarColor: "var(--line-strong) transparent",
  },
  ".cm-content": {
    boxSizing: "border-box",
    flex: "0 0 auto",
    width: "min(var(--column), 100% + 2 * (var(--gutter) - 1rem))",
    // Centred in the page, whatever is docked beside it; a panel that comes near pushes it by the least that helps.
    margin:
      "0 0 0 max(1rem - var(--gutter), min((100vw - var(--rail) - var(--column)) / 2, 100% - var(--column) + var(--gutter) - 1rem))",
    padding: "clamp(1.5rem, 7vh, 4.5rem) var(--gutter) 30vh",
    caretColor: "var(--accent)",
    fontVariantLigatures: "common-ligatures",
    fontKerning: "normal",
  },
  ".cm-line": { padding: "0" },
  ".cm-placeholder": { color: "var(--ink-faint)", fontStyle: "italic" },
  ".model": { backgroundColor: "var(--model-tint)" },
  ".generated": {
    backgroundColor: "var(--tint)",
    borderRadius: "2px",
    boxDecorationBreak: "clone",
    WebkitBoxDecorationBreak: "clone",
    padding: "0.1em 0",
  },
  ".cm-panels": {
    color: "var(--ink)",
    backgroundColor: "var(--surface)",
    fontFamily: "var(--sans)",
    fontSize: "0.875rem",
  },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "0.5rem var(--gutter)" },
  ".cm-panel.cm-search label": { fontSize: "0.8125rem" },
  ".cm-panel.cm-search [name=close]": { color: "inherit", fontSize: "1.25rem", right: "0.75rem" },
  ".cm-textfield": {
    color: "var(--ink)",
    backgroundColor: "var(--paper)",
    border: "1px solid var(--line-strong)",
    borderRadius: "4px",
    fontFamily: "inherit",
    fontSize: "0.875rem",
    padding: "0.2rem 0.4rem",
  },
  ".cm-button": {
    color: "var(--ink)",
    backgroundImage: "none",
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    borderRadius: "4px",
    fontFamily: "inherit",
    fontSize: "0.8125rem",
    padding: "0.2rem 0.6rem",
  },
  ".cm-panels :focus-visible": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-searchMatch": { backgroundColor: "var(--found)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--found-strong)" },
});
