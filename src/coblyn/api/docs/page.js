// Finds routes by words, and sends requests. Text only ever becomes text, never markup.
"use strict";

const words = document.getElementById("words");
const key = document.getElementById("key");

document.getElementById("find").addEventListener("submit", (event) => event.preventDefault());

words.addEventListener("input", () => {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll("main section")) {
    let isFound = false;
    for (const route of section.querySelectorAll("details")) {
      const text = route.textContent.toLowerCase();
      route.hidden = !wanted.every((word) => text.includes(word));
      isFound ||= !route.hidden;
    }
    section.hidden = !isFound;
  }
});

for (const form of document.querySelectorAll("form.try")) {
  const [send, stop] = form.querySelectorAll("button");
  const status = form.querySelector("output");
  const answer = form.querySelector("pre");
  let request = new AbortController();

  stop.addEventListener("click", () => request.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    request = new AbortController();
    send.disabled = true;
    stop.disabled = answer.hidden = false;
    answer.textContent = status.textContent = "";
    try {
      const response = await fetch(address(form), { ...what(form), signal: request.signal });
      status.textContent = `${response.status} ${response.statusText}`;
      await show(response, answer);
    } catch (error) {
      status.textContent += request.signal.aborted ? " stopped" : ` ${error.message}`;
    }
    send.disabled = false;
    stop.disabled = true;
  });
}

/** The address, relative to this page, so that it is right behind a proxy's prefix too. */
function address(form) {
  const path = form.dataset.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value));
  return path.slice(1) || ".";
}

function what(form) {
  const body = form.querySelector("textarea")?.value;
  const headers = key.value ? { authorization: `Bearer ${key.value}` } : {};
  if (body !== undefined) headers["content-type"] = "application/json";
  return { method: form.dataset.method, headers, body };
}

/** Streams are shown as they arrive; a whole answer that is JSON is indented. */
async function show(response, answer) {
  if (!response.body) return;
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  if (isJson) {
    answer.textContent = JSON.stringify(await response.json(), null, 2);
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) answer.append(part.value);
}
