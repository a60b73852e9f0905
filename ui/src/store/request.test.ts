import { expect, test } from "vitest";

import type { Places } from "../api/stories";
import type { Context } from "../api/types";
import { requestOf } from "./request";
import { DEFAULTS } from "./settings";

const sent = (prompt: string): Context => ({ prompt, tokens: 1, max_prompt: 9, dropped: 0, segments: [], stops: [], messages: [], lore: { fired: [], silent: [] } });
const grammar = (mode: string, prompt: string): string | undefined => requestOf(sent(prompt), { mode, settings: {} } as unknown as Places, DEFAULTS, [], "k").request.grammar;

test("what happens after an action does not begin with another action", () => {
  expect(grammar("adventure", "A cave.\n> Light the lamp\n")).toBe("root ::= [^> \\t\\n] .*");
  expect(grammar("adventure", "> Wait\n")).toBeDefined();
  expect(grammar("adventure", "> Wait\nNothing happens.")).toBeUndefined();
  expect(grammar("adventure", "> Wait")).toBeUndefined();
  expect(grammar("story", "> Wait\n")).toBeUndefined();
});
