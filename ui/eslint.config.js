import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import ts from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

/** One direction: views -> store -> api -> stream; the editor is a library that knows none of them, the words know nobody. */
const ROOMS = {
  words: ["stream", "api", "editor", "journal", "store", "views"],
  stream: ["words", "api", "editor", "journal", "store", "views"],
  api: ["words", "editor", "journal", "store", "views"],
  editor: ["words", "stream", "api", "journal", "store", "views"],
  journal: ["words", "stream", "editor", "store", "views"],
  modes: ["words", "stream", "api", "editor", "journal", "store", "views"],
  store: ["stream", "views"],
  views: ["stream", "api", "journal"],
};

const direction = Object.entries(ROOMS).map(([room, forbidden]) => ({
  files: [`src/${room}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: forbidden.map((other) => `**/${other}/**`),
            message: `${room} must not know this room: views -> store -> api -> stream.`,
          },
        ],
      },
    ],
  },
}));

export default ts.config(
  { ignores: ["node_modules", "dist"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig } },
  },
  {
    rules: {
      "no-undef": "off", // TypeScript does it
      "max-lines": ["error", { max: 300, skipBlankLines: false }],
      "no-restricted-properties": [
        "error",
        ...["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({
          property,
          message: "Text becomes DOM nodes, never HTML.",
        })),
      ],
      "svelte/no-at-html-tags": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
    },
  },
  {
    files: ["src/**"],
    ignores: ["src/api/**"],
    rules: {
      "no-restricted-globals": ["error", { name: "fetch", message: "Only src/api talks to the server." }],
    },
  },
  { files: ["**/*.test.ts"], rules: { "max-lines": ["error", 400] } },
  // All words of a language are in one file, however many.
  { files: ["src/words/*.ts"], rules: { "max-lines": "off" } },
  { files: ["plugins/**", "*.config.js"], languageOptions: { globals: { process: "readonly" } } },
  ...direction,
);
