// What is told by words and numbers: the verdict, violations, ioctls, rules; and the start of everything.

// ---- the verdict ----

function hero() {
  const { summary, origin } = data;
  byId('verdict').textContent = summary.verdict;
  byId('verdict').dataset.verdict = summary.verdict;
  byId('why').textContent = summary.why;
  const command = origin.command.map(one => one.word).join(' ');
  byId('what').textContent = [command, `Linux ${origin.kernel.split(' ')[0]}`, new Date(origin.began_ms).toISOString().replace('T', ' ').replace(/\..*/, ' UTC')]
    .filter(Boolean).join(' · ');
  document.title = `${summary.verdict} – iommuscope report`;
  const calls = data.ioctls.reduce((sum, one) => sum + one.calls, 0);
  const peak = key => bytes(Math.max(0, ...data.memory[key]) * data.page_bytes);
  const violations = summary.broken.reduce((sum, one) => sum + one.violations, 0);
  for (const [name, value] of [['Duration', ns(origin.duration_ns)], ['Records', count(data.records)], ['Contexts', count(summary.contexts)],
    ['ioctls', count(calls)], ['Most pinned', peak('pinned')], ['Most charged', peak('charged')], ['Violations', count(violations)]])
    byId('tiles').append(make('div', {}, make('dt', {}, name), make('dd', {}, value)));
  if (data.lost)
    note('losses', `${some(data.lost, 'record')} were lost: what is shown of memory and IOVAs after a loss may be too much or too little. ` +
      'The charts mark where.');
}

// ---- violations ----

const FIRST_VIOLATIONS = 5;

function violations() {
  const parent = byId('violation-list'), { summary } = data;
  if (!data.violations.length) {
    const judged = summary.rules - summary.not_checked.length;
    empty(parent, summary.verdict === 'PASS' ? `No violations: ${some(judged, 'rule')} held.` :
      `No violations were found by ${some(judged, 'rule')}, but not everything could be judged.`, summary.verdict === 'PASS');
    return;
  }
  parent.append(...data.violations.map(violation));
  const rest = [...parent.children].slice(FIRST_VIOLATIONS);
  for (const one of rest) one.hidden = true;
  if (rest.length) parent.append(make('button', { type: 'button', id: 'more-violations', onclick: showRest }, `Show ${count(rest.length)} more`));
  const told = data.violations.length + data.more_violations, all = summary.broken.reduce((sum, one) => sum + one.violations, 0);
  if (all > data.violations.length)
    parent.append(make('p', { class: 'note' }, `${count(all - told + data.more_violations)} more are counted, but not told one by one.`));
}

function showRest() {
  const button = byId('more-violations');
  if (!button) return;
  for (const one of byId('violation-list').children) one.hidden = false;
  button.remove();
}

function violation(one, i) {
  const button = make('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': `violation-${i}`, id: `violation-${i}-head`,
    onclick: () => toggle(i) },
  make('b', {}, one.rule), make('span', {}, one.text), make('small', {}, `${one.severity} · ${moment(one.at_ns, whole.to)}`));
  return make('div', { class: 'violation', 'data-severity': one.severity },
    make('h3', {}, button), make('div', { class: 'body', id: `violation-${i}`, role: 'region', 'aria-labelledby': `violation-${i}-head`, hidden: true }));
}

function toggle(i, open = byId(`violation-${i}`).hidden) {
  const body = byId(`violation-${i}`);
  if (open && !body.firstChild) body.append(...story(data.violations[i]));
  body.hidden = !open;
  byId(`violation-${i}-head`).setAttribute('aria-expanded', open);
}

function openViolation(i) {
  if (i >= FIRST_VIOLATIONS) showRest();
  toggle(i, true);
  byId(`violation-${i}-head`).focus();
  byId(`violation-${i}-head`).scrollIntoView({ block: 'start' });
}

function story(one) {
  const parts = [make('p', {}, `Rule: ${one.statement}.`), make('p', {}, `${one.object}; ${process(one)}, thread ${one.tid}, record ${count(one.seq)}.`)];
  if (one.story.length) parts.push(make('h4', {}, 'How it came to that'), make('pre', { class: 'story' }, one.story.join('\n')));
  if (one.map.length) parts.push(make('h4', {}, 'The IOVA space at that moment'), make('pre', { class: 'map' }, one.map.join('\n')));
  parts.push(make('h4', {}, 'The last records'), make('pre', { class: 'history' }, one.history.join('\n')));
  const width = Math.max(whole.to / 50, 1000);
  parts.push(make('p', {}, make('button', { type: 'button', onclick: () => {
    if (one.space >= 0) map.open(one.space);
    show(one.at_ns - width, one.at_ns + width);
    byId('iova').scrollIntoView();
  } }, 'Show this moment in the charts')));
  return parts;
}

// ---- ioctls ----

const IOCTL_COLUMNS = [
  ['ioctl', one => one.name, one => one.name], ['calls', one => one.calls, one => count(one.calls)], ['errors', one => one.errors, errors],
  ['bytes', one => one.bytes, one => (one.bytes ? bytes(one.bytes) : '')], ['p50', one => one.p50_ns, one => ns(one.p50_ns)],
  ['p99', one => one.p99_ns, one => ns(one.p99_ns)], ['longest', one => one.max_ns, one => ns(one.max_ns)],
  ['total', one => one.total_ns, total],
];

function errors(one) {
  if (!one.errors) return '';
  const known = one.errnos.map(e => `${e.name || e.rc} ${count(e.count)}`).join(', ');
  return make('span', { title: known }, `${count(one.errors)} (${known})`);
}

function total(one) {
  const all = Math.max(...data.ioctls.map(other => other.total_ns), 1), bar = make('span', { class: 'share', 'aria-hidden': 'true' });
  bar.style.width = `${4 * one.total_ns / all}rem`;
  return make('span', {}, bar, ns(one.total_ns));
}

function ioctlTable() {
  const parent = byId('ioctls');
  if (!data.ioctls.length) {
    empty(parent, 'No ioctl was seen from its beginning to its end.');
    return;
  }
  let column = IOCTL_COLUMNS.length - 1, down = true;
  const body = make('tbody');
  const heads = IOCTL_COLUMNS.map(([name], i) => make('th', { scope: 'col' }, make('button', { type: 'button', onclick: () => sort(i) }, name)));
  parent.append(make('table', {}, make('thead', {}, make('tr', {}, ...heads)), body));

  function sort(i) {
    down = i === column ? !down : i > 0;
    column = i;
    const key = IOCTL_COLUMNS[i][1], sign = down ? -1 : 1;
    const rows = [...data.ioctls].sort((a, b) => sign * (key(a) > key(b) ? 1 : key(a) < key(b) ? -1 : 0));
    body.replaceChildren(...rows.map(one => make('tr', {}, ...IOCTL_COLUMNS.map(([name, , text]) =>
      make('td', { class: name === 'errors' && one.errors ? 'bad' : null }, text(one))))));
    heads.forEach((head, k) => (k === i ? head.setAttribute('aria-sort', down ? 'descending' : 'ascending') : head.removeAttribute('aria-sort')));
  }
  down = false;
  sort(column);
}

// ---- the recording ----

function about() {
  const { origin, summary } = data;
  const rows = [['Recorded by', `iommuscope ${origin.program}`], ['Kernel', `${origin.kernel} ${origin.machine}`], ['Kernel command line', origin.kernel_cmdline],
    ['Command', origin.command.map(one => one.word).join(' ')], ['Note', origin.note], ['Not recorded', origin.absent_why],
    ['Contexts given up', summary.contexts_given_up ? count(summary.contexts_given_up) : '']];
  for (const [name, value] of rows.filter(row => row[1])) byId('origin').append(make('dt', {}, name), make('dd', {}, value));
  const list = (title, rules, text) => rules.length && byId('rules').append(make('h3', {}, title),
    make('ul', { class: 'rule-list' }, ...rules.map(one => make('li', {}, make('b', {}, one.rule), ` ${text(one)}`))));
  list('Rules that were broken', summary.broken, one => `${some(one.violations, 'time')}: ${one.statement}`);
  list('Rules that could not be checked', summary.not_checked, one => one.why);
}

// ---- the start ----

byId('theme').addEventListener('click', () => {
  chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  applyTheme();
});
system.addEventListener('change', applyTheme);
for (const button of document.querySelectorAll('[data-range]')) button.addEventListener('click', () => zoom(button.dataset.range));

hero();
violations();
const map = iovaMap();
memoryChart();
heatMap();
ioctlTable();
flameGraph();
runsChart();
about();
show(0, whole.to);
applyTheme();
