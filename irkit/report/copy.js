"use strict";

// Elements, and the buttons that copy: a text of their own, the code beside them, or a table of the board.

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
    const table = as && DATA.boards[Number(board)].copies[as];
    const done = await copied(text || table || button.closest("figure").querySelector("code").textContent);
    button.textContent = done ? "Copied" : "Select and copy by hand";
    setTimeout(() => (button.textContent = name), 1500);
  });
}
for (const part of document.querySelectorAll(".copies")) part.hidden = false;

