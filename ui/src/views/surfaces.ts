/** What a name of the rail opens: a panel beside the text, or a sheet in its place. */

import type { Page } from "../store/page";
import type { Name } from "../store/place.svelte";

export function isOpen({ place }: Page, name: Name): boolean {
  return name === "branches" ? place.sheet === "branches" : place.panel === name;
}

export function open({ place }: Page, name: Name): void {
  if (name === "branches") place.go({ sheet: place.sheet === "branches" ? null : "branches" });
  else place.toggle(name);
}
