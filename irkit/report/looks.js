// What two systems found for one query: its text, and the documents that they place most differently.

const MOVED = 4;

function lookPanel(board) {
  const panel = element("div", { class: "look", role: "region", "aria-live": "polite", hidden: "" });
  panel.setAttribute("aria-label", `${capital(board.words.query)} looked at`);
  panel.show = (row, measure, [own, other]) => {
    const { query } = board.words;
    const text = textOf(board, row.qid);
    const values = [own, other].map((system, s) => `${apart(system.name)} ${number(s ? row.other : row.own, measure.digits)}`);
    panel.hidden = false;
    panel.replaceChildren(
      element("h4", {}, `${capital(query)} `, element("bdi", {}, shortened(row.qid, 60))),
      ...(text ? [element("p", { class: "asked" }, text)] : []),
      element("p", { class: "line" }, `${measure.name}: ${values.join(", ")}, difference ${number(row.by, measure.digits, true)}`),
      ...documents(board, row.qid, own, other),
    );
  };
  return panel;
}

function textOf(board, qid) {
  return board.looks ? board.looks.texts[board.places.get(qid)] || "" : "";
}

function documents(board, qid, own, other) {
  if (!board.looks && board.words.query !== "query") return [];
  if (!board.looks) return [element("p", { class: "line" }, "Texts and documents are on the page that a run writes itself (irkit leaderboard SUITE --report PAGE.html); a kept result has none.")];
  const found = board.looks.details[qid];
  const lists = found && [own, other].map((system) => found.lists[board.systems.indexOf(system)]);
  if (!lists || !lists[0] || !lists[1]) {
    const kept = Object.keys(board.looks.details).length;
    return [element("p", { class: "line" }, `Documents are kept of the ${kept} ${board.words.queries} with the greatest differences; this is none of them.`)];
  }
  const most = movedMost(...lists);
  if (!most.length) return [element("p", { class: "line" }, `Both place the first ${board.looks.first} documents alike.`)];
  const wanted = words(textOf(board, qid), new Set(board.looks.common));
  return [
    element("p", { class: "line" }, `Documents placed most differently, ${apart(other.name)} → ${apart(own.name)}:`),
    element("ol", { class: "moved" }, ...most.map((number) => {
      const [docno, label, passage] = found.docs[number];
      const places = [lists[1], lists[0]].map((list) => place(list.indexOf(number), board.looks.first));
      const up = worth(lists[0], number) > worth(lists[1], number);
      return element(
        "li",
        {},
        element("p", { class: "head" },
          element("span", { class: up ? "up" : "down", "aria-hidden": "true" }, up ? "↑" : "↓"),
          element("bdi", { class: "docno" }, shortened(docno, 60)),
          element("span", {}, places.join(" → ")),
          element("span", { class: label > 0 ? "grade good" : "grade" }, label === null ? "not judged" : label > 0 ? `relevant (${label})` : "not relevant"),
        ),
        ...(passage ? [element("p", { class: "passage" }, ...marked(passage, wanted))] : []),
        ...trails(board, found, number, [own, other]),
      );
    })),
  ];
}

function trails(board, found, number, systems) {
  const known = systems.map((system) => [system, (found.why[board.systems.indexOf(system)] || {})[number]]).filter(([, text]) => text);
  if (!known.length) return [];
  const parts = known.map(([system, text]) => element("div", {}, element("p", { class: "line" }, element("bdi", {}, system.name)), element("pre", { tabindex: 0 }, text)));
  return [element("details", {}, element("summary", {}, "Why this score"), element("div", { class: "trails" }, ...parts))];
}

function place(rank, first) {
  return rank < 0 ? `below ${first}` : `place ${rank + 1}`;
}

// By nDCG's discount of places, as `irkit.evaluate.looks.moved` chooses them.
function movedMost(own, other) {
  const by = (number) => Math.abs(worth(own, number) - worth(other, number));
  const every = [...new Set([...own, ...other])].filter((number) => by(number) > 0);
  return every.sort((a, b) => by(b) - by(a)).slice(0, MOVED);
}

function worth(list, number) {
  const rank = list.indexOf(number);
  return rank < 0 ? 0 : 1 / Math.log2(rank + 2);
}

function words(text, common) {
  return (text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || []).filter((word) => word.length > 3 && !common.has(word));
}

function marked(text, wanted) {
  const parts = text.split(/([\p{L}\p{N}_]+)/u);
  return parts.map((part, i) => (i % 2 && wanted.some((word) => alike(part.toLowerCase(), word)) ? element("mark", {}, part) : part));
}

// As `irkit.evaluate.looks.alike`.
function alike(one, other) {
  if (one === other || /[\p{N}_]/u.test(one + other)) return one === other;
  const least = Math.max(5, Math.min(one.length, other.length) - 2);
  return one.slice(0, least) === other.slice(0, least) && Math.min(one.length, other.length) >= least;
}
