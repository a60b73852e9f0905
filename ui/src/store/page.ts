/** All that the views work with. */

import type { Api } from "../api/client";
import { Place } from "./place.svelte";
import { Session } from "./session.svelte";
import { View } from "./view.svelte";

export class Page {
  readonly session: Session;
  readonly view: View;
  readonly place = new Place();

  constructor(api: Api, storage: Storage | null) {
    this.view = new View(storage);
    this.session = new Session(api, storage);
  }
}
