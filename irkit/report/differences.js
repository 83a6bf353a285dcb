// Differences between two systems, query by query.

function differences(board) {
  const able = (m) => board.systems.filter((system) => system.perQuery[m]);
  const measures = board.measures.map((measure, m) => [m, measure.name]).filter(([m]) => able(m).length > 1);
  if (!measures.length) return null;

  const measure = choice("Measure", measures);
  const system = choice("System", []);
  const against = choice("Against", []);
  const offer = () => {
    const rows = board.systems.map((one, i) => [i, one.baseline ? `${apart(one.name)} (baseline)` : one.name]);
    const known = rows.filter(([i]) => board.systems[i].perQuery[measure.value]);
    const baseline = known.find(([i]) => board.systems[i].baseline) || known[known.length - 1];
    const first = known.find(([i]) => i !== baseline[0]);
    system.offer(known, first[0]);
    against.offer(known, baseline[0]);
  };
  const summary = element("p", { class: "summary" });
  const panel = lookPanel(board);
  const extremes = element("div", { class: "extremes" });
  const { query } = board.words;
  const chart = frame(
    board,
    `${capital(query)} by ${query}`,
    `Each bar is a ${query}: the value of one system minus that of another. Blue: better; grey: worse. ` +
      `Point at a bar or walk with the arrow keys; click or Enter looks at it below.`,
    `${query} by ${query}`.replaceAll(" ", "-"),
  );
  chart.figure.append(chart.controls, chart.plot, summary, extremes, panel);
  chart.controls.prepend(measure.label, system.label, against.label);
  let looked = null; // the query that is looked at

  let lastWidth = 800;
  chart.draw = (width) => {
    lastWidth = width;
    const m = Number(measure.value);
    const pair = [board.systems[system.value], board.systems[against.value]];
    const rows = paired(board.qids, pair[0].perQuery[m], pair[1].perQuery[m], board.measures[m].lower);
    const lookAt = (row) => {
      looked = row.qid;
      panel.show(row, board.measures[m], pair);
    };
    drawDifferences(chart, width, board, m, pair, rows, lookAt);
    tell(summary, extremes, board.measures[m], board.words, pair, rows, lookAt);
    const row = rows.find((one) => one.qid === looked) || rows[0];
    if (row && (looked !== null || board.looks)) lookAt(row);
    else panel.hidden = true;
  };
  const again = () => chart.draw(lastWidth);
  measure.select.addEventListener("change", () => (offer(), again()));
  system.select.addEventListener("change", again);
  against.select.addEventListener("change", again);
  offer();
  return chart;
}

function paired(qids, own, other, lower) {
  const rows = [];
  qids.forEach((qid, i) => {
    if (own[i] !== null && other[i] !== null) rows.push({ qid, own: own[i], other: other[i], by: own[i] - other[i] });
  });
  return rows.sort((a, b) => (lower ? a.by - b.by : b.by - a.by)); // stable: equal ones keep the order of the queries
}

function drawDifferences(chart, width, board, m, [own, other], rows, lookAt) {
  const measure = board.measures[m];
  const { query, queries } = board.words;
  const box = { left: 58, right: width - 4, top: 28, bottom: 284 };
  const svg = chart.canvas(width, 316);
  const ends = rows.length ? [rows[0].by, rows[rows.length - 1].by] : [0]; // they are in order
  const y = linear(Math.min(0, ...ends), Math.max(0, ...ends), box.bottom, box.top);
  levels(svg, y, box, true);
  const slot = (box.right - box.left) / Math.max(1, rows.length);
  const gap = slot > 3 ? Math.min(4, slot * 0.2) : 0;
  const paths = { gain: "", loss: "" };
  rows.forEach((row, i) => {
    if (!row.by) return;
    const x = box.left + i * slot + gap / 2;
    const side = row.by > 0 !== measure.lower ? "gain" : "loss";
    paths[side] += `M${x.toFixed(2)} ${y(0).toFixed(2)}V${y(row.by).toFixed(2)}h${(slot - gap).toFixed(2)}V${y(0).toFixed(2)}z`;
  });
  const here = drawn("rect", { class: "here", y: box.top, height: box.bottom - box.top, visibility: "hidden" });
  svg.append(
    drawn("path", { class: "gain", d: paths.gain }),
    drawn("path", { class: "loss", d: paths.loss }),
    drawn("line", { class: "axis", x1: box.left, x2: box.right, y1: y(0), y2: y(0) }),
    drawn("text", { x: box.left, y: 306 }, `${many(rows.length)} ${queries}, those most helped first`),
    drawn("text", { class: "title", x: box.left - 50, y: 12 }, `difference in ${axis(measure)}`),
    here,
  );
  chart.explore(svg, {
    label: `${measure.name} of ${apart(own.name)} minus ${apart(other.name)}, ${query} by ${query}`,
    count: rows.length,
    nearest: (x) => Math.floor((x - box.left) / slot),
    show: (i) => {
      const row = rows[i];
      here.setAttribute("visibility", "visible");
      here.setAttribute("x", box.left + i * slot - Math.max(0, 2 - slot) / 2);
      here.setAttribute("width", Math.max(2, slot));
      const lines = [own, other].map((system, s) => [system.name, number(s ? row.other : row.own, measure.digits)]);
      return {
        at: [box.left + (i + 0.5) * slot, y(Math.max(0, row.by))],
        title: `${capital(query)} ${apart(row.qid)}`,
        text: textOf(board, row.qid),
        lines: [...lines, ["difference", number(row.by, measure.digits, true)]],
      };
    },
    hide: () => here.setAttribute("visibility", "hidden"),
    choose: (i) => lookAt(rows[i]),
  });
}

function tell(summary, extremes, measure, { queries, value }, [own, other], rows, lookAt) {
  const better = rows.filter((row) => row.by && row.by > 0 !== measure.lower);
  const worse = rows.filter((row) => row.by && row.by > 0 === measure.lower);
  const mean = rows.length ? rows.reduce((sum, row) => sum + row.by, 0) / rows.length : null;
  summary.replaceChildren(
    element("bdi", {}, own.name),
    ` is better on ${many(better.length)}, equal on ${many(rows.length - better.length - worse.length)} and worse on ${many(worse.length)} ${queries} than `,
    element("bdi", {}, other.name),
    `; mean difference in ${value}${measure.name} ${number(mean, measure.digits, true)}.`,
  );
  const size = (a, b) => Math.abs(b.by) - Math.abs(a.by);
  const list = (title, some) => {
    const most = some.sort(size).slice(0, 5);
    if (!most.length) return [];
    const items = most.map((row) => {
      const item = element(
        "button",
        { type: "button", class: "quiet" },
        element("bdi", {}, shortened(row.qid, 24)),
        ` (${number(row.by, measure.digits, true)})`,
      );
      item.addEventListener("click", () => lookAt(row));
      return item;
    });
    return [element("p", {}, element("span", {}, title), ...items)];
  };
  extremes.replaceChildren(...list("Most helped", better), ...list("Most hurt", worse));
}
