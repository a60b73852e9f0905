import { expect, test } from "vitest";

import { drawn, readDice, thrown } from "./dice";
import { castOf, type Group, nextSpeaker, type Rule } from "./next";
import { partsOf, unanswered } from "./parts";
import { FORMATS, formatOf } from "./tags";
import { type Cast, type Mode, modeOf, moved, TurnReader, turnsOf } from "./turns";
import { insertion, ownTurn, type Said } from "./writing";

const CAST: Cast = { users: ["You"], others: ["Gwen", "Tomos"] };
const told = (text: string, mode: Mode): string[] =>
  turnsOf(text, mode, CAST).map(({ who, name, bodyFrom, bodyTo }) => `${who} ${name}: ${text.slice(bodyFrom, bodyTo)}`);

test("turns behind others are those of the whole, moved", () => {
  for (const now of ["", "Rain.", "Gwen: Hm.\n\n", "You: a\nTomos:"]) {
    const said = "You: Well?\nGwen: Well.";
    const both = [...turnsOf(now, "chat", CAST), ...turnsOf(said, "chat", CAST).map((turn) => moved(turn, now.length + 1))];
    const whole = `${now}\n${said}`;
    const bodies = (turns: typeof both): unknown => turns.map(({ who, name, bodyFrom, bodyTo }) => [who, name, whole.slice(bodyFrom, bodyTo)]);
    expect(bodies(both)).toEqual(bodies(turnsOf(whole, "chat", CAST)));
  }
});

test("the same text is read once, another one or another cast anew", () => {
  const reader = new TurnReader();
  const first = reader.read("Gwen: Hm.", "chat", CAST);
  expect(reader.read("Gwen: Hm.", "chat", { ...CAST })).toBe(first);
  expect(reader.read("Gwen: Hm.", "story", CAST)).not.toEqual(first);
  expect(reader.read("Gwen: Hm.", "chat", { ...CAST, others: [] })[0]?.who).toBe("text");
});

test("a mode that is not known is a story", () => {
  expect(["", "chat", "poem"].map(modeOf)).toEqual(["story", "chat", "story"]);
});

test("turns of a chat begin with a name that is known", () => {
  const text = "Rain.\nYou: Hello\nthere: nobody\nGwen: “You heard it?”\n\nTomos:\n";
  expect(told(text, "chat")).toEqual(["text : Rain.", "user You: Hello\nthere: nobody", "model Gwen: “You heard it?”", "model Tomos: "]);
});

test("turns of instructions begin with a mark at the start of a line", () => {
  const text = "{{[SYSTEM]}}\nBe dry.\n{{[INPUT]}}\nHi {{[OUTPUT]}}\n{{[OUTPUT]}}\n";
  expect(told(text, "instruct")).toEqual(["system : Be dry.", "user : Hi {{[OUTPUT]}}", "model : "]);
});

test("an adventure's turns are the writer's lines and what follows them", () => {
  expect(told("A cave.\n> look\nDark.\nWet.\n> go\n", "adventure")).toEqual(["text : A cave.", "user : look", "model : Dark.\nWet.", "user : go"]);
});

test("turns together are the text, whatever it is", () => {
  const text = "\n\nYou: a\r\n\nGwen:b\n> c\n{{[INPUT]}}\n\n";
  for (const mode of ["chat", "adventure", "instruct", "assistant", "story"] as const) {
    const turns = turnsOf(text, mode, CAST);
    for (const { from, bodyFrom, bodyTo, to } of turns) expect(from <= bodyFrom && bodyFrom <= bodyTo && bodyTo <= to).toBe(true);
    for (const [index, { from }] of turns.slice(1).entries()) expect(from).toBeGreaterThanOrEqual(turns[index]?.to ?? 0);
  }
  expect(turnsOf("", "chat", CAST)).toEqual([]);
});

const said = (change: Partial<Said>): Said => ({
  mode: "chat", words: "", as: "You", next: "Gwen", manner: "do", quoted: (words) => `You say “${words}”`, outcome: "", ...change,
});

test("what is sent in a chat begins the next speaker's turn", () => {
  expect(insertion("", said({ words: " Hello \n" }))).toBe("You: Hello\nGwen:");
  expect(insertion("Gwen: Yes.", said({ words: "Go" }))).toBe("\nYou: Go\nGwen:");
  expect(insertion("Gwen: Yes.", said({ next: "Tomos" }))).toBe("\nTomos:");
  expect(insertion("You: Hi\nGwen:", said({}))).toBe("");
});

test("a turn that has no words yet is not begun twice", () => {
  const text = "You: Hi\n{{[OUTPUT]}}\n";
  expect(insertion(text, said({ mode: "assistant" }))).toBe("");
  expect(insertion("{{[INPUT]}}\nHi", said({ mode: "instruct" }))).toBe("\n{{[OUTPUT]}}\n");
  expect(insertion("{{[OUTPUT]}}\nYes", said({ mode: "instruct" }))).toBe("");
  expect(insertion("", said({ mode: "instruct", words: "Hi" }))).toBe("{{[INPUT]}}\nHi\n{{[OUTPUT]}}\n");
});

test("in an adventure one does, says, or writes the story", () => {
  const one = (change: Partial<Said>): string => insertion("A cave.", said({ mode: "adventure", ...change }));
  expect(one({ words: "look\naround", outcome: "[14]" })).toBe("\n> look around [14]\n");
  expect(one({ words: "hello", manner: "say" })).toBe("\n> You say “hello”\n");
  expect(one({ words: "Rain.\nFog.", manner: "story" })).toBe("\nRain.\nFog.\n");
  expect(one({})).toBe("");
});

const group = (rule: Rule, change: Partial<Group> = {}): Group => ({ rule, present: ["Gwen", "Tomos"], talk: {}, chosen: "", seed: 1, ...change });
const next = (text: string, one: Group): string | null => nextSpeaker(one, turnsOf(text, "chat", CAST), text);

test("who speaks next goes by the group's rule", () => {
  const text = "You: Ask tomos, Gwen.";
  expect(next(text, group("turn"))).toBe("Gwen");
  expect(next("Gwen: Hm.\nYou: Well?", group("turn"))).toBe("Tomos");
  expect(next(text, group("mention"))).toBe("Tomos");
  expect(next("You: Tomoslike.", group("mention"))).toBe("Gwen");
  expect(next("Gwen: I, Gwen, say so.", group("mention"))).toBe("Tomos");
  expect(next(text, group("choose", { chosen: "Tomos" }))).toBe("Tomos");
  expect(next(text, group("choose", { chosen: "gone" }))).toBe("Gwen");
  expect(next(text, group("turn", { present: [] }))).toBeNull();
});

test("everyone once: until all have spoken since the writer", () => {
  expect(next("You: Well?", group("once"))).toBe("Gwen");
  expect(next("You: Well?\nGwen: Hm.", group("once"))).toBe("Tomos");
  expect(next("You: Well?\nTomos: No.\nGwen: Hm.", group("once"))).toBeNull();
});

test("chance by talkativeness is seeded, and weighs", () => {
  const talk = { Gwen: 1, Tomos: 0 };
  const names = Array.from({ length: 200 }, (_, seed) => next("You: Well?", group("talk", { seed, talk })));
  expect(names.filter((name) => name === "Gwen").length).toBeGreaterThan(180);
  expect(new Set(names).size).toBe(2);
  expect(next("You: Well?\nGwen: Hm.", group("talk", { talk }))).toBe("Tomos");
});

test("a name of the writer is nobody else's", () => {
  expect(castOf([], ["Gwen"], ["Gwen", "You", ""])).toEqual({ users: ["You"], others: ["Gwen"] });
  expect(castOf(["Ann"], [], ["You"])).toEqual({ users: ["Ann"], others: ["You"] });
});

test("the same throw of a seed is the same, and all sides come", () => {
  const dice = readDice({ isOn: true, seed: 7, thrown: "x" }, () => 3);
  expect(dice).toEqual({ isOn: true, seed: 7, thrown: 0 });
  expect(readDice(null, () => 3)).toEqual({ isOn: false, seed: 3, thrown: 0 });
  expect(thrown(dice)).toEqual(thrown(dice));
  expect(thrown(dice).next.thrown).toBe(1);
  const rolls = Array.from({ length: 2000 }, (_, number) => thrown({ ...dice, thrown: number }).roll);
  expect(new Set(rolls).size).toBe(20);
  expect(Math.min(...rolls)).toBe(1);
  expect(Math.max(...rolls)).toBe(20);
  expect(drawn(1, 1)).not.toBe(drawn(1, 2));
});

test("parts of a turn are folded, and what is none stays text", () => {
  const call = '<tool_call>{"id": "c", "name": "depth", "arguments": {"a": 1}}</tool_call>';
  const parts = partsOf(`<think>Hm.</think> One.${call}<tool_call>no</tool_call>`);
  expect(parts).toEqual([
    { kind: "thought", text: "Hm.", isOpen: false },
    { kind: "text", text: "One." },
    { kind: "call", id: "c", name: "depth", arguments: '{"a":1}' },
    { kind: "text", text: "<tool_call>no</tool_call>" },
  ]);
  expect(unanswered(parts)).toHaveLength(1);
  expect(unanswered(partsOf(`${call}<tool_response id="c">9</tool_response>`))).toEqual([]);
  expect(partsOf("<think>Still")).toEqual([{ kind: "thought", text: "Still", isOpen: true }]);
  expect(partsOf("See ![a map](image:i1).")).toEqual([
    { kind: "text", text: "See" }, { kind: "image", id: "i1", name: "a map" }, { kind: "text", text: "." },
  ]);
});

test("stored tags have their name again", () => {
  for (const [name, tags] of Object.entries(FORMATS)) expect(formatOf({ ...tags, more: 1 })).toBe(name);
  expect([undefined, null, "x", { user_start: "?" }].map(formatOf)).toEqual(["", "", "", ""]);
});

test("the model can go on with what the writer began to say, where a turn is only a line", () => {
  const said = { words: "Well, ", as: "You", manner: "do", quoted: (words: string) => `You say “${words}”` } as const;
  expect(ownTurn("Gwen: Hm.", { ...said, mode: "chat" })).toBe("\nYou: Well,");
  expect(ownTurn("", { ...said, mode: "chat", words: "" })).toBe("You:");
  expect(ownTurn("A cave.\n", { ...said, mode: "adventure" })).toBe("> Well,");
  expect(ownTurn("A cave.", { ...said, mode: "adventure", manner: "say" })).toBe("\n> You say “Well,");
  expect(ownTurn("A cave.", { ...said, mode: "adventure", manner: "story" })).toBe("\nWell,");
  expect([ownTurn("", { ...said, mode: "instruct" }), ownTurn("", { ...said, mode: "assistant" })]).toEqual([null, null]);
});
