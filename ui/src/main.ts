import "./app.css";

import { mount } from "svelte";

import { createApi } from "./api/client";
import { browserStorage } from "./store/keeper";
import { Page } from "./store/page";
import App from "./views/App.svelte";

const page = new Page(createApi(), browserStorage());
const target = document.getElementById("app");
if (!target) throw new Error("The page has no #app element.");
mount(App, { target, props: { page } });

// The editor draws only what is on screen, so tests and the curious read the whole state here.
const { session } = page;
window.__app = {
  text: () => session.text,
  piece: () => session.piece,
  phase: () => session.generation.phase,
};
