import { expect, test } from "vitest";

import { events, type ServerEvent } from "./events";

const encoder = new TextEncoder();

function stream(chunks: Iterable<Uint8Array>, onCancel: () => void = () => undefined): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const next = iterator.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: onCancel,
  });
}

async function parse(chunks: Iterable<Uint8Array>): Promise<ServerEvent[]> {
  const found: ServerEvent[] = [];
  for await (const event of events(stream(chunks))) found.push(event);
  return found;
}

const KOBOLD = [
  'event: message\ndata: {"token": "Ŵyl 🕯️", "finish_reason": null}\n\n',
  ": keep-alive\n\n",
  'event: progress\ndata: {"total": 12}\n\n',
  "data: first\ndata: second\n\n",
  "data\n\n",
  'event: message\ndata: {"token": "", "finish_reason": "length"}\n\n',
].join("");

const EXPECTED: ServerEvent[] = [
  { event: "message", data: '{"token": "Ŵyl 🕯️", "finish_reason": null}' },
  { event: "progress", data: '{"total": 12}' },
  { event: "message", data: "first\nsecond" },
  { event: "message", data: "" },
  { event: "message", data: '{"token": "", "finish_reason": "length"}' },
];

for (const [name, end] of [
  ["LF", "\n"],
  ["CRLF", "\r\n"],
  ["CR", "\r"],
] as const) {
  const bytes = encoder.encode(KOBOLD.replaceAll("\n", end));

  test(`${name}: the whole stream at once`, async () => {
    expect(await parse([bytes])).toEqual(EXPECTED);
  });

  test(`${name}: byte by byte, through characters and line ends`, async () => {
    expect(await parse(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(EXPECTED);
  });

  test(`${name}: cut in two at every place`, async () => {
    for (let at = 0; at <= bytes.length; at++) {
      expect(await parse([bytes.slice(0, at), bytes.slice(at)]), `cut at byte ${at}`).toEqual(EXPECTED);
    }
  });
}

test("an event is dispatched at its blank line, not when the next one comes", async () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const open = events(new ReadableStream({ start: (given) => void (controller = given) }));
  const first = open.next();
  controller?.enqueue(encoder.encode("data: now\r\n\r"));
  expect((await first).value).toEqual({ event: "message", data: "now" });
  await open.return();
});

test("an event that the end of the stream cuts off is dropped", async () => {
  expect(await parse([encoder.encode("data: whole\n\ndata: half\n")])).toEqual([{ event: "message", data: "whole" }]);
});

test("only one space after the colon is taken off", async () => {
  expect(await parse([encoder.encode("data:  two\ndata:none\n\n")])).toEqual([
    { event: "message", data: " two\nnone" },
  ]);
});

test("who stops reading ends the request", async () => {
  let isCancelled = false;
  const bytes = encoder.encode("data: x\n\n");
  function* endless(): Generator<Uint8Array> {
    for (;;) yield bytes;
  }
  for await (const event of events(stream(endless(), () => void (isCancelled = true)))) {
    expect(event.data).toBe("x");
    break;
  }
  expect(isCancelled).toBe(true);
});
