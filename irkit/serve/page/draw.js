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

export function number(value, signed = false) {
  if (value === null || value === undefined) return DASH;
  const size = Math.abs(value);
  const text = size >= 1e6 || (size > 0 && size < 1e-4) ? size.toExponential(2) : size.toFixed(4);
  return (value < 0 ? MINUS : signed && value > 0 ? "+" : "") + text;
}

export function many(count, one) {
  return `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
}

// Text with the words marked that begin like a word of the query, or are the very word of an index's term.
export function marked(text, words, terms) {
  const wanted = words.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || [];
  const known = (word) => wanted.some((one) => alike(word, one)) || terms.some((one) => alike(word, one));
  return text.split(/([\p{L}\p{N}_]+)/u).map((part, i) => (i % 2 && known(part.toLowerCase()) ? element("mark", {}, part) : part));
}

// As `irkit.evaluate.looks.alike`.
function alike(one, other) {
  if (one === other || /[\p{N}_]/u.test(one + other)) return one === other;
  const least = Math.max(5, Math.min(one.length, other.length) - 2);
  return one.slice(0, least) === other.slice(0, least) && Math.min(one.length, other.length) >= least;
}

// What is summed up, each with a bar whose length is its share of the greatest.
export function bars(rows, { unit = "", heads = ["term", "adds"] } = {}) {
  const most = Math.max(...rows.map((row) => Math.abs(row.value)), Number.MIN_VALUE);
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
        element("td", { class: "number" }, number(row.value) + unit),
        element("td", { class: "drawn", "aria-hidden": "true" }, bar),
      );
    })),
  );
}
