/** Tags of well-known formats for instructions, in the fields of KoboldCPP's chat adapters. Without any the model's own are used. */

export interface Tags {
  system_start: string;
  system_end: string;
  user_start: string;
  user_end: string;
  assistant_start: string;
  assistant_end: string;
}

const tags = (system: [string, string], user: [string, string], assistant: [string, string]): Tags => ({
  system_start: system[0],
  system_end: system[1],
  user_start: user[0],
  user_end: user[1],
  assistant_start: assistant[0],
  assistant_end: assistant[1],
});

const chatml = (role: string): [string, string] => [`<|im_start|>${role}\n`, "<|im_end|>\n"];
const llama3 = (role: string): [string, string] => [`<|start_header_id|>${role}<|end_header_id|>\n\n`, "<|eot_id|>"];

export const FORMATS: Readonly<Record<string, Tags>> = {
  Alpaca: tags(["", ""], ["\n### Instruction:\n", ""], ["\n### Response:\n", ""]),
  ChatML: tags(chatml("system"), chatml("user"), chatml("assistant")),
  Gemma: tags(["<start_of_turn>user\n", "<end_of_turn>\n"], ["<start_of_turn>user\n", "<end_of_turn>\n"], ["<start_of_turn>model\n", "<end_of_turn>\n"]),
  "Llama 3": tags(llama3("system"), llama3("user"), llama3("assistant")),
  Mistral: tags(["[INST] ", "[/INST]"], ["[INST] ", "[/INST]"], [" ", "</s>"]),
  Vicuna: tags(["", "\n"], ["USER: ", "\n"], ["ASSISTANT:", "</s>\n"]),
};

/** The name of stored tags; empty for the model's own, or for tags that are not in the list. */
export function formatOf(stored: unknown): string {
  const given = JSON.stringify(stored, Object.keys(FORMATS.ChatML ?? {}));
  return Object.entries(FORMATS).find(([, tags]) => JSON.stringify(tags) === given)?.[0] ?? "";
}
