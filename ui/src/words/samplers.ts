/** What the samplers are called by those who use them; their meanings come with the server's table. */

const NAMES: Readonly<Record<string, string>> = {
  top_k: "Top-k",
  top_p: "Top-p",
  min_p: "Min-p",
  top_a: "Top-a",
  typical_p: "Typical-p",
  tail_free: "Tail-free",
  top_n_sigma: "Top-n-sigma",
  dynatemp_range: "Dynamic temperature, range",
  dynatemp_exponent: "Dynamic temperature, exponent",
  xtc_threshold: "XTC threshold",
  xtc_probability: "XTC probability",
  dry_multiplier: "DRY multiplier",
  dry_base: "DRY base",
  dry_allowed_length: "DRY allowed length",
  dry_range: "DRY range",
  mirostat_tau: "Mirostat tau",
  mirostat_eta: "Mirostat eta",
};

/** A name for people: one that is not listed is its name in the table, in words. */
export function labelOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return NAMES[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
