// What all charts are made of: a frame with controls, and the walk through their items.

function frame(board, title, legend, file) {
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
  const name = `${board.title} ${file}`.replace(/[^\p{L}\p{N}]+/gu, "-");
  return { figure, plot, controls: element("div", { class: "controls" }, savers(plot, name)), canvas, explore };
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
function explorable(svg, tip, { label, count, nearest, show, hide, choose }) {
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
    const { at, title, text, lines } = show(i);
    tip.replaceChildren(
      element("strong", {}, shortened(title, 80)),
      ...(text ? [element("em", {}, shortened(text, 160))] : []),
      ...lines.map(([name, value]) => element("span", {}, element("bdi", {}, shortened(name, 60)), element("b", {}, value))),
    );
    tip.hidden = false;
    svg.setAttribute("aria-valuenow", i + 1);
    svg.setAttribute("aria-valuetext", [title, ...(text ? [text] : []), ...lines.map((line) => line.join(" "))].join(", "));
    const room = svg.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(room, at[0] + 14))}px`;
    tip.style.top = `${Math.max(0, at[1] - tip.offsetHeight - 10)}px`;
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    go(nearest(event.clientX - box.left, event.clientY - box.top));
  });
  svg.addEventListener("pointerleave", leave);
  if (choose) {
    svg.addEventListener("click", (event) => {
      const box = svg.getBoundingClientRect();
      const i = nearest(event.clientX - box.left, event.clientY - box.top);
      if (i >= 0 && i < count) choose(i);
    });
  }
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: count - 1 };
    if (event.key === "Escape") return leave();
    if (choose && current >= 0 && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      return choose(current);
    }
    if (!(event.key in steps)) return;
    event.preventDefault();
    go(Math.max(0, Math.min(count - 1, steps[event.key])));
  });
}

// Lines of a vertical scale with their numbers.
function levels(svg, y, box, signed = false) {
  for (const tick of y.ticks) {
    svg.append(
      drawn("line", { class: signed && !tick ? "axis" : "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }),
      drawn("text", { x: box.left - 8, y: y(tick) + 4, "text-anchor": "end" }, number(tick, y.digits, signed)),
    );
  }
}
