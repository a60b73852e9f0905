/**
 * The caret of an editor without the focus. At a soft line break a caret belongs to one of two lines; CodeMirror places
 * it in that line with the next frame, and browsers then give the focus back to the editor. So the caret belongs to
 * neither once the focus has left.
 */

import { EditorSelection, Transaction } from "@codemirror/state";
import { type EditorView, ViewPlugin } from "@codemirror/view";

export const caret = ViewPlugin.define((view) => ({ update: () => settle(view) }), {
  eventObservers: { blur: (_event, view) => settle(view) },
});

/** The focus may leave in the middle of an update, so this waits for its end; a microtask comes before the next frame. */
function settle(view: EditorView): void {
  if (isSettled(view)) return;
  queueMicrotask(() => {
    if (isSettled(view)) return;
    const { head } = view.state.selection.main;
    view.dispatch({ selection: EditorSelection.cursor(head), annotations: Transaction.addToHistory.of(false) });
  });
}

function isSettled({ state, root, contentDOM }: EditorView): boolean {
  const { empty, assoc } = state.selection.main;
  return !empty || assoc === 0 || root.activeElement === contentDOM;
}
