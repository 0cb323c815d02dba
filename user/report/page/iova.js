// The map: time to the right, IOVAs upwards. An IOVA space is 64 bits wide and almost empty, so only what is used is
// drawn to scale; what is not, is a gap of a few pixels.

const MOST_SEGMENTS = 9, GAP = 16, SMALL_RANGE = 2 ** 40, ALL = -1;

function iovaMap() {
  const parent = byId('iova-figure'), select = byId('iova-select');
  if (!data.spaces.length) {
    select.parentElement.hidden = true;
    empty(parent, 'No IOAS was created in this recording.');
    return { open() {} };
  }
  if (data.spaces.length > 1) select.append(make('option', { value: ALL }, 'all IOASes'));
  const busiest = data.spaces.map((_, i) => i).sort((a, b) => weight(b) - weight(a));
  for (const i of busiest) {
    const s = data.spaces[i];
    select.append(make('option', { value: i }, `${spaceName(i)}, ${some(s.areas, 'area')}`));
  }
  legend(parent, [
    ['rw', 'area, writable'], ['ro', 'area, read-only'], [null, 'reserved', 'hatch'], ['allowed', 'allowed', 'dash'],
    ['aperture', 'aperture of a domain', 'dash'], ['bad', 'violation', 'diamond'], ['unsure', 'records lost'],
  ]);
  let scale = layout(Number(select.value));
  const map = figure(parent, {
    label: 'IOVA space over time. Arrow keys go from area to area, Enter opens a violation.',
    height: () => 420, paint: (context, width, height) => paintMap(map, scale, context, width, height),
  });
  select.addEventListener('change', () => {
    scale = layout(Number(select.value));
    map.draw();
    tellLeftOut(scale.space);
  });
  tellLeftOut(scale.space);
  return {
    canvas: map.canvas,
    items: () => map.items,
    open(space) {
      select.value = space;
      select.dispatchEvent(new Event('change'));
    },
  };
}

const spaceName = i => `IOAS ${data.spaces[i].id} of ${process(data.spaces[i])}`;
const broken = new Map();
for (const one of data.violations) broken.set(one.space, (broken.get(one.space) || 0) + 1);
const weight = i => (broken.get(i) || 0) * 1e9 + data.spaces[i].areas;

function tellLeftOut(i) {
  const left = data.spaces.reduce((sum, one, k) => sum + (i === ALL || i === k ? one.areas_left_out : 0), 0);
  const parts = [];
  if (left) parts.push(`${some(left, 'area')} that were small or short-lived are not drawn`);
  if (data.more_spaces) parts.push(`IOASes that are left out: ${count(data.more_spaces)}`);
  note('iova-note', parts.length ? `${parts.join('; ')}.` : '');
}

// ---- the scale of IOVAs ----

const number = hex => Number(BigInt(hex));

function withNumbers(one) {
  return { ...one, low: number(one.start), high: number(one.last) + 1 };
}

function layout(space) {
  const here = one => space === ALL || one.space === space;
  const areas = data.areas.filter(here).map(withNumbers).sort((a, b) => a.from_ns - b.from_ns);
  const ranges = data.ranges.filter(here).map(withNumbers);
  const found = data.violations.map((one, i) => ({ ...withNumbers(one), i })).filter(one => here(one) && one.about_iova);
  const small = ranges.filter(one => one.kind === 'reserved' && one.high - one.low < SMALL_RANGE);
  const segments = merged(united([...areas, ...found]));
  const apart = united(small).filter(one => !segments.some(other => one.low <= other.high && other.low <= one.high));
  return { space, areas, ranges, found, segments: [...segments, ...apart.slice(0, 4).map(one => ({ ...one, thin: true }))].sort((a, b) => a.low - b.low) };
}

// Without overlaps, in ascending order.
function united(list) {
  const result = [];
  for (const { low, high } of [...list].sort((a, b) => a.low - b.low)) {
    const last = result[result.length - 1];
    if (last && low <= last.high) last.high = Math.max(last.high, high);
    else result.push({ low, high });
  }
  return result;
}

// The smallest gaps are closed until few segments are left.
function merged(segments) {
  const gaps = segments.slice(1).map((one, i) => one.low - segments[i].high).sort((a, b) => b - a);
  const least = gaps[MOST_SEGMENTS - 2] ?? -1;
  const result = segments.slice(0, 1);
  for (const one of segments.slice(1)) {
    const last = result[result.length - 1];
    if (one.low - last.high > least || (least < 0)) result.push({ ...one });
    else last.high = Math.max(last.high, one.high);
  }
  return result;
}

// A segment is the higher the larger it is, but a page is seen beside a terabyte.
function place(segments, top, bottom) {
  const room = bottom - top - GAP * (segments.length + 1);
  const shares = segments.map(({ low, high, thin }) => (thin ? 1.5 : Math.log2((high - low) / 4096 + 1) + 3));
  const total = shares.reduce((a, b) => a + b, 0);
  let y = bottom - GAP;
  segments.forEach((one, i) => {
    one.bottom = y;
    one.top = y - room * shares[i] / total;
    y = one.top - GAP;
  });
  return value => {
    let below = { high: 0, top: bottom };
    for (const one of segments) {
      if (value < one.low) return between(value, below.high, one.low, below.top, one.bottom);
      if (value <= one.high) return between(value, one.low, one.high, one.bottom, one.top);
      below = one;
    }
    return between(value, below.high, 2 ** 64, below.top, top);
  };
}

const between = (value, low, high, from, to) => from + (high > low ? (value - low) / (high - low) : 0) * (to - from);

// ---- drawing ----

function paintMap(map, scale, context, width, height) {
  const bottom = height - BOTTOM;
  context.clearRect(0, 0, width, height);
  const [x, time] = timeAxis(context, width, height);
  map.time = time;
  const y = place(scale.segments, 0, bottom);
  paintGaps(context, scale.segments, width);
  clip(context, width, bottom);
  const items = [...scale.ranges.map(one => paintRange(context, one, x, y, width)),
    ...scale.areas.map(one => paintArea(context, one, x, y))];
  marks(context, x, 0, bottom);
  items.push(...scale.found.map(one => paintFound(context, one, x, y)));
  context.restore();
  if (!scale.areas.length) {
    context.fillStyle = colour('muted');
    context.textAlign = 'center';
    context.fillText('Nothing was mapped in this IOAS.', width / 2, 24);
  }
  return items.filter(one => one && one.x + one.w >= LEFT && one.x <= width - RIGHT);
}

function paintGaps(context, segments, width) {
  context.textAlign = 'right';
  let free = Infinity;
  for (const one of segments) {
    context.fillStyle = colour('soft');
    context.fillRect(LEFT, one.top, width - LEFT - RIGHT, one.bottom - one.top);
    context.fillStyle = colour('muted');
    for (const [at, value] of [[one.bottom - 1, one.low], [one.top + 1, one.high]]) {
      if (free - at < 13) continue;
      context.fillText(`0x${BigInt(value).toString(16)}`, LEFT - 8, at);
      free = at;
    }
  }
}

function box(one, x, y) {
  const top = y(one.high), left = x(one.from_ns);
  return { x: left, y: top, w: Math.max(1.5, x(one.to_ns) - left), h: Math.max(2, y(one.low) - top) };
}

const lifetime = one => `from ${moment(one.from_ns)} to ${moment(one.to_ns)}, ${one.end}`;

function paintArea(context, one, x, y) {
  const at = box(one, x, y), writable = one.prot.includes('write');
  context.fillStyle = colour(writable ? 'rw' : 'ro');
  context.globalAlpha = 0.82;
  context.fillRect(at.x, at.y, at.w, at.h);
  context.globalAlpha = 1;
  if (at.w > 4 && at.h > 4) {
    context.strokeStyle = colour('card');
    context.lineWidth = 1;
    context.strokeRect(at.x + .5, at.y + .5, at.w - 1, at.h - 1);
  }
  return { ...at, of: one, text: `area ${one.start} – ${one.last}, ${hexSize(one.start, one.last)}, ${one.prot.join(' ')}\n` +
    `${lifetime(one)}\n${spaceName(one.space)}, area ${one.area}, pages ${one.pages}` };
}

function paintRange(context, one, x, y, width) {
  const at = box(one, x, y);
  if (one.kind === 'reserved') {
    context.fillStyle = hatch(context);
    context.fillRect(at.x, at.y, at.w, at.h);
  } else {
    context.strokeStyle = colour(one.kind);
    context.lineWidth = 1.5;
    context.setLineDash([6, 4]);
    context.beginPath();
    for (const edge of [at.y, at.y + at.h]) {
      context.moveTo(at.x, edge);
      context.lineTo(at.x + at.w, edge);
    }
    context.stroke();
    context.setLineDash([]);
  }
  const name = one.kind === 'aperture' ? `aperture of domain ${one.owner}` : `${one.kind} range`;
  return { ...at, w: Math.min(at.w, width), of: one, text: `${name} ${one.start} – ${one.last}\n${lifetime(one)}\n${spaceName(one.space)}` };
}

const patterns = new Map();

function hatch(context) {
  const stroke = colour('reserved');
  if (!patterns.has(stroke)) {
    const tile = make('canvas', { width: 7, height: 7 }), pen = tile.getContext('2d');
    pen.strokeStyle = stroke;
    for (const offset of [-7, 0, 7]) {
      pen.moveTo(offset, 7);
      pen.lineTo(offset + 7, 0);
    }
    pen.stroke();
    patterns.set(stroke, context.createPattern(tile, 'repeat'));
  }
  return patterns.get(stroke);
}

function paintFound(context, one, x, y) {
  const cx = x(one.at_ns), cy = (y(one.low) + y(one.high)) / 2, size = 6;
  context.fillStyle = colour('bad');
  context.strokeStyle = colour('card');
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(cx, cy - size);
  context.lineTo(cx + size, cy);
  context.lineTo(cx, cy + size);
  context.lineTo(cx - size, cy);
  context.closePath();
  context.fill();
  context.stroke();
  return { x: cx - size, y: cy - size, w: 2 * size, h: 2 * size, of: one, activate: () => openViolation(one.i),
    text: `${one.rule}: ${one.text}\nat ${moment(one.at_ns)}; click or Enter for its story` };
}
