// Search: a query through one pipeline, or two side by side with their differences marked.

import { address, go } from "./address.js";
import { ask, fill, stopped, told, Refused } from "./ask.js";
import { difference, listed, placed } from "./compare.js";
import { button, element, folded, many, marked, number } from "./draw.js";

const FIRST = 10;
const TERMS = 8; // of an expanded query that are shown at once
const section = document.getElementById("search");
const form = section.querySelector("form");
let shown = ""; // the question whose answer is on the page

export function prepare(catalogue) {
  options(form.elements.index, catalogue.indexes.map((one) => one.name));
  const names = catalogue.pipelines.map((one) => one.name);
  options(form.elements.a, names);
  options(form.elements.b, ["", ...names], "nothing");
  form.elements.index.closest("label").hidden = catalogue.indexes.length < 2;
  form.elements.b.closest("label").hidden = names.length < 2;
  form.onsubmit = (event) => {
    event.preventDefault();
    shown = ""; // the same question is asked anew
    go("search", asked());
  };
  for (const select of form.querySelectorAll("select")) select.onchange = () => form.elements.q.value.trim() && go("search", asked());
}

export function options(select, names, none = "") {
  select.replaceChildren(...names.map((name) => element("option", { value: name }, name || none)));
}

function asked() {
  const { q, index, a, b } = form.elements;
  return { q: q.value.trim(), index: index.value, a: a.value, b: b.value === a.value ? "" : b.value };
}

export function show(question, catalogue) {
  const first = Math.min(FIRST, catalogue.deepest);
  const { q = "", index, a, b = "", k = first } = question;
  const chosen = { index: index ?? catalogue.indexes[0]?.name, a: a ?? catalogue.pipelines[0]?.name, b };
  if (q || shown) form.elements.q.value = q; // what is typed before all is there stays
  for (const [name, value] of Object.entries(chosen)) form.elements[name].value = value ?? "";
  document.title = q ? `${q} · irkit serve` : "irkit serve";
  const wanted = JSON.stringify([q, chosen, k]);
  if (wanted === shown) return;
  shown = wanted;
  if (!q.trim()) {
    stopped(section);
    section.querySelector(".answer").replaceChildren(...served(catalogue));
    return;
  }
  const count = Math.max(1, Math.floor(Number(k)) || first);
  const names = [chosen.a, ...(b && b !== chosen.a ? [b] : [])];
  const one = (pipeline, signal) => ask(`v1/${encodeURIComponent(chosen.index)}/search`, { query: q, pipeline, k: count, text: true }, signal);
  fill(section, (signal) => each(names, (name) => one(name, signal)), (found) => answer(found, question, count, catalogue.deepest));
}

// Of two pipelines one may fail; a busy service is asked again for both.
async function each(names, one) {
  const found = await Promise.all(names.map((name) => one(name).catch((error) => {
    if (!(error instanceof Refused) || [0, 401, 503].includes(error.status)) throw error;
    return { pipeline: name, error, hits: [], terms: [] };
  })));
  if (found.every((results) => results.error)) throw found[0].error;
  return found;
}

function served(catalogue) {
  const facts = catalogue.indexes.map((one) => element("div", {}, element("dt", {}, one.name), element("dd", {}, `${many(one.documents, "document")}, ${many(one.terms, "term")}`)));
  const pipelines = catalogue.pipelines.map((one) => element("div", {}, element("dt", {}, one.name), element("dd", {}, one.about, element("code", { class: "stages" }, one.stages.join(" → ")))));
  return [
    element("h2", {}, "What is served"),
    element("dl", { class: "facts" }, ...facts),
    element("dl", { class: "served" }, ...pipelines),
  ];
}

function answer(found, question, count, deepest) {
  const lists = found.map(listed);
  const two = found.length > 1;
  const whole = found.every((results) => !results.error);
  const columns = found.map((results, i) => column(results, two && whole ? lists[1 - i] : null, question));
  const holder = element("div", { class: two ? "lists two" : "lists", "data-on": "0" }, ...columns);
  const next = Math.min(count + FIRST, deepest);
  const more = next > count && found.some((results) => results.hits.length === count);
  const said = two && whole ? difference(...lists) : lists.filter((_, i) => !found[i].error).map((list) => `${many(list.count, "hit")} by ${list.name}.`).join(" ");
  const differ = holder.querySelector(".up, .down");
  holder.addEventListener("keydown", walk);
  for (const kind of ["focusin", "pointerover"]) holder.addEventListener(kind, twins);
  return {
    said,
    next: holder.querySelectorAll(".list:first-child .hit a")[count - FIRST],
    nodes: [
      ...(two ? [element("p", { class: "line" }, `${said} ${differ ? "↑ ↓: places higher or lower than in the other list." : ""}`), choice(holder, lists)] : []),
      holder,
      ...(more ? [element("a", { class: "quiet more", href: address("search", { ...question, k: next }) }, `Show ${next - count} more`)] : []),
    ],
  };
}

// On a narrow screen one list is shown at a time.
function choice(holder, lists) {
  const buttons = lists.map((list, i) =>
    button(element("bdi", {}, list.name), () => {
      holder.dataset.on = i;
      buttons.forEach((one, j) => one.setAttribute("aria-pressed", i === j));
    }, { "aria-pressed": i === 0 }),
  );
  return element("div", { class: "choice", role: "group", "aria-label": "List that is shown" }, ...buttons);
}

function column(results, other, question) {
  if (results.error) return element("section", { class: "list", "aria-label": results.pipeline }, told(results.error, results.pipeline));
  const hits = results.hits.map((hit) => row(hit, results, other, question));
  return element(
    "section",
    { class: "list", "aria-label": results.pipeline },
    element("h2", {}, element("bdi", {}, results.pipeline)),
    expansion(results),
    hits.length
      ? element("ol", { class: "hits" }, ...hits)
      : element("p", { class: "empty" }, "Nothing is found. Other words may help; a pipeline that expands queries looks for related ones."),
  );
}

function expansion({ terms, omitted_terms: omitted }) {
  if (!terms.length) return element("p", { class: "terms line" }, "The query as it was asked.");
  const added = terms.filter((term) => !term.original).length;
  const rows = terms.map((term) => ({ name: term.term, note: term.original ? "" : "added", value: term.weight, kind: term.original ? "own" : "" }));
  const which = omitted ? `the ${terms.length} heaviest` : `${added} added`;
  return element("details", { class: "terms" }, element("summary", {}, `The query became ${many(terms.length + omitted, "term")}, ${which}`), folded(rows, ["term", "weight"], TERMS, (count) => many(count, "more term")));
}

function row(hit, results, other, question) {
  const mark = other && placed(hit, other);
  const added = results.terms.filter((term) => !term.original).map((term) => term.term);
  const why = { ...question, doc: hit.docno };
  return element(
    "li",
    { class: mark ? `hit ${mark.kind}` : "hit", "data-docno": hit.docno },
    element("p", { class: "head" },
      element("span", { class: "rank" }, String(hit.rank)),
      element("a", { class: "docno", href: address("search", why) }, element("bdi", {}, hit.docno), element("span", { class: "spoken" }, ", why this score")),
      mark && element("span", { class: "moved" }, element("span", { "aria-hidden": "true" }, `${mark.sign} ${mark.text}`), element("span", { class: "spoken" }, mark.spoken)),
      element("span", { class: "score" }, element("span", { class: "spoken" }, "score "), number(hit.score)),
    ),
    hit.text ? element("p", { class: "passage" }, ...marked(hit.text, results.query, added)) : null,
  );
}

// Arrows go through the hits, and across to the other list.
function walk(event) {
  const by = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[event.key];
  const at = event.target.closest?.(".hit");
  if (!by || !at || event.altKey || event.ctrlKey || event.metaKey) return;
  const lists = [...event.currentTarget.querySelectorAll(".list")].map((list) => [...list.querySelectorAll(".hit")]);
  const which = lists.findIndex((list) => list.includes(at));
  const next = lists[which + by[0]];
  const to = next?.[by[0] ? Math.min(lists[which].indexOf(at), next.length - 1) : lists[which].indexOf(at) + by[1]];
  const link = to?.querySelector("a");
  if (!link?.checkVisibility()) return;
  event.preventDefault();
  link.focus();
}

// The same document in the other list stands out with the one that is looked at.
function twins(event) {
  const docno = event.target.closest?.(".hit")?.dataset.docno;
  for (const hit of event.currentTarget.querySelectorAll(".hit")) hit.classList.toggle("twin", hit.dataset.docno === docno);
}
