// The heat map: time to the right, latency upwards, the darker the more ioctls.

function heatMap() {
  const parent = byId('heat-figure'), { cells } = data.latency;
  if (!cells.length) {
    empty(parent, 'No ioctl was seen from its beginning to its end.');
    return;
  }
  const list = [];
  for (let i = 0; i < cells.length; i += 3) list.push({ t: cells[i], row: cells[i + 1], n: cells[i + 2] });
  const rows = list.map(one => one.row), first = Math.min(...rows), last = Math.max(...rows);
  const most = Math.max(...list.map(one => one.n));
  legend(parent, [[null, `ioctls in a cell: 1 to ${count(most)}`, 'scale']]);
  const map = figure(parent, {
    label: 'Latency of ioctls over time. Arrow keys go from cell to cell.',
    height: () => Math.min(Math.max(120, (last - first + 1) * 14), 320) + BOTTOM,
    paint: (context, width, height) => paintHeat(map, { list, first, last, most }, context, width, height),
  });
}

const rowStart = row => data.latency.first_row_ns * 2 ** (row / data.latency.rows_per_doubling);

function paintHeat(map, { list, first, last, most }, context, width, height) {
  const bottom = height - BOTTOM, h = bottom / (last - first + 1), bucket = data.times.bucket_ns;
  context.clearRect(0, 0, width, height);
  const [x, time] = timeAxis(context, width, height);
  map.time = time;
  context.textAlign = 'right';
  for (let row = first; row <= last; row++) {
    if (row % 2 || (h < 8 && row % 4)) continue;
    context.fillStyle = colour('muted');
    context.fillText(ns(rowStart(row)), LEFT - 8, Math.min(bottom - 6, bottom - (row - first) * h));
  }
  const [pale, full] = [colour('heat-0'), colour('heat-1')], [from, to] = buckets();
  clip(context, width, bottom);
  const items = [];
  for (const one of list) {
    if (one.t < from || one.t > to) continue;
    const at = { x: x(one.t * bucket), y: bottom - (one.row - first + 1) * h, w: Math.max(2, bucket / (view.to - view.from) * (width - LEFT - RIGHT)), h };
    context.fillStyle = mix(pale, full, most > 1 ? Math.log(one.n) / Math.log(most) : 1);
    context.fillRect(at.x, at.y + .5, at.w + .3, h - 1);
    items.push({ ...at, of: one, text: `${some(one.n, 'ioctl')} took ${ns(rowStart(one.row))} to ${ns(rowStart(one.row + 1))}\n` +
      `from ${moment(one.t * bucket)}, in ${ns(bucket)}` });
  }
  marks(context, x, 0, bottom);
  context.restore();
  return items;
}
