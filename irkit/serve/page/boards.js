// The boards of a result file, as `irkit leaderboard` prints them.

import { go } from "./address.js";
import { ask, fill } from "./ask.js";
import { element, minus } from "./draw.js";
import { options } from "./search.js";

const section = document.getElementById("boards");
const select = section.querySelector("select");

export function prepare(names) {
  options(select, names);
  select.onchange = () => go("boards", { name: select.value });
}

export function show(question, names) {
  const name = question.name ?? names[0];
  select.value = name;
  document.title = `${name} · irkit serve`;
  fill(section, (signal) => ask(`boards/${encodeURIComponent(name)}`, null, signal), (report) => ({
    said: `${report.boards.length} boards of ${report.suite || report.name}.`,
    nodes: [
      element("h2", {}, report.suite || report.name),
      report.about ? element("p", { class: "about" }, report.about) : "",
      report.date ? element("p", { class: "line" }, `Measured ${report.date}.`) : "",
      ...report.boards.map(board),
    ],
  }));
}

function board(one) {
  const room = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": one.title }, table(one));
  const tell = () => room.classList.toggle("more", room.scrollWidth - room.clientWidth - room.scrollLeft > 1);
  room.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(room);
  const marks = one.rows.some((row) => row.some((cell) => cell.mark));
  const legend = [one.interval && `Beneath a mean: its ${one.interval} interval.`, marks && one.against && `▲ better, ▼ worse than ${one.against}.`];
  return element(
    "section",
    { class: "board" },
    element("h3", {}, one.title),
    element("p", { class: "line" }, one.head),
    room,
    element("p", { class: "sideways", "aria-hidden": "true" }, "More columns: scroll the table sideways →"),
    element("p", { class: "legend" }, element("strong", {}, "Bold"), ": best of its column. ", legend.filter(Boolean).join(" ")),
    one.notes.length ? element("ul", { class: "notes" }, ...one.notes.map((note) => element("li", {}, note))) : null,
  );
}

function table(one) {
  const kind = (i) => (i ? "number" : "name");
  return element(
    "table",
    { class: "systems" },
    element("thead", {}, element("tr", {}, ...one.columns.map((heading, i) => element("th", { scope: "col", class: kind(i) }, heading)))),
    element("tbody", {}, ...one.rows.map((row, r) => element(
      "tr",
      { class: r === one.baseline ? "baseline" : null },
      ...row.map((cell, i) => element(i ? "td" : "th", { class: kind(i), scope: i ? null : "row" }, ...content(cell))),
    ))),
  );
}

function content(cell) {
  const sign = { better: "▲", worse: "▼" }[cell.mark];
  return [
    cell.best ? element("strong", {}, minus(cell.text)) : minus(cell.text),
    sign ? element("span", { class: `mark ${cell.mark}` }, element("span", { "aria-hidden": "true" }, ` ${sign}`), element("span", { class: "spoken" }, ` ${cell.mark} than the baseline`)) : "",
    cell.interval ? element("span", { class: "interval" }, minus(cell.interval)) : "",
  ];
}
