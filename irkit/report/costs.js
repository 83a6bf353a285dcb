// Effectiveness against cost.

function costs(board) {
  const placed = board.systems.filter((system) => system.ms > 0); // a logarithm needs more than 0
  if (placed.length < 2 || !board.measures.length) return null;

  const measure = choice("Measure", board.measures.map((one, m) => [m, one.name]));
  const ranged = placed.some((system) => system.range);
  const warm = ranged || board.words.cost !== "query"; // else a single run holds the warm-up of what was run first
  const chart = frame(
    board,
    "Effectiveness against cost",
    (warm
      ? `Filled: no other system is better at no more time, or as good in less, beyond the noise: ` +
        `${board.words.queries} paired, the 95 % interval of the mean difference leaves out 0, ` +
        `and times ${ranged ? "of all repeats are apart" : "differ by more than a tenth"}. Dashed: through those that gain by costing more. `
      : "Times are of a single run each, so that no frontier is drawn. ") +
      `Vertical lines: ${board.interval} interval${ranged ? "; horizontal: range of times over repeats" : ""}. Square: the baseline.`,
    "cost",
  );
  const summary = element("p", { class: "summary" });
  chart.controls.prepend(measure.label);
  chart.figure.append(chart.controls, chart.plot, summary);
  let lastWidth = 800;
  chart.draw = (width) => {
    lastWidth = width;
    const m = Number(measure.value);
    const points = placed.map((system) => {
      const [mean, low, high] = system.cells[m];
      const name = system.signs[m] ? `${system.name} (${system.signs[m]})` : system.name;
      return { name, baseline: system.baseline, ms: system.ms, range: system.range, mean, low, high, values: system.perQuery[m], bound: system.signs[m] === "≥" };
    });
    for (const p of points) p.leads = !warm || !points.some((other) => other !== p && beats(other, p, board.measures[m].lower));
    points.sort((a, b) => a.ms - b.ms);
    const unlabelled = drawCosts(chart, width, board.measures[m], board.words.cost, points, warm);
    const missing = board.systems.length - points.length;
    const parts = [];
    if (missing) parts.push(`${missing} without a measured time ${missing === 1 ? "is" : "are"} left out.`);
    if (unlabelled) parts.push(`No room for ${unlabelled} of ${points.length} names: point at a system, or use the arrow keys.`);
    summary.textContent = parts.join(" ");
  };
  measure.select.addEventListener("change", () => chart.draw(lastWidth));
  return chart;
}

function drawCosts(chart, width, measure, unit, points, warm) {
  const height = width < 560 ? 380 : 440;
  const box = { left: 58, right: width - 16, top: 28, bottom: height - 48 };
  const svg = chart.canvas(width, height);
  const known = measure.possible === null ? [] : [measure.possible];
  const y = linear(Math.min(...known, ...points.map((p) => p.low)), Math.max(...known, ...points.map((p) => p.high)), box.bottom, box.top);
  const times = points.flatMap((p) => [p.ms, ...(p.range || [])]);
  const x = logarithmic(Math.min(...times), Math.max(...times), box.left + 14, box.right - 14);
  levels(svg, y, box);
  for (const best of known) {
    svg.append(
      drawn("line", { class: "possible", x1: box.left, x2: box.right, y1: y(best), y2: y(best) }),
      drawn("text", { class: "possible-name", x: box.right, y: y(best) + (measure.lower ? 14 : -6), "text-anchor": "end" }, `best possible ${number(best, measure.digits)}`),
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
  const corners = warm ? front(points.filter((p) => p.leads), measure.lower) : [];
  if (corners.length) svg.append(drawn("path", { class: "front", d: "M" + corners.map((corner) => corner.join(" ")).join("L") }));
  for (const p of points.filter((one) => one.range)) svg.append(drawn("line", { class: "error", x1: x(p.range[0]), x2: x(p.range[1]), y1: p.y, y2: p.y }));
  for (const p of points) svg.append(drawn("line", { class: "error", x1: p.x, x2: p.x, y1: y(p.low), y2: y(p.high) }));
  for (const p of points) {
    const shape = p.baseline
      ? drawn("rect", { class: `point baseline${p.leads ? " leads" : ""}`, x: p.x - 5.5, y: p.y - 5.5, width: 11, height: 11 })
      : drawn("circle", { class: `point${p.leads ? " leads" : ""}`, cx: p.x, cy: p.y, r: 5 });
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
        title: p.baseline ? `${apart(p.name)} (baseline)` : p.name,
        lines: [
          [measure.name, number(p.mean, measure.digits)],
          ...(p.low < p.high ? [["interval", range]] : []),
          [`ms/${unit}`, milliseconds(p.ms)],
          ...(p.range ? [["over repeats", p.range.map(milliseconds).join("–")]] : []),
        ],
      };
    },
    hide: () => ring.setAttribute("visibility", "hidden"),
  });
  return unlabelled;
}

// Whether one is better without being slower, or as good and faster: differences within the noise are none.
function beats(one, other, lower) {
  const better = clearly(one, other, lower);
  const worse = clearly(other, one, lower);
  const faster = longer(other, one);
  const slower = longer(one, other);
  return (better && !slower) || (faster && !worse);
}

// Whether every time of one is longer than those of the other; by more than a tenth where a single one is known.
function longer(one, other) {
  return one.range && other.range ? one.range[0] > other.range[1] : one.ms > 1.1 * other.ms;
}

// Whether the mean paired difference is on the good side of 0 with its whole 95 % interval (normal). Where single values
// are not known, intervals must be apart. The truth behind a lower bound may be anywhere above it.
function clearly(one, other, lower) {
  const sign = lower ? -1 : 1;
  if (other.bound) return false;
  if (one.values && other.values) {
    const by = one.values.map((value, i) => (value === null || other.values[i] === null ? null : sign * (value - other.values[i])));
    const known = by.filter((value) => value !== null);
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const square = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, known.length - 1);
    return known.length > 1 && mean > 1.96 * Math.sqrt(square / known.length);
  }
  return lower ? one.high < other.low : one.low > other.high;
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
