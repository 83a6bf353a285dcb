// Where the page is, kept in its address: #/search?q=storm&a=bm25. A link leads there; "back" leads back.

export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { part: path || "search", asked: Object.fromEntries(new URLSearchParams(query)) };
}

export function address(part, asked) {
  const given = Object.entries(asked).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  return `#/${part}${query ? `?${query}` : ""}`;
}

// Goes there, which the browser's history keeps; the same question once more is asked once more.
export function go(part, asked) {
  const wanted = address(part, asked);
  if (location.hash === wanted) dispatchEvent(new Event("hashchange"));
  else location.hash = wanted;
}
