// Learning curves of all systems on common axes.

function learning(board) {
  const lines = board.systems.flatMap((system) =>
    system.curves.map(([panel, name, unit, x, y]) => ({ panel, unit, x, y, name: name ? `${system.name}, ${name}` : system.name })),
  );
  if (!lines.length) return null;

  const panels = [...new Map(lines.map((line) => [`${line.panel}\n${line.unit}`, line])).entries()];
  const panel = choice("Curve", panels.map(([key, line]) => [key, panels.filter(([, one]) => one.panel === line.panel).length > 1 ? `${line.panel} by ${line.unit}` : line.panel]));
  const chart = frame(board, "Learning curves", "Each line is a system, on axes that all share.", "learning");
  const keys = element("ul", { class: "keys" });
  chart.controls.prepend(panel.label);
  chart.figure.append(chart.controls, chart.plot, keys);
  let lastWidth = 800;
  chart.draw = (width) => {
    lastWidth = width;
    const shown = lines.filter((line) => `${line.panel}\n${line.unit}` === panel.value);
    drawLearning(chart, width, shown);
    keys.replaceChildren(...shown.map((line, i) => element("li", {}, swatch(i), element("bdi", {}, shortened(line.name, 60)))));
  };
  panel.select.addEventListener("change", () => chart.draw(lastWidth));
  return chart;
}

function drawLearning(chart, width, lines) {
  const box = { left: 66, right: width - 16, top: 28, bottom: 312 };
  const svg = chart.canvas(width, 356);
  const all = (side) => lines.flatMap((line) => line[side]);
  const y = linear(Math.min(...all("y")), Math.max(...all("y")), box.bottom, box.top);
  const x = linear(Math.min(0, ...all("x")), Math.max(...all("x")), box.left, box.right);
  levels(svg, y, box);
  for (const tick of x.ticks) {
    svg.append(
      drawn("line", { class: "axis", x1: x(tick), x2: x(tick), y1: box.bottom, y2: box.bottom + 5 }),
      drawn("text", { x: x(tick), y: box.bottom + 19, "text-anchor": "middle" }, number(tick, x.digits)),
    );
  }
  const { panel, unit } = lines[0];
  svg.append(
    drawn("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
    drawn("text", { class: "title", x: box.right, y: 348, "text-anchor": "end" }, unit),
    drawn("text", { class: "title", x: box.left - 58, y: 12 }, panel),
  );
  lines.forEach((line, i) => {
    const points = line.x.map((at, j) => [x(at), y(line.y[j])]);
    svg.append(drawn("path", { class: look(i), d: "M" + points.map((point) => point.map((side) => side.toFixed(1)).join(" ")).join("L") }));
    if (points.length === 1) svg.append(drawn("circle", { class: look(i), cx: points[0][0], cy: points[0][1], r: 3 }));
  });
  const here = drawn("line", { class: "at", y1: box.top, y2: box.bottom, visibility: "hidden" });
  svg.append(here);
  const stops = [...new Set(all("x"))].sort((a, b) => a - b);
  chart.explore(svg, {
    label: `${panel} by ${unit}`,
    count: stops.length,
    nearest: (px) => stops.reduce((best, stop, i) => (Math.abs(x(stop) - px) < Math.abs(x(stops[best]) - px) ? i : best), 0),
    show: (i) => {
      here.setAttribute("visibility", "visible");
      for (const end of ["x1", "x2"]) here.setAttribute(end, x(stops[i]));
      const known = lines.filter((line) => line.x.includes(stops[i]));
      const values = known.map((line) => [line.name, line.y[line.x.indexOf(stops[i])]]);
      return {
        at: [x(stops[i]), box.top + 60],
        title: `${capital(unit)} ${stops[i]}`,
        lines: values.map(([name, value]) => [name, number(value, y.digits + 2)]),
      };
    },
    hide: () => here.setAttribute("visibility", "hidden"),
  });
}

// Eight colours, then the same ones dashed.
function look(i) {
  return `curve c${i % 8}${i >= 8 ? " dashed" : ""}`;
}

function swatch(i) {
  return drawn("svg", { width: 28, height: 8, "aria-hidden": "true" }, drawn("path", { class: look(i), d: "M0 4H28" }));
}
