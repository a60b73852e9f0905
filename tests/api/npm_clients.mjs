// Asks a server by the npm packages "openai" and "ai", unchanged, and prints each answer as a line of JSON.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";

const [, , texts, calls] = process.argv;
const prompt = "Tell me a story.";
const messages = [{ role: "user", content: prompt }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

const tell = (name, answer) => console.log(JSON.stringify({ name, answer }));
const joined = async (stream, part) => {
  let text = "";
  for await (const each of stream) text += part(each) ?? "";
  return text;
};

const client = (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const openai = client(texts);
const asked = { model: "fake", messages, max_tokens: 12 };
tell("models", (await openai.models.list()).data.map((each) => each.id));
tell("chat", (await openai.chat.completions.create(asked)).choices[0].message.content);
const stream = await openai.chat.completions.create({ ...asked, stream: true });
tell("chat stream", await joined(stream, (each) => each.choices[0]?.delta?.content));
const helper = openai.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
await helper.done();
tell("usage", (await helper.totalUsage()).completion_tokens);
tell("completion", (await openai.completions.create({ model: "fake", prompt, max_tokens: 12 })).choices[0].text);
const wanted = { model: "fake", input: prompt, max_output_tokens: 12 };
tell("response", (await openai.responses.create(wanted)).output_text);
tell("response stream", (await openai.responses.stream(wanted).finalResponse()).output_text);
const failed = await openai.chat.completions.create({ ...asked, temperature: "hot" }).catch((error) => error);
tell("refusal", [failed.status, failed.param]);

const weather = { name: "get_weather", parameters, function: ({ city }) => `Rain in ${city}.`, parse: JSON.parse };
const runner = client(calls).chat.completions.runTools({
  model: "fake",
  messages,
  tools: [{ type: "function", function: weather }],
});
tell("tool runner", await runner.finalContent());

const models = {
  compatible: (url) => createOpenAICompatible({ name: "coblyn", baseURL: `${url}/v1`, includeUsage: true })("fake"),
  anthropic: (url) => createAnthropic({ baseURL: `${url}/v1`, apiKey: "none" })("fake"),
};
for (const [name, make] of Object.entries(models)) {
  const question = { model: make(texts), prompt, maxOutputTokens: 12, maxRetries: 0 };
  const whole = await generateText(question);
  tell(`${name} text`, [whole.text, whole.finishReason, whole.usage.outputTokens]);
  tell(`${name} stream`, await joined(streamText(question).textStream, (each) => each));
  const execute = async ({ city }) => `Rain in ${city}.`;
  const tools = { get_weather: tool({ description: "Weather", inputSchema: jsonSchema(parameters), execute }) };
  const steps = await generateText({ model: make(calls), prompt, tools, maxRetries: 0, stopWhen: stepCountIs(3) });
  tell(`${name} tools`, [steps.steps.map((each) => each.finishReason), steps.text]);
}
