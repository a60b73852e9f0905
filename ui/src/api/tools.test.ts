import { expect, test } from "vitest";

import { createApi } from "./client";

test.each([
  ["oops", "Error: The arguments must be a JSON object.", 0],
  ["[1]", "Error: The arguments must be a JSON object.", 0],
  ["", "It rains.", 1],
  ['{"city": "Oslo"}', "It rains.", 1],
])("a call with the arguments %j", async (given, result, count) => {
  const sent: unknown[] = [];
  const api = createApi((_, init) => {
    sent.push(init?.body);
    const answer = { jsonrpc: "2.0", id: 1, result: { content: [{ type: "text", text: "It rains." }] } };
    return Promise.resolve(new Response(JSON.stringify(answer)));
  });
  expect(await api.tools.call("sky__weather", given, new AbortController().signal)).toBe(result);
  expect(sent).toHaveLength(count);
});
