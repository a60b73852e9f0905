import "./app.css";

import { mount } from "svelte";

import { createApi } from "./api/client";
import { Page } from "./store/page";
import { browserStorage } from "./store/stored";
import App from "./views/App.svelte";

const page = new Page(createApi(), browserStorage());
const target = document.getElementById("app");
if (!target) throw new Error("The page has no #app element.");
target.replaceChildren();
mount(App, { target, props: { page } });
void page.start();

// The editor draws only what is on screen, so tests and the curious read the whole state here.
const { session } = page;
window.__app = {
  text: () => session.text,
  piece: () => session.piece,
  phase: () => session.generation.phase,
  save: () => session.book.journal?.save ?? "",
  isSaved: () => session.book.journal?.isClean ?? false,
  runs: () => session.story?.runs() ?? [],
};
