// Sorting, filtering and unfolding. A system is one tbody: its row and the row with its recipe move together.

for (const board of document.querySelectorAll(".board")) {
  const table = board.querySelector("table.systems");
  if (!table) continue;
  const systems = [...table.querySelectorAll("tbody.system")];

  for (const system of systems) {
    const button = system.querySelector(".toggle");
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", open);
      system.querySelector(".detail").hidden = !open;
    });
  }

  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    header.querySelector(".sort").addEventListener("click", () => {
      const now = header.getAttribute("aria-sort");
      const first = header.matches(".name, .lower") ? "ascending" : "descending";
      const next = now === "none" ? first : now === "ascending" ? "descending" : "ascending";
      for (const other of headers) other.setAttribute("aria-sort", other === header ? next : "none");
      table.append(...sorted(systems, column, next === "ascending" ? 1 : -1));
    });
  });

  const filter = board.querySelector(".filter");
  const count = board.querySelector(".count");
  const texts = systems.map((system) => system.textContent.toLowerCase());
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    systems.forEach((system, i) => {
      system.hidden = !words.every((word) => texts[i].includes(word));
      shown += !system.hidden;
    });
    count.textContent = words.length ? `${shown} of ${systems.length} systems` : "";
  };
  filter.addEventListener("input", apply);
  board.querySelector(".tools").hidden = systems.length < 2;
}

function sorted(systems, column, direction) {
  const names = column === 0;
  const order = new Intl.Collator("en", { numeric: true });
  const keyed = systems.map((system) => [system, system.rows[0].cells[column].dataset.key]);
  keyed.sort(([, a], [, b]) => {
    if (a === "" || b === "") return (a === "") - (b === ""); // unknown values stay at the end
    return direction * (names ? order.compare(a, b) : Number(a) - Number(b));
  });
  return keyed.map(([system]) => system);
}
