// Asks a server by the npm package "ollama", unchanged, and prints each answer as a line of JSON.
import { Ollama } from "ollama";

const [, , texts, calls] = process.argv;
const prompt = "Tell me a story.";
const messages = [{ role: "user", content: prompt }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "get_weather", description: "Weather.", parameters } }];

const tell = (name, answer) => console.log(JSON.stringify({ name, answer }));
const joined = async (stream, part) => {
  let text = "";
  for await (const each of await stream) text += part(each);
  return text;
};
const aborted = async (stream, abort) => {
  let error;
  try {
    for await (const each of await stream) abort(each);
  } catch (caught) {
    error = caught;
  }
  return error?.name;
};

const ollama = new Ollama({ host: texts });
const asked = { model: "fake", options: { num_predict: 12 } };
const { models } = await ollama.list();
tell("list", models.map((each) => each.name).includes("fake:latest"));
tell("ps", (await ollama.ps()).models.map((each) => each.name));
const shown = await ollama.show({ model: "fake" });
tell("show", [shown.capabilities, shown.model_info["unknown.context_length"], shown.details.format]);
tell("version", /^\d+\.\d+\.\d+$/.test((await ollama.version()).version));

const whole = await ollama.chat({ ...asked, messages });
tell("chat", [whole.message.content, whole.done_reason, whole.eval_count, whole.total_duration > 0]);
tell("chat stream", await joined(ollama.chat({ ...asked, messages, stream: true }), (each) => each.message.content));
const made = await ollama.generate({ ...asked, prompt });
tell("generate", [made.response, made.context.length > 12]);
tell("generate stream", await joined(ollama.generate({ ...asked, prompt, stream: true }), (each) => each.response));
const format = { type: "object", properties: { a: { enum: ["rain"] } }, required: ["a"] };
tell("format", JSON.parse((await ollama.chat({ model: "fake", messages, format })).message.content));
const { embeddings } = await ollama.embed({ model: "fake", input: ["a", "b"] });
tell("embed", embeddings.map((each) => each.length));
tell("missing", await ollama.chat({ model: "none", messages }).catch((error) => [error.name, error.status_code]));

const endless = { model: "fake", messages, stream: true, options: { num_predict: -1 } };
const stream = await ollama.chat(endless);
tell("abort", await aborted(stream, () => stream.abort()));
tell("abort all", await aborted(ollama.chat(endless), () => ollama.abort()));

const caller = new Ollama({ host: calls });
const first = (await caller.chat({ model: "fake", messages, tools })).message;
tell("call", first.tool_calls.map((each) => [each.function.name, each.function.arguments]));
const result = { role: "tool", tool_name: "get_weather", content: "Rain in Oslo." };
const answer = await caller.chat({ model: "fake", messages: [...messages, first, result], tools });
tell("answer", answer.message.content);
const found = [];
for await (const each of await caller.chat({ model: "fake", messages, tools, stream: true }))
  found.push(...(each.message.tool_calls ?? []).map((call) => call.function.arguments));
tell("call stream", found);
