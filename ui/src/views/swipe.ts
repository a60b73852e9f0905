/** A finger that goes sideways over something: to the one after it leftwards, to the one before it rightwards. */

import type { Attachment } from "svelte/attachments";

/** Pixels that a finger goes at least, and how many times as far sideways as up or down. */
const [FAR, FLAT] = [48, 2];

/** The element wants `touch-action: pan-y`, or the browser takes the gesture for itself. */
export function swipe(onSwipe: (step: 1 | -1) => void): Attachment<HTMLElement> {
  return (element) => {
    let start: Touch | null = null;
    const begin = ({ touches }: TouchEvent): void => void (start = touches.length === 1 ? (touches[0] ?? null) : null);
    const end = ({ changedTouches }: TouchEvent): void => {
      const finger = changedTouches[0];
      if (!start || !finger || finger.identifier !== start.identifier) return;
      const [x, y] = [finger.clientX - start.clientX, finger.clientY - start.clientY];
      start = null;
      // A finger that selects words swipes nothing.
      if (Math.abs(x) < FAR || Math.abs(x) < FLAT * Math.abs(y) || getSelection()?.isCollapsed === false) return;
      onSwipe(x < 0 ? 1 : -1);
    };
    const listeners = { touchstart: begin, touchend: end, touchcancel: () => void (start = null) };
    for (const [kind, listener] of Object.entries(listeners)) element.addEventListener(kind, listener as EventListener, { passive: true });
    return () => {
      for (const [kind, listener] of Object.entries(listeners)) element.removeEventListener(kind, listener as EventListener);
    };
  };
}
