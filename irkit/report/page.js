"use strict";

// What the other scripts share. Text from a result only ever becomes a text node or an attribute's value.

const MINUS = "\u2212";
const DASH = "\u2013";

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
  button.hidden = false;
  button.addEventListener("click", async () => {
    const done = await copied(button.closest("figure").querySelector("code").textContent);
    button.textContent = done ? "Copied" : "Select and copy by hand";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}
