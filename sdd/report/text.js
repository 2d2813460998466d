// Words, numbers and elements as the page shows them.

const MISSING = "–";

/** Return a new element; strings become text, never markup. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(made.style, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const byId = (id) => document.getElementById(id);
const known = (value) => value !== null && value !== undefined;
const minus = (text) => text.replace("-", "−");
const plural = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** A fraction in [0, 1] as percent. */
const percent = (fraction, digits = 1) => (known(fraction) ? minus((100 * fraction).toFixed(digits).replace(/^-(?=0(\.0*)?$)/, "")) : MISSING);

/** A difference of fractions in points, with its sign. */
const points = (fraction) => (known(fraction) ? (fraction >= 0.0005 ? "+" : "") + percent(fraction) : MISSING);

/** A sparsity as percent, as exact as it needs to be. */
function sparsityText(fraction) {
  if (!known(fraction)) return MISSING;
  const remaining = 1 - fraction;
  const digits = remaining > 0 && remaining < 1 ? Math.floor(-Math.log10(remaining)) + 1 : 0;
  return `${Number((100 * fraction).toFixed(Math.min(digits, 8)))} %`;
}

/** A fraction of remaining weights as percent, to three digits. */
const remainingText = (fraction) => (known(fraction) ? `${Number((100 * fraction).toPrecision(3))} %` : MISSING);

/** A number to four significant digits. */
function number(value) {
  if (!known(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return minus(String(Number(value.toPrecision(4))));
  const [digits, power] = value.toExponential(2).split("e");
  return `${Number(digits) === 1 ? "" : `${minus(String(Number(digits)))}·`}10${[...String(Number(power))].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("")}`;
}

const rho = (value) => (known(value) ? minus(value.toFixed(2).replace(/^-(?=0\.00$)/, "")) : MISSING);
const interval = (part, write) => (known(part?.low) ? `[${write(part.low)}, ${write(part.high)}]` : "");

function duration(seconds) {
  if (!known(seconds)) return MISSING;
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A text of at most so many letters. */
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** A setting as text; null is "not set". */
const settingText = (value) => (typeof value === "string" ? value : value === undefined ? MISSING : JSON.stringify(value));

/** Text that the plotting library shows as it is: it would read tags and templates. */
const plotText = (text) =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/%/g, "&#37;").replace(/\$/g, "&#36;");
