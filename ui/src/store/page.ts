/** All that the views work with. */

import type { Api } from "../api/client";
import type { StoriesApi } from "../api/stories";
import { openOutbox } from "../journal/outbox";
import { Bench } from "./bench.svelte";
import { BoxGhost } from "./boxghost.svelte";
import { Counts } from "./counts.svelte";
import { Find } from "./find.svelte";
import { Doctor } from "./doctor.svelte";
import { Importer } from "./importer.svelte";
import { Library } from "./library.svelte";
import { Modes } from "./modes.svelte";
import { pieceAt } from "./pieces";
import { tellOfLongIn } from "./paragraphs";
import { Picker } from "./picker.svelte";
import { Place } from "./place.svelte";
import { Session } from "./session.svelte";
import { browserDatabases } from "./stored";
import { suggest } from "./suggest";
import { Timeline } from "./timeline.svelte";
import { Tools } from "./tools.svelte";
import { Tour } from "./tour.svelte";
import { View } from "./view.svelte";
import { say } from "../words/words.svelte";

export class Page {
  readonly session: Session;
  readonly modes: Modes;
  readonly tools: Tools;
  readonly bench: Bench;
  readonly boxGhost: BoxGhost;
  readonly find: Find;
  readonly view: View;
  readonly library: Library;
  readonly importer: Importer;
  readonly doctor: Doctor;
  readonly picker: Picker;
  readonly tour: Tour;
  readonly place = new Place();
  /** Tokens of single texts. */
  readonly counts: Counts;

  readonly #stories: StoriesApi;

  constructor(api: Api, storage: Storage | null) {
    this.#stories = api.stories;
    this.view = new View(storage);
    this.tour = new Tour(storage);
    this.doctor = new Doctor(api);
    this.library = new Library(api.stories);
    this.importer = new Importer(api.stories);
    this.session = new Session(api, storage, (story, branch) => {
      this.place.settle(story, branch);
      this.modes.opened();
      this.find.isOpen = false;
      tellOfLongIn(this.session);
    });
    this.modes = new Modes(this.session, storage);
    this.counts = new Counts(api, () => (this.session.server.isReady ? (this.session.server.health?.model ?? null) : null));
    this.tools = new Tools(api.tools, this.session, this.modes);
    this.modes.afterPiece = () => this.tools.goOn();
    this.bench = new Bench(api, this.session.book, () => this.session.server.isReady);
    this.boxGhost = new BoxGhost(this.session, this.modes);
    this.find = new Find(this.session, this.modes);
    this.picker = new Picker(api.models, () => void this.session.modelChanged());
  }

  /** Opens the story that the address names. */
  async start(): Promise<void> {
    await this.session.start(await openOutbox(browserDatabases()), this.place.route);
    if (this.session.book.isFirst && !this.tour.isKnown) this.tour.begin();
  }

  /** Sends what waits at once, and says whether it arrived. */
  async save(): Promise<void> {
    const { session } = this;
    session.said = (await session.book.journal?.flush()) ? say().saved : say().keptHere;
  }

  /** Offers a continuation where one writes: at the caret, or in the box of a mode with turns. */
  suggest(): Promise<void> {
    return this.modes.hasTurns ? this.boxGhost.suggest() : suggest(this.session);
  }

  /** Finds words in the story, as it is shown: in turns from the first that is on screen. */
  findWords(): void {
    if (this.modes.hasTurns) this.find.open(this.modes.inSight());
    else this.session.story?.find();
  }

  /** What the piece at a place of the text was made with; at the caret if none is given. */
  showReceipt(at = this.session.story?.caret() ?? 0): void {
    this.place.showReceipt(pieceAt(this.session.story?.runs() ?? [], at));
  }

  /** Loads the model anew whose engine has stopped. */
  async startAgain(): Promise<void> {
    const { picker, session, place } = this;
    session.close("generation");
    await picker.look();
    const stopped = picker.models.find(({ answers }) => answers);
    if (stopped) await picker.load(stopped.name);
    // What goes on there, and why it fails.
    if (place.panel !== "model") place.toggle("model");
    await session.server.check();
  }

  /** The journal of a story as steps in time. */
  timelineOf(story: string): Timeline {
    return new Timeline(this.#stories, story);
  }

  /** The address has changed by hand, or by the browser's Back. */
  follow(): void {
    this.place.follow();
    const { story, branch } = this.place.route;
    const { book } = this.session;
    if (story && (story !== book.id || (branch && branch !== book.branch))) void this.session.open(story, branch);
  }
}
