/** Hands the writer a text as a file. */

export function saveCopy(text: string, name = "story.txt"): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads it after the click; a minute is more than enough.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
