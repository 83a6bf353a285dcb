// Recommendations for a user, each with what its score is the sum of.

import { address, go } from "./address.js";
import { ask, fill, stopped } from "./ask.js";
import { element, folded, many, number, shares } from "./draw.js";
import { options } from "./search.js";

const FIRST = 10;
const SHARES = 8; // of a score that are shown at once
const section = document.getElementById("recommend");
const form = section.querySelector("form");

export function prepare(catalogue) {
  options(form.elements.model, catalogue.models.map((one) => one.name));
  const asked = () => ({ model: form.elements.model.value, user: form.elements.user.value.trim() });
  form.onsubmit = (event) => {
    event.preventDefault();
    go("recommend", asked());
  };
  form.elements.model.onchange = () => go("recommend", asked());
}

export function show(question, catalogue) {
  const model = question.model ?? catalogue.models[0]?.name;
  const first = Math.min(FIRST, catalogue.deepest);
  const { user = "", n = first } = question;
  form.elements.model.value = model ?? "";
  form.elements.user.value = user;
  document.title = user ? `${user} · irkit serve` : "Recommend · irkit serve";
  if (!user) {
    stopped(section);
    section.querySelector(".answer").replaceChildren(element("dl", { class: "served" }, ...catalogue.models.map(served)));
    return;
  }
  const count = Math.max(1, Math.floor(Number(n)) || first);
  fill(section, (signal) => ask(`v1/${encodeURIComponent(model)}/recommend`, { user, n: count, why: true }, signal), (found) => answer(found, question, count, catalogue.deepest));
}

function served(one) {
  return element("div", {}, element("dt", {}, one.name), element("dd", {}, `${one.about} ${many(one.users, "user")}, ${many(one.items, "item")}.`));
}

function answer(found, question, count, deepest) {
  const items = found.items.map(item);
  const next = Math.min(count + FIRST, deepest);
  const more = next > count && found.items.length === count;
  return {
    next: items[count - FIRST]?.querySelector("summary"),
    said: `${many(found.items.length, "item")} for user ${found.user}.`,
    nodes: [
      element("h2", {}, "For user ", element("bdi", {}, found.user)),
      found.notes.length ? element("ul", { class: "notes" }, ...found.notes.map((note) => element("li", {}, note))) : "",
      found.items.length ? element("ol", { class: "hits items" }, ...items) : element("p", { class: "empty" }, "Nothing is recommended."),
      more ? element("a", { class: "quiet more", href: address("recommend", { ...question, n: next }) }, `Show ${next - count} more`) : "",
    ],
  };
}

function item(one) {
  const why = one.why && shares(one.why, one.omitted);
  return element(
    "li",
    { class: "hit" },
    element("p", { class: "head" }, element("span", { class: "rank" }, String(one.rank)), element("bdi", { class: "docno" }, one.item), element("span", { class: "score" }, element("span", { class: "spoken" }, "score "), number(one.score))),
    why?.length ? element("details", {}, element("summary", {}, "Why", element("span", { class: "spoken" }, ` ${one.item}`)), folded(why, ["from", "weight", "adds"], SHARES, (count) => many(count, "more share"))) : null,
  );
}
