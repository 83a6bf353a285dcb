// Elements, numbers and texts. What comes from the service only ever becomes a text node or an attribute's value.

const MINUS = "\u2212";
const DASH = "\u2013";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function button(text, does, attributes = {}) {
  const node = element("button", { type: "button", class: "quiet", ...attributes }, text);
  node.addEventListener("click", does);
  return node;
}

// As on the pages of boards: a hyphen before a digit is a minus.
export function minus(text) {
  return text.replace(/(^|[\s≥≤~±])-(?=\d)/g, `$1${MINUS}`);
}

export function number(value) {
  if (value === null || value === undefined) return DASH;
  const size = Math.abs(value);
  const text = size >= 1e6 || (size > 0 && size < 1e-4) ? size.toExponential(2) : size.toFixed(4);
  return (value < 0 ? MINUS : "") + text;
}

export function many(count, one) {
  return `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
}

// Text with the words marked that are like a word of the query, or like a term that was added to it.
export function marked(text, words, added) {
  const wanted = words.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || [];
  const long = added.filter((term) => term.length > 3);
  return text.split(/([\p{L}\p{N}_]+)/u).map((part, i) => {
    const word = part.toLowerCase();
    if (i % 2 === 0) return part;
    if (wanted.some((one) => alike(word, one))) return element("mark", {}, part);
    return long.some((one) => alike(word, one)) ? element("mark", { class: "added" }, part) : part;
  });
}

// As `irkit.evaluate.looks.alike`.
function alike(one, other) {
  if (one === other || /[\p{N}_]/u.test(one + other)) return one === other;
  const least = Math.max(5, Math.min(one.length, other.length) - 2);
  return one.slice(0, least) === other.slice(0, least) && Math.min(one.length, other.length) >= least;
}

// Shares of a score as rows, and what is left out of them as one more.
export function shares(terms, omitted) {
  const rows = terms.map((share) => ({ name: share.term, weight: share.weight, value: share.contribution }));
  return omitted ? [...rows, { name: "", note: `${many(omitted.count, "other")} together`, weight: null, value: omitted.contribution }] : rows;
}

// Bars of the first rows; the others, or all where none shall be open, behind a line that says how many.
export function folded(rows, heads, first, words) {
  if (!rows.length) return null;
  const most = Math.max(...rows.map((row) => Math.abs(row.value)), Number.MIN_VALUE);
  const rest = rows.slice(first);
  const open = first ? [bars(rows.slice(0, first), heads, most)] : [];
  return element("div", {}, ...open, rest.length ? element("details", {}, element("summary", {}, words(rest.length)), bars(rest, heads, most)) : null);
}

// What is summed up, each with a bar whose length is its share of the greatest.
function bars(rows, heads, most) {
  return element(
    "table",
    { class: "bars" },
    element("thead", {}, element("tr", {}, ...heads.map((head, i) => element("th", { scope: "col", class: i ? "number" : null }, head)), element("td"))),
    element("tbody", {}, ...rows.map((row) => {
      const bar = element("span", { class: row.value < 0 ? "bar less" : row.kind ? `bar ${row.kind}` : "bar" });
      bar.style.width = `${(100 * Math.abs(row.value)) / most}%`;
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, element("bdi", {}, row.name), row.note ? element("span", { class: "hint" }, ` ${row.note}`) : null),
        ...(heads.length > 2 ? [element("td", { class: "number" }, number(row.weight))] : []),
        element("td", { class: "number" }, number(row.value)),
        element("td", { class: "drawn", "aria-hidden": "true" }, bar),
      );
    })),
  );
}
