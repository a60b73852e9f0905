/** What the page says, in English. `zh.ts` has the same keys. */

const whole = new Intl.NumberFormat("en");
const rules = new Intl.PluralRules("en");

/** A number with its noun. */
const count = (n: number, one: string, other: string): string =>
  `${whole.format(n)} ${rules.select(n) === "one" ? one : other}`;
const tokens = (n: number): string => count(n, "token", "tokens");

/** Seconds as a person says them: at once, whole to 10, by 5 to 60, then minutes. */
export function aboutEn(seconds: number): string {
  if (seconds < 1) return "at once";
  if (seconds <= 10) return `about ${Math.round(seconds)} s`;
  if (seconds < 60) return `about ${Math.round(seconds / 5) * 5} s`;
  return `about ${Math.round(seconds / 60)} min`;
}

export const en = {
  name: "English",
  number: (n: number) => whole.format(n),
  tokens,

  // Header
  library: "Library",
  untitled: "Untitled",
  titleOf: "Title",
  saved: "Saved",
  saving: "Saving…",
  keptHere: "Kept in this browser",
  view: "View",
  noModel: "No model yet",
  onMachine: (model: string, machine: string) => (machine ? `${model} on ${machine}` : model),
  gone: "Coblyn does not answer",
  looking: "Looking for the server",
  loadingModel: (model: string) => `Loading ${model || "the model"}`,
  restarting: "The engine starts again",
  stopped: "The engine has stopped",
  machineDetails: "About the model and the machine",
  file: "File",
  contextOf: (n: number) => `Context of ${tokens(n)}`,
  allFlags: "What the machine has",
  chooseAnother: "Choose another",

  // Price and lens
  atOnce: "Starts at once",
  readsNew: (n: number, s: number | null) => `Reads ${count(n, "new token", "new tokens")}${s === null ? "" : `, ${aboutEn(s)}`}`,
  readsAgain: (n: number, s: number | null) => `Reads ${tokens(n)} again${s === null ? "" : `, ${aboutEn(s)}`}.`,
  waitsFor: (n: number) => `Waits for ${count(n, "other request", "other requests")}`,
  causeTrimmed: "The beginning was cut to make room.",
  causeNote: "The author’s note changed or moved.",
  causeMemory: "The memory changed.",
  causeCharacter: "A character changed.",
  causeText: "You changed earlier text.",
  causeLore: (name: string) => `The entry ${name} came, went or moved.`,
  lensNext: "Next",
  lensLast: "Last",
  lensEmpty: "Nothing was sent yet.",
  reusedUpTo: (n: number) => `Reused: ${tokens(n)}`,
  outOfSight: (n: number) => `${count(n, "character", "characters")} at the beginning do not fit`,
  segSame: "same",
  segPart: "in part",
  segNew: "to read",
  segMemory: "Memory",
  segLore: "Lore",
  segCharacter: "Character",
  segPersona: "Persona",
  segExamples: "Examples",
  segNote: "Author’s note",
  segStory: "Story",
  loreFired: "Fired",
  loreSilent: (n: number) => `Lore not used (${whole.format(n)})`,
  firedAlways: "Fired: always on.",
  firedSticky: (n: number) => `Fired: stays for ${count(n, "more message", "more messages")}.`,
  firedActivated: "Fired: looked for further back.",
  firedCalled: (name: string) => `Fired: called by the entry ${name}.`,
  firedKey: (key: string, back: number) => `Fired: “${key}” stands ${count(back, "paragraph", "paragraphs")} back.`,
  silentOff: "Switched off.",
  silentNoKey: "It has no key.",
  silentNoMatch: "No key occurs in the text that is looked at.",
  silentNearest: (key: string, back: number) => `No key is near. Nearest: “${key}”, ${whole.format(back)} back.`,
  silentForbidden: (key: string, other: string) => `The key “${key}” occurs, but so does “${other}”, which forbids it.`,
  silentRoll: (roll: number, max: number) => `Rolled ${whole.format(roll)}, needed ${whole.format(max)} or less. A retry rolls anew.`,
  silentGroup: (name: string) => `Lost its group to ${name}.`,
  silentBudget: (used: number, max: number) => `No room: ${whole.format(used)} of ${whole.format(max)} lore tokens are used by entries before it.`,
  silentRests: (n: number) => `Rests for ${count(n, "more message", "more messages")}.`,
  silentSlow: "Its pattern took too long and was stopped.",
  silentBad: "Its pattern is no regular expression.",
  silentOther: (why: string) => `Does not fire here (${why.replaceAll("_", " ")}).`,

  // Note, lore, characters
  note: "Author’s note",
  noteHint: "Stands so many paragraphs above the end: the tone, the next turn.",
  noteDepth: "Paragraphs up",
  newEntry: "New entry",
  entryName: "Name",
  entryKeys: "Keys",
  entryKeysHint: "Separated by commas; /like this/i is a pattern.",
  entryForbidden: "None of",
  entryText: "Text",
  entryOn: "On",
  entryAlways: "Always on",
  entryChance: "Chance",
  noLore: "There is no lore yet. An entry is read when one of its keys occurs in the text.",
  newCharacter: "New character",
  characterName: "Name",
  characterText: "Description",
  characterIn: "Takes part",
  noCharacters: "There are no characters yet. Drop a card here, or write one.",
  report: { understood: "Understood:", kept: "Kept, not used:", dropped: "Left out:", notes: "Noted:" },
  importCard: "Import a card or lore",
  edit: "Edit",

  // Branches
  youAreHere: "you are here",
  nameless: "Without a name",
  mainBranch: "Beginning",
  goHere: "Go here",
  branchName: "Name",
  branchHere: "Branch here",
  compareWith: (name: string) => `Here and in ${name}`,
  takeParagraph: "Take this paragraph",
  noDifference: "The texts are the same.",

  // Takes
  moreWays: "More ways to go on",
  writeTakes: (n: number) => `Write ${whole.format(n)} takes`,
  takesOf: (n: number) => `${count(n, "take", "takes")} of the next piece`,
  takesKeys: "Left and Right: take. Up and Down: sentence. Enter: use.",
  take: (n: number) => `Take ${whole.format(n)}`,
  takeWriting: "writing",
  useTake: "Use this take",
  useUpTo: "Use up to here",
  stopAll: "Stop all",
  done: "Done",

  // Doctor
  doctorDrop: "Drop the log of a build that failed, of any program, or paste it below.",
  doctorFile: "A log file",
  doctorPaste: "What the build printed",
  doctorReads: "Reading the log.",
  doctorUnknown: "This build failed for a reason that is not in the catalogue.",
  doctorClean: "Nothing in this log says that a build failed.",

  // The first visit
  sampleTitle: "The Knockers of Cwm Carreg",
  sampleMemory: "A fireside tale from a Welsh mining valley, dry and kind.",
  sampleText:
    "In the year the river froze, the men of Cwm Carreg went on working underground, because it was warmer there than in " +
    "their own kitchens. They carried their bread inside their shirts, and on the way down they counted the rungs aloud, " +
    "so that anyone listening below would know how many were coming.\n\nGwen was not supposed to count. She was fourteen, " +
    "and she had taken her brother’s place on the ladder while he lay at home with the fever.",

  // Library
  locale: "en",
  backToDesk: "Back to the desk",
  newStory: "New story",
  importFile: "Import",
  exportFile: "Export",
  backup: "Back up all",
  searchAll: "Search all stories",
  noHits: "No story has these words.",
  noStories: "There are no stories yet.",
  trash: "Trash",
  toTrash: "Move to the trash",
  restore: "Restore",
  emptyTrash: "Empty the trash",
  sure: (n: number) => `Yes, ${count(n, "story", "stories")} for ever`,
  trashEmpty: "The trash is empty.",
  words: (n: number) => count(n, "word", "words"),

  // Rail and panels
  panels: "Panels",
  menu: "Menu",
  story: "Story",
  lore: "Lore",
  characters: "Characters",
  context: "Context",
  branches: "Branches",
  sampler: "Sampler",
  model: "Model",
  doctor: "Doctor",
  close: (what: string) => `Close ${what}`,
  memory: "Memory",
  memoryHint: "Always stands above the story, however long it gets: who, where, in which voice.",
  stop: "Stop",
  stopSequences: "Stop sequences",
  stopHint: "One a line; \\n is a line end. Writing ends where one would appear.",
  saveCopy: "Save a copy",

  // Bar
  writing: "Writing",
  generate: "Generate",
  generateHint: (key: string) => `Write on at the end of the text (${key})`,
  stopWriting: (key: string) => `Stop (${key})`,
  retry: "Retry",
  retryHint: (key: string) => `Another take of the last piece (${key})`,
  undo: "Undo",
  redo: "Redo",
  sending: "Sending",
  stopping: "Stopping",
  readingPrompt: "Reading the prompt",
  reading: (done: number, total: number, seconds: number | null) =>
    `Reading ${whole.format(done)} of ${tokens(total)}${seconds === null ? "" : `, ${Math.max(1, Math.round(seconds))} s left`}`,
  writingTokens: (n: number, max: number, rate: number | null) =>
    `${whole.format(n)} of ${tokens(max)}${rate === null ? "" : `, ${whole.format(Math.round(rate))} a second`}`,
  wrote: (n: number, rate: number | null) =>
    `${tokens(n)}${rate === null ? "" : `, ${new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(rate)} a second`}`,
  contextUse: "Context use",
  used: (n: number, of: number) => `${whole.format(n)} of ${tokens(of)}`,
  overflows: "The beginning of the story no longer fits into the model’s context.",

  // Editor
  placeholder: "Write the first lines, then let the model go on.",
  newText: "New text",

  // View
  theme: "Theme",
  themeSystem: "As the system",
  themeLight: "Light",
  themeDark: "Dark",
  textSize: "Text size",
  measure: "Line length",
  face: "Typeface",
  faceSerif: "Serif",
  faceSans: "Sans",
  authors: "Who wrote what",
  authorsLast: "The last piece",
  authorsAll: "All the model’s words",
  language: "Language",
  keys: "Keys",
  announce: "Read aloud",
  announceSentences: "Whole sentences",
  announceEnd: "Only the end",
  announceNothing: "Nothing",

  // Palette
  palette: "Commands",
  paletteHint: "Type a command’s name, or the digit of a panel",
  nothingFound: "Nothing has this name.",
  goToText: "Go to the text",

  // Sampler
  defaults: "Defaults",
  changedOnly: "Changed only",
  nothingChanged: "Nothing is changed.",
  length: "Length",
  lengthHint: "Maximum number of tokens per piece.",
  seed: "Seed",
  seedHint: "The same seed gives the same text; −1 draws a new one.",
  slider: (label: string) => `${label}, slider`,
  preset: "Preset",
  presetNone: "Your own",
  sourceOf: (source: string) => `Source: ${source}`,
  samplerGone: "The table of parameters could not be read.",
  tryAgain: "Try again",

  // What happens
  saidGenerating: "Generating.",
  saidStopped: "Stopped.",
  saidFinished: (n: number) => `Finished, ${tokens(n)}.`,
  log: "New text",
  closeMessage: "Close this message",
  nothingToAdd: "The model had nothing to add.",
  nothingToAddHint: "It ends the text here. Write a few words more, or press Generate again.",
  safe: "Your text is safe.",
  noticeGone: "Coblyn does not answer.",
  noticeGoneHint: "It may have been closed. Start it again with “coblyn serve”, then try again. Your text is safe.",
  noticeCut: "The connection to Coblyn broke while it was writing.",
  noticeCutHint: "What had arrived is kept. Press Generate to go on from there, or Retry for another take.",
  noticeKey: "This server asks for a key.",
  noticeKeyHint: "The page cannot send one yet. Open it on the machine on which Coblyn runs.",
  noticeBusy: "Coblyn is busy, or its model is not ready.",
  noticeBusyHint: "Wait a moment and try again.",
  noticeBug: "The page has failed.",
  noticeStatus: (status: number) => `Coblyn answered with error ${status}. Try again.`,
  otherTab: "This story was changed in another tab.",
  notSaved: "Not saved.",
  openElsewhere: ", also open elsewhere",
  brokenStory: "This story could not be opened. Nothing in it was changed.",
  openReadable: (version: number) => `Open as it was, ${count(version, "change", "changes")} from its beginning`,
  otherTabHint: "Choose which one to go on with. The other one becomes a branch, and is not lost.",
  keepThis: "Keep this one",
  takeOther: "Take the other",
  storageNone: "This browser keeps no text for pages.",
  storageHint: "What you write goes to the server at once, but has no spare copy here while the server is away.",
};

/** The same keys in every language: texts stay texts, and sentences with slots keep their slots. */
export type Words = { [Key in keyof typeof en]: (typeof en)[Key] extends string ? string : (typeof en)[Key] };
