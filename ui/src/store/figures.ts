/** Figures and facts in few words. */

/** Tokens per second of a finished generation; null where there is none to tell: the first token comes out of the prompt's own step. */
export function speedOf(stats: { completionTokens: number; decodeSeconds: number }): number | null {
  const decoded = stats.completionTokens - 1;
  return decoded > 0 && stats.decodeSeconds > 0 ? decoded / stats.decodeSeconds : null;
}

/** Instruction sets as the server lists them, the most telling first, and what people call them. */
const SETS = [
  ["AMX", "AMX"],
  ["AVX512", "AVX-512"],
  ["AVX2", "AVX2"],
  ["SVE", "SVE"],
  ["NEON", "NEON"],
] as const;

/** What accelerates the model, in a word or two: of a CPU's list of flags only the one that tells most. */
export function briefly(accelerator: string): string {
  if (!accelerator.startsWith("CPU: ")) return accelerator;
  const flags = accelerator.slice("CPU: ".length).split(/[,;] */);
  const known = SETS.find(([start]) => flags.some((flag) => flag.startsWith(start)));
  return known ? `CPU, ${known[1]}` : "CPU";
}

/** Per cent of a fraction; never the whole before it is over. */
export const percentOf = (fraction: number): number => Math.min(99, Math.floor(fraction * 100));
