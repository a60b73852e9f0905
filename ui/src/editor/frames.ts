/** Gathers streamed text, so that a fast stream costs one editor update a frame. */

export interface Gatherer {
  push(text: string): void;
  /** Hands over what is waiting, now. */
  flush(): void;
}

/** Calls `later` once; a hidden page paints no frames, so it gets a timer. */
export function onNextFrame(later: () => void): void {
  if (document.hidden) setTimeout(later, 100);
  else requestAnimationFrame(later);
}

/** @param mayApply Whether it may be handed over with this frame; if not, it waits for the next. */
export function gather(
  apply: (text: string) => void,
  schedule: (later: () => void) => void = onNextFrame,
  mayApply: () => boolean = () => true,
): Gatherer {
  let waiting = "";
  let isScheduled = false;

  function flush(): void {
    if (waiting === "") return;
    const text = waiting;
    waiting = "";
    apply(text);
  }

  function later(): void {
    if (isScheduled) return;
    isScheduled = true;
    schedule(() => {
      isScheduled = false;
      if (mayApply()) flush();
      else later();
    });
  }

  return {
    push(text) {
      waiting += text;
      later();
    },
    flush,
  };
}
