// Charts by uPlot: memory over time, and the lengths of runs.

function themed(options) {
  const axis = {
    stroke: () => colour('muted'), font: '12px system-ui, "DejaVu Sans", sans-serif',
    grid: { stroke: () => colour('line'), width: 1 }, ticks: { stroke: () => colour('line'), width: 1 },
  };
  return { padding: [8, RIGHT, 0, 0], ...options, axes: options.axes.map(one => ({ ...axis, ...one })) };
}

// A chart that fits its parent, and is made anew when what it shows is another thing.
function chart(parent, label, height, build) {
  const holder = make('div', { tabindex: 0, role: 'application', 'aria-label': label });
  const self = { plot: null };
  parent.append(holder);
  self.draw = () => {
    const { options, series } = build();
    self.plot?.destroy();
    self.plot = new uPlot({ width: Math.max(holder.clientWidth, 200), height, ...themed(options) }, series, holder);
  };
  holder.addEventListener('keydown', event => {
    const plot = self.plot, step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return zoomKey(event);
    const now = plot.cursor.idx ?? (step > 0 ? -1 : plot.data[0].length);
    const next = Math.min(Math.max(now + step, 0), plot.data[0].length - 1);
    plot.setCursor({ left: plot.valToPos(plot.data[0][next], 'x'), top: plot.bbox.height / devicePixelRatio / 2 });
    event.preventDefault();
  });
  let width = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth === width) return;
    width = holder.clientWidth;
    self.draw();
  }).observe(holder);
  drawn.push(self.draw);
  return self;
}

// ---- memory ----

const MEMORY_LINES = [
  ['pinned', 'pinned', { width: 2 }], ['charged', 'charged', { width: 2 }],
  ['locked', 'locked by its user or mm', { width: 1 }], ['limit', 'RLIMIT_MEMLOCK', { width: 1.5, dash: [6, 4] }],
];

function memoryChart() {
  const parent = byId('memory-figure'), select = byId('memory-select'), { memory } = data;
  if (![...memory.pinned, ...memory.charged].some(n => n)) {
    select.parentElement.hidden = true;
    empty(parent, 'Nothing was pinned or charged in this recording.');
    return;
  }
  const lines = [memory, ...memory.processes];
  select.append(make('option', { value: 0 }, 'all'));
  memory.processes.forEach((one, i) => select.append(make('option', { value: i + 1 }, process(one))));
  const plot = chart(parent, 'Pinned and charged memory over time. Left and right arrows read values.', 260,
    () => memoryOptions(lines[select.value || 0]));
  select.addEventListener('change', () => plot.draw());
}

function memoryOptions(line) {
  const width = data.times.bucket_ns, shown = MEMORY_LINES.filter(([key]) => line[key]);
  const toBytes = pages => pages.map(n => (n < 0 ? null : n * data.page_bytes));
  const high = Math.max(...shown.filter(([key]) => key !== 'limit').flatMap(([key]) => line[key])) * data.page_bytes;
  const limits = toBytes(line.limit || []).filter(n => n !== null), limit = limits.length ? Math.max(...limits) : 0;
  const visible = limit && limit < 3 * high;
  note('memory-note', [limit && !visible && `The limit of ${bytes(limit)} is far above, and not drawn.`,
    data.memory.more_processes && 'Some processes are left out of the list; "all" has them.'].filter(Boolean).join(' '));
  return {
    series: [line.pinned.map((_, i) => i * width / 1e9), ...shown.map(([key]) => toBytes(line[key]))],
    options: {
      scales: {
        x: { time: false, range: () => [view.from / 1e9, view.to / 1e9] },
        y: { range: () => [0, Math.max(high, visible ? limit : 0) * 1.08 || 1] },
      },
      legend: { live: true },
      cursor: { drag: { x: true, y: false, setScale: false } },
      hooks: {
        setSelect: [u => u.select.width > 4 && show(u.posToVal(u.select.left, 'x') * 1e9, u.posToVal(u.select.left + u.select.width, 'x') * 1e9)],
        draw: [drawMarks],
      },
      axes: [
        { values: (_, ticks) => ticks.map(t => moment(t * 1e9)), space: 110 },
        { values: (_, ticks) => ticks.map(bytes), size: LEFT, incrs: Array.from({ length: 50 }, (_, i) => 2 ** i) },
      ],
      series: [
        { label: 'time', value: (_, t) => (t == null ? '–' : moment(t * 1e9)) },
        ...shown.map(([key, label, style]) => ({
          label, ...style, stroke: () => colour(key), points: { show: false }, spanGaps: false,
          fill: key === 'pinned' ? () => colour(key) + '22' : undefined, paths: uPlot.paths.stepped({ align: 1 }),
          value: (_, v) => (v == null ? (key === 'limit' ? 'none' : '–') : bytes(v)),
        })),
      ],
    },
  };
}

function drawMarks(u) {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  marks(u.ctx, t => u.valToPos(t / 1e9, 'x', true), top, top + height);
  u.ctx.restore();
}

// ---- runs ----

function runsChart() {
  const parent = byId('runs-figure'), { pinned, mapped } = data.runs;
  const n = Math.max(pinned.runs.length, mapped.runs.length);
  if (!n) {
    empty(parent, 'No PFNs were recorded.');
    return;
  }
  const share = list => {
    const total = list.reduce((a, b) => a + b, 0);
    return Array.from({ length: n }, (_, i) => (total ? 100 * (list[i] || 0) / total : null));
  };
  const size = i => bytes(data.page_bytes * 2 ** i);
  const tell = list => (_, v, __, i) => (v == null ? '–' : `${v.toFixed(1)} %, ${some(list.runs[i] || 0, 'run')}`);
  const bars = (key, label, list, align) => ({
    label, stroke: () => colour(key), fill: () => colour(key) + 'bb', width: 0, points: { show: false }, value: tell(list),
    paths: uPlot.paths.bars({ size: [0.38, 60], align }),
  });
  chart(parent, 'Share of pages by length of their run. Left and right arrows read values.', 220, () => ({
    series: [Array.from({ length: n }, (_, i) => i), share(pinned.pages), share(mapped.pages)],
    options: {
      scales: { x: { time: false, range: () => [-0.6, n - 0.4] }, y: { range: () => [0, 100] } },
      cursor: { drag: { x: false, y: false } },
      axes: [
        { values: (_, ticks) => ticks.map(i => (Number.isInteger(i) && i >= 0 && i < n ? size(i) : '')), incrs: [1, 2, 4], space: 60, grid: { show: false } },
        { values: (_, ticks) => ticks.map(v => `${v} %`), size: LEFT },
      ],
      series: [
        { label: 'run of at least', value: (_, i) => (i == null ? '–' : size(i)) },
        bars('pinned', 'as pinned', pinned, 1), bars('ro', 'as mapped', mapped, -1),
      ],
    },
  }));
}
