// How two lists of hits differ: for each hit, its place in the other.

// Returns what is said of a hit beside another list: a sign, words, and whether they differ.
export function placed(hit, other) {
  const place = other.places.get(hit.docno);
  if (place === undefined) return { sign: "+", text: "only here", spoken: `not among the first ${other.count} of ${other.name}`, kind: "only" };
  const by = place - hit.rank;
  if (by === 0) return { sign: "=", text: "", spoken: `at the same place in ${other.name}`, kind: "same" };
  const kind = by > 0 ? "up" : "down";
  return { sign: by > 0 ? "↑" : "↓", text: String(Math.abs(by)), spoken: `at place ${place} in ${other.name}`, kind };
}

export function listed(results) {
  return { name: results.pipeline, count: results.hits.length, places: new Map(results.hits.map((hit) => [hit.docno, hit.rank])) };
}

export function difference(one, other) {
  const shared = [...one.places.keys()].filter((docno) => other.places.has(docno));
  const same = shared.filter((docno) => one.places.get(docno) === other.places.get(docno)).length;
  if (!one.count && !other.count) return "Neither finds anything.";
  if (same === one.count && same === other.count) return "Both give the same documents in the same order.";
  const only = [one, other].map((list) => `${list.count - shared.length} only in ${list.name}`);
  return `${shared.length} in both, ${same} of them at the same place; ${only.join(", ")}.`;
}
