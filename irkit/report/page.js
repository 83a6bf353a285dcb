"use strict";

// What the other scripts share. Text from a result only ever becomes a text node or an attribute's value.

const MINUS = "\u2212";
const DASH = "\u2013";

const DATA = JSON.parse(document.getElementById("data").textContent);

for (const board of DATA.boards) {
  board.places = new Map(board.qids.map((qid, i) => [qid, i]));
  for (const system of board.systems) {
    // Values are whole numbers of millionths where that is shorter.
    system.perQuery = system.perQuery.map((column) => column && column[1].map((value) => (value === null ? null : value / column[0])));
  }
}

function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function number(value, digits, signed = false) {
  if (value === null || value === undefined) return DASH;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? MINUS : signed ? "+" : "") + text;
}

function milliseconds(value) {
  if (value === null) return DASH;
  if (value > 0 && value < 0.1) return value < 0.0001 ? "<0.0001" : String(Number(value.toPrecision(2)));
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}

function shortened(text, length) {
  const characters = [...text];
  return characters.length <= length ? text : characters.slice(0, length - 1).join("") + "…";
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { class: "spoken", readonly: "" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

for (const button of document.querySelectorAll("button.copy")) {
  const name = button.textContent;
  const { text, board, as } = button.dataset;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const given = text || (as && DATA.boards[Number(board)].copies[as]) || button.closest("figure").querySelector("code").textContent;
    const done = await copied(given);
    button.textContent = done ? "Copied" : "Select and copy by hand";
    setTimeout(() => (button.textContent = name), 1500);
  });
}
for (const part of document.querySelectorAll(".copies")) part.hidden = false;

// A table that is wider than its room fades at the side where there is more of it.
for (const room of document.querySelectorAll(".scroll")) {
  const tell = () => {
    const left = room.scrollWidth - room.clientWidth - room.scrollLeft;
    room.classList.toggle("more", left > 1);
  };
  room.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(room);
}
