/**
 * What commands and fields are called in KoboldAI Lite and other programs, in English: the palette finds them by these
 * words too. By the id of the command.
 */

export const ELSEWHERE: Readonly<Record<string, string>> = {
  generate: "submit send write more continue enter",
  stop: "abort cancel halt",
  retry: "regenerate redo last swipe reroll",
  undo: "back revert",
  redo: "forward",
  suggest: "autocomplete impersonate continue user turns ghost",
  "takes-2": "batch swipes alternatives",
  new: "new session new game restart clear reset story empty",
  library: "save load slots saves storage quick slot load search autosave",
  import: "load open file upload save card scenario quick start advanced load drop",
  "export-own": "save download backup",
  "export-kobold": "save download share json",
  "export-text": "save download copy txt",
  copy: "clipboard download",
  story: "context settings memory author's note mode",
  lore: "world info wi lorebook toggle group import all export all",
  "lore-sheet": "world info wi lorebook edit group toggle",
  characters: "group chat participants bots personas tavern cards chub",
  context: "view context size bar prompt tokens viewer max context raw prompt",
  branches: "tree timeline alternatives history",
  sampler: "settings advanced samplers generation parameters",
  model: "ai select endpoint reconnect admin config reload switch",
  doctor: "help troubleshoot build errors compile",
  branch: "fork split save point",
  find: "wordsearch word frequency replace search ctrl f",
  "text-size": "settings gui font size zoom ui look appearance",
  measure: "viewport width side panel clamp adapt unlock column",
  "theme-dark": "color scheme colour inverted night modern nostalgia oled catppuccin",
  "theme-light": "color scheme colour inverted day",
  "face-serif": "font typeface ui style classic aesthetic messenger corpo",
  "face-sans": "font typeface ui style",
  probabilities: "logprobs token probabilities request log probabilities heat",
  "announce-nothing": "notification alert sound beep",
  "mode-story": "usage mode novel",
  "mode-adventure": "usage mode dungeon action story text game",
  "mode-chat": "usage mode roleplay messenger aesthetic",
  "mode-instruct": "usage mode instructions alpaca chatml corpo",
  "mode-assistant": "usage mode chatgpt corpo add file camera paste image vision thinking",
  text: "allow editing edit mode",
  tour: "help welcome guide introduction",
  "field-memory": "system prompt sysprompt instruction pre-prompt add instruction jailbreak scenario",
  "field-note": "author's note an a/n anote",
  "field-note-depth": "author's note strength depth",
  "field-stop": "stopping strings stop_sequence end tags multiline replies",
  "field-banned": "anti-slop antislop phrase word ban bans eos token ban",
  "field-your-name": "user persona your name nickname",
  "field-dice": "roll d20 adventure roll modifier",
  "field-template": "instruct tag preset system tag user tag assistant tag gentag chat format",
  "field-tools": "toolcalling function calling mcp",
  "field-lore-depth": "world info wi search depth full context",
  "field-lore-recursive": "world info recursion recursive",
  "field-lore-new": "world info wi add entry",
  "field-lore-search": "world info wi quick search",
  "field-card-import": "tavern pygmalion character card chub aicharactercards load",
  "field-character-new": "character creator add another participant ai name",
  "field-who-is-next": "group chat selectors turn order",
  "field-preset": "sampler preset simple logical godlike",
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
  services: "horde ai horde openai claude gemini openrouter novelai mistral cohere select endpoint api key url second endpoint 2nd proxy",
  pictures: "image generation stable diffusion a1111 forge comfyui pollinations dall-e stableui lora draw generate images music musicui",
  speech: "tts text to speech stt speech recognition whisper voice microphone narrate xtts alltalk kokoro",
  web: "websearch web search internet",
  documents: "textdb documents embeddings rag vector snippet",
  together: "multiplayer join multiplayer share as web address dpaste url",
  looks: "custom css background image user mods userscript latex themes fullscreen portraits",
  requests: "grammar gbnf logit bias dry sequence breakers sampler order custom fields reasoning effort render special tags",
  words: "regex replace trim sentences whitespace compress newlines inject timestamps chat names idle responses autogenerate memory placeholder",
} as const;

export type Absent = keyof typeof ABSENT;

/** Why what is looked for is not on this page; null if the words name nothing known. */
export function absentOf(query: string): Absent | null {
  const wanted = query.trim().toLowerCase();
  if (wanted.length < 3) return null;
  return (Object.keys(ABSENT) as Absent[]).find((why) => ` ${ABSENT[why]} `.includes(` ${wanted}`)) ?? null;
}
