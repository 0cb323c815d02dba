// What all parts of the page share: the data, elements, units, colours, and the range of time shown.

const data = (() => {
  try {
    return JSON.parse(document.getElementById('data').textContent);
  } catch (error) {
    document.getElementById('why').textContent = 'This page has no data; it was not written to its end.';
    throw error;
  }
})();

// ---- elements ----

const byId = id => document.getElementById(id);

// All text comes in as text: a process may have named itself like a tag.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? '' : value);
  element.append(...children);
  return element;
}

function note(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

function empty(parent, text, good = false) {
  parent.replaceChildren(make('p', { class: good ? 'empty good' : 'empty' }, text));
}

// ---- units ----

const count = n => n.toLocaleString('en-US');
const some = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;

function scaled(value, units, step) {
  let i = 0;
  while (i < units.length - 1 && Math.abs(value) >= step) {
    value /= step;
    i++;
  }
  const digits = i && Math.abs(value) < 10 && !Number.isInteger(value) ? 1 : 0;
  return `${value.toFixed(digits)} ${units[i]}`;
}

const bytes = n => scaled(n, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'], 1024);

function ns(value) {
  for (const [size, unit] of [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']])
    if (value >= size) {
      const n = value / size;
      return `${n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2)} ${unit}`;
    }
  return `${Math.round(value)} ns`;
}

// A moment: with as many digits as the range that is shown can tell apart.
function moment(value, span = view.to - view.from) {
  const digits = Math.min(9, Math.max(0, Math.ceil(3 - Math.log10(Math.max(span, 1) / 1e9))));
  return `${(value / 1e9).toFixed(digits)} s`;
}

const hexSize = (start, last) => bytes(Number(BigInt(last) - BigInt(start) + 1n));
const process = one => `${one.comm || '?'} (${one.tgid})`;

// ---- colours ----

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Ink that can be read on a colour "#rrggbb".
function inkOn(hex) {
  const [r, g, b] = [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255);
  return 0.3 * r + 0.59 * g + 0.11 * b > 0.58 ? '#14171b' : '#ffffff';
}

function mix(from, to, share) {
  const part = i => Math.round(parseInt(from.slice(i, i + 2), 16) * (1 - share) + parseInt(to.slice(i, i + 2), 16) * share);
  return `rgb(${part(1)}, ${part(3)}, ${part(5)})`;
}

const system = matchMedia('(prefers-color-scheme: dark)');
let chosen = null;

function applyTheme() {
  const theme = chosen || (system.matches ? 'dark' : 'light');
  document.documentElement.dataset.theme = theme;
  byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
  redraw();
}

// ---- what is drawn again when the range or the colours change ----

const drawn = [];
const redraw = () => drawn.forEach(draw => draw());

const whole = { from: 0, to: Math.max(data.origin.duration_ns, 1) };
const view = { ...whole };

function show(from, to) {
  const span = Math.min(Math.max(to - from, 50), whole.to);
  view.from = Math.min(Math.max(from, 0), whole.to - span);
  view.to = view.from + span;
  byId('range').textContent = `${moment(view.from)} – ${moment(view.to)}`;
  redraw();
}

function zoom(how) {
  const span = view.to - view.from, middle = (view.from + view.to) / 2;
  const ranges = {
    in: [middle - span / 4, middle + span / 4],
    out: [middle - span, middle + span],
    left: [view.from - span / 4, view.to - span / 4],
    right: [view.from + span / 4, view.to + span / 4],
    all: [0, whole.to],
  };
  show(...ranges[how]);
}

const ZOOM_KEYS = { '+': 'in', '=': 'in', '-': 'out', '[': 'left', ']': 'right', 0: 'all' };

function zoomKey(event) {
  if (!(event.key in ZOOM_KEYS) || event.ctrlKey || event.metaKey || event.altKey) return false;
  zoom(ZOOM_KEYS[event.key]);
  event.preventDefault();
  return true;
}

// Buckets of time, as [first, last] that are in the range.
function buckets() {
  const width = data.times.bucket_ns, n = data.times.records.length;
  return [Math.max(0, Math.floor(view.from / width)), Math.min(n - 1, Math.ceil(view.to / width))];
}
