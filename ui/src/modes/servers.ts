/** Tool servers that an assistant may use: which are on in a story, and which of their tools run without asking. Pure. */

/** Names of the tools that are always allowed, by the server that is on. */
export type Servers = Readonly<Record<string, readonly string[]>>;

/** The result of a call that is refused, for the model. */
export const REFUSED = "The user did not allow this call.";

/** As the story has it in `settings/tool_servers`. */
export function serversOf(stored: unknown): Servers {
  if (typeof stored !== "object" || stored === null) return {};
  return Object.fromEntries(
    Object.entries(stored).map(([name, value]) => {
      const allowed = (value as { allowed?: unknown } | null)?.allowed;
      return [name, Array.isArray(allowed) ? allowed.filter((tool) => typeof tool === "string") : []];
    }),
  );
}

/** The servers among a request's tools. Their calls come back to the page, which asks for them and keeps the results as turns. */
export function asTools(servers: Servers): Record<string, unknown>[] {
  return Object.keys(servers).map((name) => ({ type: "mcp", server_label: name, require_approval: "always" }));
}

/** The server and the tool of a call; null for a tool of the writer's. */
export function toolOf(called: string, servers: Servers): { server: string; tool: string } | null {
  const server = Object.keys(servers).filter((name) => called.startsWith(`${name}__`)).sort((a, b) => b.length - a.length)[0];
  return server === undefined ? null : { server, tool: called.slice(server.length + 2) };
}

/** A foreign text as it may stand in a result: it neither ends there nor begins turns. */
export function tame(result: string): string {
  return result.replaceAll("{{[", "{ {[").replaceAll("</tool_response", "< /tool_response");
}
