/**
 * The caret of an editor without the focus. At a soft line break a caret belongs to one of two lines; CodeMirror places
 * it in that line after each change of focus, and browsers then give the focus back to the editor. So the caret belongs
 * to neither once the focus has left.
 */

import { EditorSelection, EditorState, type Extension, StateEffect } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

const left = StateEffect.define();

export const caret: Extension = [
  EditorView.focusChangeEffect.of((_state, hasFocus) => (hasFocus ? null : left.of(null))),
  EditorState.transactionFilter.of((transaction) => {
    const { main } = transaction.newSelection;
    if (!main.empty || !transaction.effects.some((effect) => effect.is(left))) return transaction;
    return [transaction, { selection: EditorSelection.cursor(main.head), sequential: true }];
  }),
];
