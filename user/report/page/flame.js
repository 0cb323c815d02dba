// The flame graph: processes, their ioctls, the phases of these; as wide as the time or the bytes they took.

const ROW = 24;
const PHASES = {
  'pin': '#3f74d8', 'dma_map': '#23938a', 'dma_unmap': '#d9820f', 'IOTLB sync': '#bf4536', 'unpin': '#8a62cc', 'account': '#b8901a',
  'IOVA space': '#6b7a8f', 'attach': '#4d9440', 'access': '#bd5a9f', 'rest': '#8d949c',
};

function flameGraph() {
  const parent = byId('flame-figure'), select = byId('flame-select');
  if (!data.flame.length) {
    select.parentElement.hidden = true;
    empty(parent, 'No ioctl was seen.');
    return;
  }
  let root = null, focus = null;
  const names = new Set(data.flame.flatMap(one => one.ioctls.flatMap(ioctl => ioctl.phases.map(phase => phase.name))));
  const graph = figure(parent, {
    label: 'Flame graph of processes, ioctls and phases. Arrow keys move, Enter zooms, Escape shows all.',
    height: () => 4 * ROW, dragZoom: false,
    paint: (context, width) => paintFlame(context, width, root, focus, node => {
      focus = node === focus ? node.parent || root : node;
      graph.draw();
    }),
  });
  legend(parent, []);
  const key = parent.querySelector('.legend');
  for (const name of Object.keys(PHASES).filter(one => names.has(one))) {
    const mark = make('i', { 'aria-hidden': 'true' });
    mark.style.background = PHASES[name];
    key.append(make('li', {}, mark, name));
  }
  graph.key = walk;

  function walk(name) {
    const node = graph.current && graph.current.of, go = to => to && graph.point(graph.items.find(one => one.of === to) || graph.current);
    if (name === 'Escape') {
      focus = root;
      graph.draw();
      return true;
    }
    if (!name.startsWith('Arrow')) return false;
    if (!node) return go(focus), true;
    const siblings = node.parent ? node.parent.children : [node], i = siblings.indexOf(node);
    go({ ArrowUp: node.parent, ArrowDown: node.children[0], ArrowLeft: siblings[i - 1], ArrowRight: siblings[i + 1] }[name]);
    return true;
  }

  function rebuild() {
    root = focus = tree(select.value);
    graph.current = null;
    graph.draw();
  }
  select.addEventListener('change', rebuild);
  rebuild();
}

// Values of leaves are given, those of the others are sums.
function tree(by) {
  const node = (name, children, more) => ({ name, children: children.filter(one => one.value > 0).sort((a, b) => b.value - a.value),
    value: children.reduce((sum, one) => sum + one.value, 0), ...more });
  const root = node('all', data.flame.map(one => node(one.comm || '?', one.ioctls.map(ioctl =>
    node(ioctl.name, ioctl.phases.map(phase => ({ ...phase, value: phase[by], children: [] })), { calls: ioctl.calls })))));
  root.unit = by === 'ns' ? ns : bytes;
  (function link(one) {
    for (const child of one.children) {
      child.parent = one;
      link(child);
    }
  })(root);
  return root;
}

function paintFlame(context, width, root, focus, zoomTo) {
  context.clearRect(0, 0, width, 4 * ROW);
  if (!root || !root.value) {
    context.fillStyle = colour('muted');
    context.textAlign = 'center';
    context.fillText('Nothing of that sort in this recording.', width / 2, 2 * ROW);
    return [];
  }
  const items = [], above = [];
  for (let one = focus.parent; one; one = one.parent) above.unshift(one);
  above.forEach((one, i) => bar(one, 0, i, width));
  (function below(one, x, row, w) {
    bar(one, x, row, w);
    for (const child of one.children) {
      const share = w * child.value / one.value;
      if (share > 0.4) below(child, x, row + 1, share);
      x += share;
    }
  })(focus, 0, above.length, width);

  function bar(one, x, row, w) {
    const at = { x, y: row * ROW, w: Math.max(w - 1, .5), h: ROW - 2 };
    const fill = PHASES[one.name] || ['#c3ccd8', '#a9b8cd', '#8ea6c6'][row] || '#8ea6c6';
    context.fillStyle = fill;
    context.fillRect(at.x, at.y, at.w, at.h);
    const share = (100 * one.value / root.value).toFixed(1), text = `${one.name} ${share} %`;
    if (w > 46) {
      context.save();
      context.beginPath();
      context.rect(at.x, at.y, at.w - 4, at.h);
      context.clip();
      context.textAlign = 'left';
      context.fillStyle = inkOn(fill);
      context.fillText(text, at.x + 6, at.y + ROW / 2 - 1);
      context.restore();
    }
    const path = [];
    for (let p = one; p.parent; p = p.parent) path.unshift(p.name);
    const often = one.calls ? `\n${some(one.calls, 'call')}` : one.spans ? `\n${some(one.spans, 'time')}` : '';
    items.push({ ...at, of: one, activate: () => zoomTo(one), text: `${path.join(' › ') || 'all'}: ${root.unit(one.value)}, ${share} %${often}` });
  }
  return items;
}
