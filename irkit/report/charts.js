// Per-query differences between two systems, and effectiveness against cost. A chart is there only if its data are.

const DATA = JSON.parse(document.getElementById("data").textContent);

for (const holder of document.querySelectorAll(".charts")) {
  const board = DATA.boards[Number(holder.dataset.board)];
  const charts = [differences(board), costs(board)].filter(Boolean);
  for (const chart of charts) {
    holder.append(chart.figure);
    let width = 0;
    new ResizeObserver(([entry]) => {
      const now = Math.round(entry.contentRect.width);
      if (now > 0 && now !== width) chart.draw((width = now));
    }).observe(chart.plot);
  }
}

// ------------------------------------------------------------------- per-query differences

function differences(board) {
  const able = (m) => board.systems.filter((system) => system.perQuery[m]);
  const measures = board.measures.map((measure, m) => [m, measure.name]).filter(([m]) => able(m).length > 1);
  if (!measures.length) return null;

  const measure = choice("Measure", measures);
  const system = choice("System", []);
  const against = choice("Against", []);
  const offer = () => {
    const rows = board.systems.map((one, i) => [i, one.name + (one.baseline ? " (baseline)" : "")]);
    const known = rows.filter(([i]) => board.systems[i].perQuery[measure.value]);
    const baseline = known.find(([i]) => board.systems[i].baseline) || known[known.length - 1];
    const first = known.find(([i]) => i !== baseline[0]);
    system.offer(known, first[0]);
    against.offer(known, baseline[0]);
  };
  const summary = element("p", { class: "summary" });
  const extremes = element("div", { class: "extremes" });
  const { query } = board.words;
  const chart = frame(
    `${capital(query)} by ${query}`,
    `Each bar is a ${query}: the value of one system minus that of another. Blue: better; grey: worse.`,
  );
  chart.figure.append(chart.controls, chart.plot, summary, extremes);
  chart.controls.append(measure.label, system.label, against.label);

  let lastWidth = 800;
  chart.draw = (width) => {
    lastWidth = width;
    const m = Number(measure.value);
    const pair = [board.systems[system.value], board.systems[against.value]];
    const rows = paired(board.qids, pair[0].perQuery[m], pair[1].perQuery[m], board.measures[m].lower);
    drawDifferences(chart, width, board.measures[m], board.words, pair, rows);
    tell(summary, extremes, board.measures[m], board.words, pair, rows);
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

function drawDifferences(chart, width, measure, { query, queries }, [own, other], rows) {
  const box = { left: 58, right: width - 4, top: 28, bottom: 284 };
  const svg = chart.canvas(width, 316);
  const ends = rows.length ? [rows[0].by, rows[rows.length - 1].by] : [0]; // they are in order
  const y = linear(Math.min(0, ...ends), Math.max(0, ...ends), box.bottom, box.top);
  for (const tick of y.ticks) {
    svg.append(
      drawn("line", { class: tick ? "grid" : "axis", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }),
      drawn("text", { x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick, y.digits, true)),
    );
  }
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
    drawn("text", { x: box.left, y: 306 }, `${rows.length.toLocaleString("en")} ${queries}, those most helped first`),
    drawn("text", { class: "title", x: box.left - 50, y: 12 }, `difference in ${axis(measure)}`),
    here,
  );
  chart.explore(svg, {
    label: `${measure.name} of ${own.name} minus ${other.name}, ${query} by ${query}`,
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
        title: `${capital(query)} ${row.qid}`,
        lines: [...lines, ["difference", number(row.by, measure.digits, true)]],
      };
    },
    hide: () => here.setAttribute("visibility", "hidden"),
  });
}

function tell(summary, extremes, measure, { queries, value }, [own, other], rows) {
  const better = rows.filter((row) => row.by && row.by > 0 !== measure.lower);
  const worse = rows.filter((row) => row.by && row.by > 0 === measure.lower);
  const mean = rows.length ? rows.reduce((sum, row) => sum + row.by, 0) / rows.length : null;
  summary.replaceChildren(
    element("bdi", {}, own.name),
    ` is better on ${better.length}, equal on ${rows.length - better.length - worse.length} and worse on ${worse.length} ${queries} than `,
    element("bdi", {}, other.name),
    `; mean difference in ${value}${measure.name} ${number(mean, measure.digits, true)}.`,
  );
  const size = (a, b) => Math.abs(b.by) - Math.abs(a.by);
  const list = (title, some) => {
    const most = some.sort(size).slice(0, 5);
    if (!most.length) return [];
    const items = most.map((row) => `${shortened(row.qid, 24)} (${number(row.by, measure.digits, true)})`);
    return [element("p", {}, `${title}: ${items.join(", ")}`)];
  };
  extremes.replaceChildren(...list("Most helped", better), ...list("Most hurt", worse));
}

// ------------------------------------------------------------------- effectiveness against cost

function costs(board) {
  const placed = board.systems.filter((system) => system.ms > 0); // a logarithm needs more than 0
  if (placed.length < 2 || !board.measures.length) return null;

  const measure = choice("Measure", board.measures.map((one, m) => [m, one.name]));
  const chart = frame(
    "Effectiveness against cost",
    `Dashed: systems that no other beats in both. Vertical lines: ${board.interval} interval. Square: the baseline.`,
  );
  const summary = element("p", { class: "summary" });
  chart.controls.append(measure.label);
  chart.figure.append(chart.controls, chart.plot, summary);
  let lastWidth = 800;
  chart.draw = (width) => {
    lastWidth = width;
    const m = Number(measure.value);
    const points = placed.map((system) => {
      const [mean, low, high] = system.cells[m];
      const name = system.signs[m] ? `${system.name} (${system.signs[m]})` : system.name;
      return { name, baseline: system.baseline, ms: system.ms, mean, low, high };
    });
    points.sort((a, b) => a.ms - b.ms);
    const unlabelled = drawCosts(chart, width, board.measures[m], board.words.cost, points);
    const missing = board.systems.length - points.length;
    const parts = [];
    if (missing) parts.push(`${missing} without a measured time ${missing === 1 ? "is" : "are"} left out.`);
    if (unlabelled) parts.push(`No room for ${unlabelled} of ${points.length} names: point at a system, or use the arrow keys.`);
    summary.textContent = parts.join(" ");
  };
  measure.select.addEventListener("change", () => chart.draw(lastWidth));
  return chart;
}

function drawCosts(chart, width, measure, unit, points) {
  const height = width < 560 ? 380 : 440;
  const box = { left: 58, right: width - 16, top: 28, bottom: height - 48 };
  const svg = chart.canvas(width, height);
  const y = linear(Math.min(...points.map((p) => p.low)), Math.max(...points.map((p) => p.high)), box.bottom, box.top);
  const x = logarithmic(points[0].ms, points[points.length - 1].ms, box.left + 14, box.right - 14);
  for (const tick of y.ticks) {
    svg.append(
      drawn("line", { class: "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }),
      drawn("text", { x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick, y.digits)),
    );
  }
  for (const tick of x.ticks) {
    svg.append(
      drawn("line", { class: "axis", x1: x(tick), x2: x(tick), y1: box.bottom, y2: box.bottom + 5 }),
      drawn("text", { x: x(tick), y: box.bottom + 19, "text-anchor": "middle" }, String(tick)),
    );
  }
  svg.append(
    drawn("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
    drawn("text", { class: "title", x: box.right, y: height - 8, "text-anchor": "end" }, `milliseconds per ${unit}, log scale`),
    drawn("text", { class: "title", x: box.left - 50, y: 12 }, axis(measure)),
  );
  for (const p of points) Object.assign(p, { x: x(p.ms), y: y(p.mean) });
  const corners = front(points, measure.lower);
  svg.append(drawn("path", { class: "front", d: "M" + corners.map((corner) => corner.join(" ")).join("L") }));
  for (const p of points) svg.append(drawn("line", { class: "error", x1: p.x, x2: p.x, y1: y(p.low), y2: y(p.high) }));
  for (const p of points) {
    const shape = p.baseline
      ? drawn("rect", { class: "point baseline", x: p.x - 5.5, y: p.y - 5.5, width: 11, height: 11 })
      : drawn("circle", { class: "point", cx: p.x, cy: p.y, r: 5 });
    svg.append(shape);
  }
  const lines = points.map((p) => [p.x - 1, y(p.high), p.x + 1, y(p.low)]);
  corners.slice(1).forEach(([x1, y1], i) => {
    const [x0, y0] = corners[i];
    lines.push([Math.min(x0, x1), Math.min(y0, y1) - 1, Math.max(x0, x1) + 1, Math.max(y0, y1) + 1]);
  });
  const unlabelled = label(svg, points, lines, box, measure.lower);
  const ring = drawn("circle", { class: "ring", r: 9, visibility: "hidden" });
  svg.append(ring);
  chart.explore(svg, {
    label: `${measure.name} against milliseconds per ${unit}`,
    count: points.length,
    nearest: (px, py) => {
      const far = points.map((p) => Math.hypot(p.x - px, p.y - py));
      const near = Math.min(...far);
      return near < 40 ? far.indexOf(near) : -1;
    },
    show: (i) => {
      const p = points[i];
      ring.setAttribute("cx", p.x);
      ring.setAttribute("cy", p.y);
      ring.setAttribute("visibility", "visible");
      const range = [p.low, p.high].map((end) => number(end, measure.digits)).join(p.low < 0 ? " to " : "–");
      return {
        at: [p.x, p.y],
        title: p.name + (p.baseline ? " (baseline)" : ""),
        lines: [[measure.name, number(p.mean, measure.digits)], ...(p.low < p.high ? [["interval", range]] : []), [`ms/${unit}`, milliseconds(p.ms)]],
      };
    },
    hide: () => ring.setAttribute("visibility", "hidden"),
  });
  return unlabelled;
}

function axis(measure) {
  return measure.name + (measure.lower ? " (lower is better)" : "");
}

// Points come in order of cost: each that beats all cheaper ones is a step of the front.
function front(points, lower) {
  const corners = [];
  let best = null;
  for (const p of points) {
    if (best !== null && (lower ? p.mean >= best.mean : p.mean <= best.mean)) continue;
    if (best !== null) corners.push([p.x, best.y]);
    corners.push([p.x, p.y]);
    best = p;
  }
  return corners;
}

// Names are placed greedily, the best systems first, off the lines if possible; one that would cover
// another name or a point is left out and counted.
function label(svg, points, lines, box, lower) {
  const taken = points.map((p) => [p.x - 6, p.y - 6, p.x + 6, p.y + 6]);
  const order = [...points].sort((a, b) => b.baseline - a.baseline || (lower ? a.mean - b.mean : b.mean - a.mean));
  let left = 0;
  for (const p of order) {
    const text = drawn("text", { class: "label" }, shortened(p.name, 28));
    svg.append(text);
    const wide = text.getComputedTextLength();
    const places = [];
    for (const dy of [4, -9, 17]) for (const x of [p.x + 10, p.x - 10 - wide]) places.push([x, p.y + dy]);
    places.push([p.x - wide / 2, p.y - 11], [p.x - wide / 2, p.y + 20]);
    const free = places.filter(([x, y]) => {
      const inside = x >= box.left && x + wide <= box.right + 12 && y >= box.top && y <= box.bottom - 3;
      return inside && !taken.some((other) => overlap(around(x, y, wide), other));
    });
    const best = free.find(([x, y]) => !lines.some((line) => overlap(around(x, y, wide), line))) || free[0];
    if (!best) {
      text.remove();
      left += 1;
      continue;
    }
    text.setAttribute("x", best[0]);
    text.setAttribute("y", best[1]);
    taken.push(around(...best, wide));
  }
  return left;
}

function around(x, y, wide) {
  return [x - 2, y - 11, x + wide + 2, y + 3];
}

function overlap(a, b) {
  return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
}

// ------------------------------------------------------------------- scales

function linear(low, high, from, to) {
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.1 || 0.1), high + (Math.abs(high) * 0.1 || 0.1)];
  const step = nice((high - low) / 5);
  const start = Math.floor(low / step + 1e-9) * step;
  const end = Math.ceil(high / step - 1e-9) * step;
  const scale = (value) => from + ((value - start) / (end - start)) * (to - from);
  scale.ticks = Array.from({ length: Math.round((end - start) / step) + 1 }, (_, i) => {
    const tick = start + i * step;
    return Math.abs(tick) < step / 1e6 ? 0 : tick;
  });
  scale.digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return scale;
}

function logarithmic(low, high, from, to) {
  const [start, end] = low === high ? [low / 2, high * 2] : [low, high];
  const scale = (value) => from + (Math.log(value / start) / Math.log(end / start)) * (to - from);
  const decades = Math.log10(end / start);
  const steps = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : decades > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  scale.ticks = [];
  for (let power = Math.floor(Math.log10(start)); power <= Math.log10(end); power += 1) {
    for (const step of steps) {
      const tick = Number((step * 10 ** power).toPrecision(2));
      if (tick >= start * 0.999 && tick <= end * 1.001) scale.ticks.push(tick);
    }
  }
  return scale;
}

function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= step * 0.999);
}

// ------------------------------------------------------------------- what both charts are made of

function frame(title, legend) {
  const plot = element("div", { class: "plot" });
  const tip = element("div", { class: "tip", hidden: "" });
  const figure = element("figure", { class: "chart" }, element("h3", {}, title), element("p", { class: "legend" }, legend));
  const canvas = (width, height) => {
    const svg = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
    tip.hidden = true;
    plot.replaceChildren(svg, tip);
    return svg;
  };
  const explore = (svg, options) => explorable(svg, tip, options);
  return { figure, plot, controls: element("div", { class: "controls" }), canvas, explore };
}

function choice(title, items) {
  const select = element("select");
  const offer = (some, chosen) => {
    select.replaceChildren(...some.map(([value, name]) => element("option", { value }, shortened(name, 80))));
    if (chosen !== undefined) select.value = String(chosen);
  };
  offer(items);
  return {
    select,
    offer,
    label: element("label", {}, title, select),
    get value() {
      return select.value;
    },
  };
}

// Pointer, touch and arrow keys walk through the items of a chart; to a screen reader it is a slider.
function explorable(svg, tip, { label, count, nearest, show, hide }) {
  for (const [name, value] of Object.entries({
    tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": 1, "aria-valuemax": count, "aria-valuenow": 1,
  })) svg.setAttribute(name, value);
  let current = -1;
  const leave = () => {
    tip.hidden = true;
    hide();
  };
  const go = (i) => {
    if (!count || i < 0 || i >= count) return leave();
    current = i;
    const { at, title, lines } = show(i);
    tip.replaceChildren(
      element("strong", {}, shortened(title, 80)),
      ...lines.map(([name, value]) => element("span", {}, element("bdi", {}, shortened(name, 60)), element("b", {}, value))),
    );
    tip.hidden = false;
    svg.setAttribute("aria-valuenow", i + 1);
    svg.setAttribute("aria-valuetext", [title, ...lines.map((line) => line.join(" "))].join(", "));
    const room = svg.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(room, at[0] + 14))}px`;
    tip.style.top = `${Math.max(0, at[1] - tip.offsetHeight - 10)}px`;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    go(nearest(event.clientX - box.left, event.clientY - box.top));
  });
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: count - 1 };
    if (event.key === "Escape") return leave();
    if (!(event.key in steps)) return;
    event.preventDefault();
    go(Math.max(0, Math.min(count - 1, steps[event.key])));
  });
}
