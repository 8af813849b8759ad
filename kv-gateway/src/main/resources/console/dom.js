// Elements from data. Text only ever becomes text nodes: nothing here, or anywhere else, parses markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'width%') node.style.width = `${value}%`;
    else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'selected') node[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** An element: h('p', {class: 'dim'}, 'text', anotherElement). */
export const h = (name, props, ...children) => fill(document.createElement(name), props, children);

/** The same in SVG. */
export const svg = (name, props, ...children) => fill(document.createElementNS(SVG, name), props, children);

export function replace(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/**
 * A table whose rows are walked with the arrow keys and opened with Enter. It can be filled again: the row that had the focus has it again.
 * columns: [{name, title, n (a number), key (monospace), wrap, cell: row => node or text}]
 */
export function table(label, columns, {id, open, empty = 'Nothing.'} = {}) {
  const body = h('tbody');
  const root = h('div', {class: 'scroll'},
      h('table', {'aria-label': label, role: open ? 'grid' : null},
          h('thead', null, h('tr', null, columns.map(c => h('th', {scope: 'col', class: c.n ? 'n' : null, title: c.title}, c.name)))),
          body));
  let selected = null;
  let shown = null;

  function move(row, to) {
    const rows = [...body.querySelectorAll('tr[tabindex]')];
    const next = rows[Math.max(0, Math.min(rows.length - 1, to(rows.indexOf(row), rows.length)))];
    if (!next) return;
    rows.forEach(r => r.setAttribute('tabindex', r === next ? '0' : '-1'));
    next.focus();
  }

  body.addEventListener('keydown', event => {
    const row = event.target.closest('tr[tabindex]');
    if (!row || event.target !== row || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = {
      ArrowDown: i => i + 1, ArrowUp: i => i - 1, PageDown: i => i + 10, PageUp: i => i - 10, Home: () => 0, End: (i, n) => n - 1,
    }[event.key];
    if (to) {
      event.preventDefault();
      move(row, to);
    } else if (event.key === 'Enter' && open) {
      event.preventDefault();
      row.click();
    }
  });

  return {
    root,
    focus: () => body.querySelector('tr[tabindex="0"]')?.focus(),
    select(key) {
      selected = key === null ? null : String(key);
      body.querySelectorAll('tr[data-id]').forEach(r => r.setAttribute('aria-selected', String(r.dataset.id === selected)));
    },
    fill(rows) {
      const keys = rows.map((row, i) => (id ? String(id(row)) : String(i)));
      // What somebody is about to copy stays, as long as it is the same rows.
      const marked = getSelection();
      if (marked && !marked.isCollapsed && body.contains(marked.anchorNode) && keys.join(' ') === shown) return;
      shown = keys.join(' ');
      const focused = body.contains(document.activeElement) ? document.activeElement.closest('tr')?.dataset.id : undefined;
      const current = focused ?? body.querySelector('tr[tabindex="0"]')?.dataset.id;
      const stays = Boolean(id) && keys.includes(current);
      replace(body, rows.length
          ? rows.map((row, i) => {
            const key = keys[i];
            return h('tr', {
              tabindex: (stays ? key === current : i === 0) ? '0' : '-1', 'data-id': key,
              'aria-selected': open ? String(key === selected) : null,
              onclick: open ? event => event.target.closest('a, button') || open(row) : null,
            }, columns.map(c => h('td', {class: [c.n && 'n', c.key && 'key', c.wrap && 'wrap'].filter(Boolean).join(' ') || null}, c.cell(row))));
          })
          : h('tr', null, h('td', {colspan: columns.length, class: 'empty'}, empty)));
      if (focused !== undefined && stays) body.querySelector('tr[tabindex="0"]')?.focus();
    },
  };
}

/** Pairs of a name and what it is. */
export const facts = pairs => h('dl', {class: 'facts'}, pairs.map(([name, value]) => [h('dt', null, name), h('dd', null, value)]));

export const options = (choices, chosen) => choices.map(([value, name]) => h('option', {value, selected: value === chosen}, name));

export function size(bytes) {
  let value = Number(bytes) || 0;
  let unit = 0;
  while (value >= 1024 && unit < 5) { value /= 1024; unit++; }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][unit]}`;
}

export const count = n => (Number(n) || 0).toLocaleString('en');
export const rate = n => (n >= 10 || n === 0 ? count(Math.round(n)) : n.toFixed(1));
export const clock = ms => new Date(ms).toLocaleTimeString('en-GB');

export function since(ms, now = Date.now()) {
  const s = Math.max(0, Math.round((now - ms) / 1000));
  return s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}
