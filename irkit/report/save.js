// A chart as a file of its own: an SVG whose colours are those of the light page, or a PNG of it at twice its size.

const PAINT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "paint-order", "opacity", "font-family", "font-size", "font-weight"];

function savers(plot, name) {
  const button = (kind) => {
    const one = element("button", { type: "button", class: "quiet save" }, `Save ${kind.toUpperCase()}`);
    one.addEventListener("click", async () => {
      const svg = standalone(plot.querySelector("svg"));
      handed(kind === "svg" ? new Blob([svg], { type: "image/svg+xml" }) : await png(svg), `${name.replace(/^[-.]+/, "")}.${kind}`);
    });
    return one;
  };
  return element("span", { class: "savers" }, button("svg"), button("png"));
}

function standalone(svg) {
  const root = document.documentElement;
  root.classList.add("light"); // papers are white, whatever the screen
  const copy = svg.cloneNode(true);
  const [own, copies] = [svg, copy].map((one) => [one, ...one.querySelectorAll("*")]);
  own.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of PAINT) copies[i].setAttribute(name, style.getPropertyValue(name));
    if (node.getAttribute("visibility") !== "hidden") copies[i].removeAttribute("class");
  });
  root.classList.remove("light");
  for (const node of copy.querySelectorAll("[visibility=hidden], .ring, .here")) node.remove();
  const [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
  copy.setAttribute("viewBox", `-8 -4 ${width + 16} ${height + 8}`); // labels at the edges stand out a little
  for (const name of ["tabindex", "role", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext"]) copy.removeAttribute(name);
  copy.prepend(drawn("rect", { x: -8, y: -4, width: width + 16, height: height + 8, fill: "#ffffff" }));
  return new XMLSerializer().serializeToString(copy);
}

async function png(svg) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await picture.decode();
  const canvas = element("canvas", { width: 2 * picture.width, height: 2 * picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function handed(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
