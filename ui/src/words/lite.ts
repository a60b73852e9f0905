/**
 * What commands and fields are called in KoboldAI Lite and other programs, in English: the palette finds them by these
 * words too. By the id of the command.
 */

export const ELSEWHERE: Readonly<Record<string, string>> = {
  generate: "submit send write more continue enter continuing ai replies",
  stop: "abort cancel halt",
  receipt: "performance speed statistics tokens per second",
  retry: "regenerate redo last swipe reroll",
  undo: "back revert",
  redo: "forward",
  suggest: "autocomplete impersonate continue user turns ghost continuing",
  "takes-2": "batch swipes alternatives",
  new: "new session new game restart clear reset story empty",
  library: "save load slots saves storage quick slot load search autosave delete remove trash",
  import: "load open file upload save card scenario quick start advanced load drop scenarios drag",
  "export-own": "save download backup",
  "export-kobold": "save download share json as a file",
  "export-text": "save download copy txt share as text",
  copy: "clipboard download",
  story: "context settings memory author's note mode",
  lore: "world info wi lorebook toggle group import all export all groups",
  "lore-sheet": "world info wi lorebook edit group toggle groups insert location case sensitive keys",
  characters: "group chat participants bots personas tavern cards chub selectors",
  context: "view context size bar prompt tokens viewer max context raw prompt",
  branches: "tree timeline alternatives history",
  sampler: "settings advanced samplers generation parameters",
  model: "ai select endpoint reconnect admin config reload switch ai selection another other settings panel",
  doctor: "help troubleshoot build errors compile",
  branch: "fork split save point",
  split: "long lines paragraphs",
  find: "wordsearch word frequency replace search ctrl f",
  "text-size": "settings gui font size zoom ui look appearance",
  measure: "viewport width side panel clamp adapt unlock column",
  "theme-dark": "color scheme colour inverted night modern nostalgia oled catppuccin colours colors",
  "theme-light": "color scheme colour inverted day",
  "face-serif": "font typeface ui style classic aesthetic messenger corpo",
  "face-sans": "font typeface ui style",
  probabilities: "logprobs token probabilities request log probabilities heat",
  "announce-nothing": "notification alert sound beep",
  "mode-story": "usage mode novel formatting",
  "mode-adventure": "usage mode dungeon action story text game formatting roll dice modifier",
  "mode-chat": "usage mode roleplay messenger aesthetic formatting your name persona next speaker",
  "mode-instruct": "usage mode instructions alpaca chatml corpo formatting instruct tags presets of templates gentag chat format",
  "mode-assistant": "usage mode chatgpt corpo add file camera paste image vision thinking formatting an images tags display submitted toolcalling function mcp servers automatically execute tools",
  text: "allow editing edit mode",
  tour: "help welcome guide introduction",
  "field-memory": "system prompt sysprompt instruction pre-prompt add instruction jailbreak scenario chat adventure pre-prompt",
  "field-note": "author's note an a/n anote",
  "field-note-depth": "author's note strength depth",
  "field-stop": "stopping strings stop_sequence end tags multiline replies",
  "field-banned": "anti-slop antislop phrase word ban bans eos token ban",
  "field-your-name": "user persona your name nickname",
  "field-dice": "roll d20 adventure roll modifier",
  "field-template": "instruct tag preset system tag user tag assistant tag gentag chat format",
  "field-tools": "toolcalling function calling mcp servers automatically execute",
  "field-lore-depth": "world info wi search depth full context",
  "field-lore-recursive": "world info recursion recursive",
  "field-lore-new": "world info wi add entry",
  "field-lore-search": "world info wi quick search",
  "field-card-import": "tavern pygmalion character card chub aicharactercards load imports scenarios",
  "field-character-new": "character creator add another participant ai name",
  "field-who-is-next": "group chat selectors turn order",
  "field-preset": "sampler preset simple logical godlike save delete presets",
  "field-defaults": "reset all settings",
  "field-lens-last": "last prompt sent debug",
  "number-of-length": "max output amount to generate max length tokens response",
  "number-of-seed": "random rng randomness",
  "number-of-repetition_penalty": "repeat penalty rep pen rep_pen",
  "number-of-repetition_range": "rep pen range",
  "number-of-repetition_slope": "rep pen slope",
  "number-of-presence_penalty": "pr. pen",
  "number-of-tail_free": "tfs",
  "number-of-top_n_sigma": "t.nsigma nsigma",
  "number-of-smoothing_factor": "sm.fac quadratic",
  "number-of-smoothing_curve": "sm.crv",
  "number-of-dynatemp_range": "dy.temp dynamic temperature",
  "number-of-adaptive_target": "adapt.p. adaptive-p",
  "number-of-guidance_scale": "cfg classifier-free guidance negative prompt",
};

/** What those programs have and this page does not, by why: see `absent` in the words of each language. */
export const ABSENT = {
  services: "horde ai horde openai claude gemini openrouter novelai mistral cohere select endpoint api key url second endpoint 2nd proxy other services",
  pictures: "image generation stable diffusion a1111 forge comfyui pollinations dall-e stableui lora draw generate images music musicui pictures made by a model",
  speech: "tts text to speech to text stt speech recognition whisper voice microphone narrate xtts alltalk kokoro",
  web: "websearch web search internet",
  documents: "textdb documents embeddings rag vector snippet",
  together: "multiplayer join multiplayer share as web address dpaste url",
  looks: "custom css background images user mods userscript latex themes fullscreen portraits llama.cpp ui",
  requests: "grammar gbnf logit bias biases dry sequence breakers sampler order extra custom fields reasoning effort insert thinking render special tags sounds for models that take them audio",
  words: "regex replace trim sentences whitespace compress newlines inject timestamps assistant jailbreak chat names in instructions idle responses autogenerate memory alpaca leakage",
  kept: "personal notes author's note template",
  needless:
    "admin save state load state token streaming enter sends never escape html autoscroll nametags unlock scroll height max displayed characters side panel mode " +
    "newline after memory chat mode matches any name default stops placeholder tags randomness seed cors proxy embedding of settings and images renaming high resolution " +
    "prompt for mode upon importing card token limit multiplier prevent the browser from sleeping",
  lite: "koboldai lite itself",
  install: "installing the page as an app install pwa home screen desktop shortcut",
} as const;

export type Absent = keyof typeof ABSENT;

/** Why what is looked for is not on this page; null if the words name nothing known. */
export function absentOf(query: string): Absent | null {
  const wanted = query.trim().toLowerCase().replaceAll("\u2019", "'");
  if (wanted.length < 3) return null;
  const reasons = Object.keys(ABSENT) as Absent[];
  const isThere = (why: Absent, words: string): boolean => ` ${ABSENT[why]} `.includes(` ${words}`);
  return reasons.find((why) => isThere(why, wanted)) ?? reasons.find((why) => wanted.split(/\s+/).every((word) => isThere(why, word))) ?? null;
}
