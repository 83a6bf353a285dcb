// What the other scripts share. Text from a result only ever becomes a text node or an attribute's value.

const MINUS = "\u2212";
const DASH = "\u2013";

const DATA = JSON.parse(document.getElementById("data").textContent);

for (const board of DATA.boards) {
  board.places = new Map(board.qids.map((qid, i) => [qid, i]));
  for (const system of board.systems) {
    system.perQuery = system.perQuery.map((column) => (typeof column === "string" ? unpacked(column) : column));
  }
}

// Whole numbers of millionths, of three bytes each; the greatest stands for an unknown one.
function unpacked(packed) {
  const bytes = atob(packed);
  return Array.from({ length: bytes.length / 3 }, (_, i) => {
    const [high, middle, low] = [0, 1, 2].map((k) => bytes.charCodeAt(3 * i + k));
    const whole = (high << 16) | (middle << 8) | low;
    return whole === 0xffffff ? null : whole / 1e6;
  });
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

function many(count) {
  return count.toLocaleString("en");
}

// A text that stands in a sentence, whichever way it is read: what is around it keeps its place.
function apart(text) {
  return `\u2068${text}\u2069`;
}

// A table that is wider than its room fades at the side where there is more of it.
for (const room of document.querySelectorAll(".scroll")) {
  const tell = () => {
    const left = room.scrollWidth - room.clientWidth - room.scrollLeft;
    room.classList.toggle("more", left > 1);
  };
  room.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(room);
}
