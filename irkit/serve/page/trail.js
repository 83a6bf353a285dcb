// Why a document has its score: the trail through each pipeline, and the document's text.

import { address, go, here } from "./address.js";
import { ask, fill, stopped, Refused } from "./ask.js";
import { button, element, folded, many, number, shares } from "./draw.js";

const PART = 4000; // characters of a text that are asked for at once
const MOST = 12; // terms that are shown at once
const dialog = document.getElementById("why");
let shown = "";
let listed = ""; // the address of the list that was shown last: "back" leads to it
let within = false; // whether the dialog was opened from it

dialog.querySelector(".close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  stopped(dialog);
  shown = "";
  const { part, asked } = here();
  if (!asked.doc) return;
  const { doc, ...rest } = asked;
  if (within) history.back();
  else go(part, rest);
});

// No question: another part of the page is shown.
export function show(question, catalogue) {
  const { doc, ...rest } = question ?? {};
  const { q, b } = rest;
  if (!q || !doc) {
    listed = q ? address("search", rest) : "";
    if (dialog.open) dialog.close();
    return;
  }
  const index = rest.index ?? catalogue.indexes[0]?.name;
  const holds = catalogue.indexes.find((one) => one.name === index)?.texts;
  const first = rest.a ?? catalogue.pipelines[0]?.name;
  const names = [first, ...(b && b !== first ? [b] : [])];
  const wanted = JSON.stringify([q, doc, index, names]);
  if (wanted === shown) return;
  shown = wanted;
  document.getElementById("why-title").replaceChildren(element("bdi", {}, doc));
  dialog.querySelector(".answer").replaceChildren();
  if (!dialog.open) {
    // What was opened from its list is so whenever the browser comes back to it, and other things never are.
    if (!history.state) history.replaceState({ within: listed === address("search", rest) }, "");
    within = history.state.within;
    dialog.showModal();
  }
  const base = `v1/${encodeURIComponent(index)}`;
  const asked = (signal) => Promise.all([
    holds ? read(base, doc, 0, signal) : null,
    ...names.map((pipeline) => ask(`${base}/explain`, { query: q, docno: doc, pipeline }, signal)),
  ]);
  fill(dialog, asked, ([text, ...trails]) => ({
    said: trails.map((found) => `${found.pipeline}: ${place(found)}`).join("; "),
    nodes: [element("div", { class: "trails" }, ...trails.map(trail)), whole(base, doc, text)],
  }));
}

// A document whose text cannot be had is explained all the same. Browsers take "." and ".." for folders in any address.
async function read(base, doc, start, signal) {
  const parts = doc.split("/");
  if (parts.includes(".") || parts.includes("..")) return null;
  const path = parts.map(encodeURIComponent).join("/");
  try {
    return await ask(`${base}/doc/${path}?start=${start}&length=${PART}`, null, signal);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

// Characters as the service counts them: one beyond U+FFFF is one.
const characters = (text) => [...text].length;

function whole(base, doc, text) {
  if (!text) return element("p", { class: "line" }, "The index holds no text of it.");
  const body = element("p", { class: "whole" }, text.text);
  const holder = element("section", { class: "document", "aria-label": "Text" }, element("h3", {}, "Text"), body);
  let end = characters(text.text);
  const more = button("Read on", async () => {
    const next = await read(base, doc, end).catch(() => null);
    if (!next) return;
    body.append(next.text);
    end += characters(next.text);
    if (end >= next.length || !next.text) more.remove();
  });
  if (end < text.length) holder.append(more);
  return holder;
}

function place(found) {
  return found.rank === null ? "not among the results" : `place ${found.rank}, score ${number(found.score)}`;
}

function trail(found) {
  return element(
    "section",
    { class: "trail", "aria-label": found.pipeline },
    element("h3", {}, element("bdi", {}, found.pipeline)),
    element("p", { class: "line" }, place(found)),
    element("ol", { class: "steps" }, ...found.steps.map(step)),
  );
}

function step(one) {
  const depth = one.step.split(".").length - 1;
  const lacks = one.rank === null && one.score === null && one.query === null;
  const values = one.rank === null ? [] : [element("span", {}, `place ${one.rank}`), element("span", { class: "score" }, number(one.score))];
  return element(
    "li",
    { class: `step deep-${Math.min(depth, 3)}${lacks ? " lacks" : ""}` },
    element("p", { class: "head" }, element("span", { class: "rank" }, one.step), element("code", {}, one.stage), ...values, lacks && !one.counted ? element("span", {}, "does not give it") : null),
    one.counted ? element("p", { class: "hint" }, one.counted) : null,
    one.query ? element("details", {}, element("summary", {}, "The query it gave"), element("p", { class: "rewritten" }, one.query)) : null,
    folded(shares(one.terms, one.omitted), ["term", "weight", "adds"], MOST, (count) => many(count, "more term")),
    folded(one.sources.map((from) => ({ name: from.term, note: `from ${from.source}${from.unit === "nats" ? ", nats" : ""}`, weight: from.weight, value: from.amount })), ["term", "weight", "amount"], 0, (count) => `Where terms came from, ${count}${one.omitted_sources ? ` of ${count + one.omitted_sources}` : ""}`),
    folded(one.features.map((feature) => ({ name: feature.name, value: feature.value })), ["feature", "value"], 0, (count) => many(count, "feature")),
  );
}
