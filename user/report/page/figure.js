// A canvas that can be looked at with a mouse, with keys, and by a screen reader.
//
// paint(context, width, height) draws and returns the items that can be pointed at: {x, y, w, h, text, activate}.
// What is pointed at is told by a tip next to the mouse, and by a line of text below.

const HIT = 3;    // px around small items

function figure(parent, { label, height, paint, dragZoom = true, order = () => 0 }) {
  const canvas = make('canvas', { tabindex: 0, role: 'application', 'aria-label': label });
  const readout = make('output', { class: 'readout', 'aria-live': 'polite' });
  const self = { items: [], current: null, canvas, readout };
  let drag = null;

  parent.append(canvas, readout);

  self.draw = () => {
    const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1, h = height();
    if (!width) return;
    canvas.width = width * ratio;
    canvas.height = h * ratio;
    canvas.style.height = `${h}px`;
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.font = '12px system-ui, "DejaVu Sans", sans-serif';
    context.textBaseline = 'middle';
    self.items = paint(context, width, h) || [];
    if (self.current) self.current = self.items.find(item => item.of === self.current.of) || null;
    if (self.current) outline(context, self.current);
    if (drag && drag.x !== drag.to) {
      context.fillStyle = colour('accent') + '33';
      context.fillRect(Math.min(drag.x, drag.to), 0, Math.abs(drag.to - drag.x), h);
    }
  };

  function outline(context, { x, y, w, h }) {
    context.strokeStyle = colour('ink');
    context.lineWidth = 2;
    context.strokeRect(x - 1, y - 1, w + 2, h + 2);
  }

  function point(item, mouse) {
    if (item !== self.current) {
      self.current = item;
      self.draw();
      readout.textContent = item ? item.text.replace(/\n/g, ' · ') : '';
    }
    tip(item && mouse ? item.text : null, mouse);
    canvas.style.cursor = item && item.activate ? 'pointer' : dragZoom ? 'crosshair' : 'default';
  }

  const at = event => [event.clientX - canvas.getBoundingClientRect().left, event.clientY - canvas.getBoundingClientRect().top];

  // The smallest that is hit: a large one may lie behind it.
  function hit([x, y]) {
    const inside = one => x >= one.x - HIT && x <= one.x + one.w + HIT && y >= one.y - HIT && y <= one.y + one.h + HIT;
    return self.items.filter(inside).reduce((best, one) => (!best || one.w * one.h < best.w * best.h ? one : best), null);
  }

  canvas.addEventListener('pointermove', event => {
    if (drag) {
      drag.to = at(event)[0];
      self.draw();
    } else {
      point(hit(at(event)), event);
    }
  });
  canvas.addEventListener('pointerleave', () => tip(null));
  canvas.addEventListener('pointerdown', event => {
    if (!dragZoom || !self.time) return;
    drag = { x: at(event)[0], to: at(event)[0] };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointerup', () => {
    const done = drag;
    drag = null;
    if (done && Math.abs(done.to - done.x) > 5) show(self.time(Math.min(done.x, done.to)), self.time(Math.max(done.x, done.to)));
  });
  canvas.addEventListener('click', event => {
    const item = hit(at(event));
    if (item && item.activate) item.activate();
  });

  // Arrows go to the next item in the order of columns or of rows.
  function move(key) {
    const rows = key === 'ArrowUp' || key === 'ArrowDown';
    const forward = key === 'ArrowRight' || key === 'ArrowUp';
    const sorted = [...self.items].sort((a, b) => order(a, b) || (rows ? b.y - a.y || a.x - b.x : a.x - b.x || b.y - a.y));
    const i = sorted.indexOf(self.current) + (forward ? 1 : -1);
    if (sorted.length) point(sorted[self.current ? Math.min(Math.max(i, 0), sorted.length - 1) : 0]);
  }

  canvas.addEventListener('keydown', event => {
    if (self.key && self.key(event.key)) event.preventDefault();
    else if (event.key.startsWith('Arrow')) {
      move(event.key);
      event.preventDefault();
    } else if (event.key === 'Enter' && self.current && self.current.activate) {
      event.preventDefault();     // or it would press the button that gets the focus
      self.current.activate();
    } else if (event.key === 'Escape') point(null);
    else if (dragZoom) zoomKey(event);
  });

  self.point = point;
  new ResizeObserver(() => self.draw()).observe(canvas);
  drawn.push(self.draw);
  return self;
}

function tip(text, mouse) {
  const element = byId('tip');
  element.hidden = !text;
  if (!text) return;
  element.textContent = text;
  const { width, height } = element.getBoundingClientRect();
  element.style.left = `${Math.min(mouse.clientX + 14, innerWidth - width - 8)}px`;
  element.style.top = `${mouse.clientY + 18 + height > innerHeight ? mouse.clientY - height - 12 : mouse.clientY + 18}px`;
}

function legend(parent, entries) {
  parent.prepend(make('ul', { class: 'legend' }, ...entries.map(([name, text, kind]) => {
    const mark = make('i', { class: kind, 'aria-hidden': 'true' });
    if (name) mark.style.cssText = kind === 'dash' ? `color: var(--${name})` : `background: var(--${name})`;
    return make('li', {}, mark, text);
  })));
}

// ---- axes ----

const LEFT = 118, RIGHT = 12, BOTTOM = 22;

function niceStep(span, most) {
  const raw = span / most, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map(n => n * power).find(step => step >= raw);
}

// Draws the axis of time, and returns [ns to x, x to ns].
function timeAxis(context, width, height) {
  const span = view.to - view.from, inner = width - LEFT - RIGHT, bottom = height - BOTTOM;
  const x = t => LEFT + (t - view.from) / span * inner;
  const step = niceStep(span, Math.max(2, inner / 130));
  context.textAlign = 'center';
  context.lineWidth = 1;
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
    context.strokeStyle = colour('line');
    context.beginPath();
    context.moveTo(x(t), 0);
    context.lineTo(x(t), bottom);
    context.stroke();
    context.fillStyle = colour('muted');
    context.fillText(moment(t), Math.min(Math.max(x(t), LEFT + 24), width - 34), bottom + 12);
  }
  return [x, px => view.from + (px - LEFT) / inner * span];
}

// Where records were lost, and where rules were broken.
function marks(context, x, top, bottom) {
  const width = data.times.bucket_ns;
  context.lineWidth = 1;
  for (const [i, lost] of data.times.lost.entries()) {
    if (!lost) continue;
    context.fillStyle = colour('unsure') + '40';
    context.fillRect(x(i * width), top, Math.max(2, x((i + 1) * width) - x(i * width)), bottom - top);
  }
  context.setLineDash([4, 3]);
  context.strokeStyle = colour('bad') + 'aa';
  for (const px of new Set(data.violations.map(one => Math.round(x(one.at_ns))))) {
    context.beginPath();
    context.moveTo(px, top);
    context.lineTo(px, bottom);
    context.stroke();
  }
  context.setLineDash([]);
}

function clip(context, width, bottom) {
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT - RIGHT, bottom);
  context.clip();
}
