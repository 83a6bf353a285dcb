// Questions to the service, and what is shown until it answers, and where it does not.

import { button, element } from "./draw.js";

let key = ""; // kept nowhere else: gone with the page
const asking = new WeakMap();
const PATIENCE = 3; // times that a busy service is asked again by itself

export class Refused extends Error {
  constructor(status, detail, id = "", wait = 0) {
    super(detail);
    Object.assign(this, { status, id, wait });
  }
}

// A body makes it a POST, which keeps what is asked out of the logs of machines between.
export async function ask(path, body, signal) {
  if (/[^\x21-\x7e]/.test(key)) throw new Refused(401, ""); // no header can hold it, and no key is like that
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  const post = body && { method: "POST", body: JSON.stringify(body) };
  if (post) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { ...post, headers, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The service does not answer.");
  }
  const found = await answer.json().catch(() => null);
  if (answer.ok && found) return found;
  const { detail = "The service gave no answer that can be read.", request_id: id } = found || {};
  throw new Refused(answer.status, detail, id, Number(answer.headers.get("retry-after")) || 1);
}

// Fills a place with what `question(signal)` finds and `show(found)` makes of it: nodes, what is said of them, and which
// of them is the next to be looked at. A newer question takes its place.
export async function fill(section, question, show, tries = 0) {
  const place = section.querySelector(".answer");
  const status = section.querySelector("[role=status]");
  const control = stopped(section);
  place.setAttribute("aria-busy", "true");
  if (!place.hasChildNodes()) place.append(element("p", { class: "line waiting" }, "Asking…"));
  status.textContent = "";
  let nodes, said, next;
  try {
    ({ nodes, said, next } = show(await question(control.signal)));
  } catch (error) {
    if (!(error instanceof Refused)) {
      if (error.name === "AbortError") return;
      throw error;
    }
    if (control.signal.aborted) return;
    const again = (next) => fill(section, question, show, next);
    nodes = [problem(error, tries, again, control.signal)];
  }
  if (control.signal.aborted) return;
  place.removeAttribute("aria-busy");
  const held = place.contains(document.activeElement);
  place.replaceChildren(...nodes);
  status.textContent = said || "";
  place.querySelector("#key")?.focus();
  if (held) next?.focus(); // what had the focus is gone
}

// Ends what a place still waits for, and gives what would end the next.
export function stopped(section) {
  asking.get(section)?.abort();
  section.querySelector(".answer").removeAttribute("aria-busy");
  const control = new AbortController();
  asking.set(section, control);
  return control;
}

function problem(error, tries, again, signal) {
  if (error.status === 401) return keyForm(again);
  const box = told(error);
  if (error.status === 503 && tries < PATIENCE) box.append(countdown(error.wait, () => again(tries + 1), signal));
  if (error.status !== 422 && error.status !== 404) box.append(button("Ask again", () => again(0)));
  if (error.id) box.append(element("p", { class: "hint" }, `Request ${error.id}`));
  return box;
}

// What went wrong, in a box; `of` says with what.
export function told(error, of = "") {
  return element("div", { class: "problem", role: "alert" }, element("p", {}, of ? `${of}: ` : "", sentence(error)));
}

function sentence(error) {
  const known = { 503: "The service is busy.", 504: "The answer took too long and was given up." };
  const text = known[error.status] || error.message;
  return text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

function countdown(seconds, again, signal) {
  const line = element("p", { class: "hint" });
  const tick = (left) => {
    if (signal.aborted) return;
    if (left <= 0) return void again();
    line.textContent = `It is asked again in ${left} s.`;
    setTimeout(tick, 1000, left - 1);
  };
  tick(Math.ceil(seconds));
  return line;
}

function keyForm(again) {
  const field = element("input", { type: "password", id: "key", autocomplete: "off", required: "" });
  const form = element(
    "form",
    { class: "problem" },
    element("p", { role: "alert" }, key ? "That key is not one of the service’s." : "The service asks for a key."),
    element("div", { class: "controls" }, element("label", { for: "key" }, "Key"), field, element("button", { type: "submit", class: "main" }, "Use it")),
    element("p", { class: "hint" }, "It stays in this page’s memory and is gone when the page is closed."),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    key = field.value.trim();
    again(0);
  });
  return form;
}
