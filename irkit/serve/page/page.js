// The page: asks once what is served, then shows the part that its address names.

import { here } from "./address.js";
import { ask, fill } from "./ask.js";
import * as boards from "./boards.js";
import * as recommend from "./recommend.js";
import * as search from "./search.js";
import * as trail from "./trail.js";

const PARTS = ["search", "recommend", "boards"];
let served = null;

const everything = (signal) => Promise.all([ask("pipelines", null, signal), ask("boards", null, signal)]);

fill(document.getElementById("door"), everything, ([catalogue, { boards: names }]) => {
  served = { catalogue, names };
  search.prepare(catalogue);
  recommend.prepare(catalogue);
  boards.prepare(names);
  const there = { search: catalogue.indexes.length, recommend: catalogue.models.length, boards: names.length };
  for (const link of document.querySelectorAll("nav a")) link.parentElement.hidden = !there[link.dataset.part];
  served.parts = PARTS.filter((part) => there[part]);
  addEventListener("hashchange", show);
  show();
  return { nodes: [] };
});

function show() {
  const { part: wanted, asked } = here();
  const part = served.parts.includes(wanted) ? wanted : served.parts[0];
  for (const one of PARTS) document.getElementById(one).hidden = one !== part;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.part === part) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (part === "search") search.show(asked, served.catalogue);
  if (part === "recommend") recommend.show(asked, served.catalogue);
  if (part === "boards") boards.show(asked, served.names);
  trail.show(part === "search" ? asked : null, served.catalogue);
}

document.addEventListener("submit", (event) => event.preventDefault()); // also before there is anything to ask

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
  const field = [...document.querySelectorAll("input[type=search]")].find((one) => one.checkVisibility());
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});
