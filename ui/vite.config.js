import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { finish } from "./plugins/finish.js";

// `npm run dev` forwards the API to a running `coblyn serve`.
const server = process.env.COBLYN_SERVER ?? "http://127.0.0.1:5001";

export default defineConfig({
  // Relative addresses: the page also works under a path behind a proxy.
  base: "./",
  plugins: [svelte(), finish()],
  build: {
    outDir: process.env.COBLYN_UI_OUT ?? "../src/coblyn/web",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // Everything stays a file of its own: the page's policy allows no data: scripts, styles or fonts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
    reportCompressedSize: false,
  },
  server: {
    proxy: { "/api": server, "/v1": server, "/health": server },
  },
});
