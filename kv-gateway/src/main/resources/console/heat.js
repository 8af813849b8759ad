// Who reads and writes where, over time: keys from top to bottom, minutes from left to right.

import {get} from './api.js';
import {border, short} from './bytes.js';
import {clock, count, h, options, rate, replace, size} from './dom.js';

const OF = [['written-bytes', 'bytes written'], ['read-bytes', 'bytes read'], ['written-keys', 'keys written'], ['read-keys', 'keys read']];
const LEFT = 108;
const BOTTOM = 22;
const SPAN_MIN_MS = 10 * 60000;
// From cold to hot. Dark themes begin dark.
const COLOURS = {
  light: [[255, 255, 255], [251, 226, 210], [240, 150, 110], [190, 60, 40], [90, 10, 40]],
  dark: [[31, 28, 26], [80, 35, 40], [170, 55, 45], [240, 140, 70], [255, 240, 170]],
};

export function create(shell) {
  const of = h('select', {'aria-label': 'What is counted', onchange: () => shell.go('heat', {of: of.value})}, options(OF));
  const canvas = h('canvas', {tabindex: '0', role: 'img', 'aria-label': 'Heat map: keys from top to bottom, time from left to right. Arrow keys move through it.'});
  const readOut = h('div', {class: 'panel read-out', role: 'status', 'aria-live': 'polite'});
  const scale = h('canvas', {class: 'scale', width: 180, height: 11, 'aria-hidden': 'true'});
  const top = h('span');
  let map = null;
  let at = null;

  const bytes = () => of.value.endsWith('bytes');
  const told = perSecond => (bytes() ? `${size(perSecond)}/s` : `${rate(perSecond)} keys/s`);
  const perSecond = (column, row) => (1000 * column.amounts[row]) / Math.max(1000, column.toMs - column.fromMs);
  const dark = () => getComputedStyle(document.documentElement).colorScheme.includes('dark');

  function colour(share) {
    const stops = COLOURS[dark() ? 'dark' : 'light'];
    const x = Math.max(0, Math.min(1, share)) * (stops.length - 1);
    const i = Math.min(stops.length - 2, Math.floor(x));
    return `rgb(${stops[i].map((c, n) => Math.round(c + (stops[i + 1][n] - c) * (x - i))).join(',')})`;
  }

  /** Where things are, in CSS pixels. */
  function layout() {
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const first = map.columns[0]?.fromMs ?? map.nowMs;
    const from = Math.min(first, map.nowMs - SPAN_MIN_MS);
    const x = ms => LEFT + ((ms - from) / Math.max(1, map.nowMs - from)) * (width - LEFT);
    const y = row => (row / map.rows.length) * (height - BOTTOM);
    return {width, height, x, y, from};
  }

  function paint() {
    if (!map || !canvas.clientWidth) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    const pen = canvas.getContext('2d');
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const {width, height, x, y, from} = layout();
    const hottest = Math.max(0, ...map.columns.map(column => Math.max(...column.amounts.map((_, row) => perSecond(column, row)))));
    const share = value => (value > 0 && hottest > 0 ? 0.05 + 0.95 * (value / hottest) ** 0.45 : 0);
    pen.fillStyle = style.getPropertyValue('--shade');
    pen.fillRect(LEFT, 0, width - LEFT, height - BOTTOM);
    for (const column of map.columns) {
      const left = x(column.fromMs);
      const right = Math.max(left + 1, x(column.toMs));
      for (let row = 0; row < map.rows.length; row++) {
        pen.fillStyle = colour(share(perSecond(column, row)));
        pen.fillRect(left, y(row), right - left + 0.5, y(row + 1) - y(row) + 0.5);
      }
    }
    pen.font = '11px ui-monospace, Menlo, Consolas, monospace';
    pen.textBaseline = 'top';
    const each = Math.max(1, Math.ceil(map.rows.length / Math.floor((height - BOTTOM) / 16)));
    for (let row = 0; row < map.rows.length; row += each) {
      pen.fillStyle = style.getPropertyValue('--line');
      pen.fillRect(LEFT - 6, y(row), 6, 1);
      pen.fillStyle = style.getPropertyValue('--dim');
      pen.fillText(short(border(map.rows[row].startKey, shell.hex) || 'first key', 14), 4, Math.min(y(row) + 2, height - BOTTOM - 12));
    }
    const step = [1, 2, 5, 10, 15, 30].find(m => ((map.nowMs - from) / 60000 / m) * 62 < width - LEFT) || 60;
    for (let ms = Math.ceil(from / (step * 60000)) * step * 60000; ms <= map.nowMs; ms += step * 60000) {
      pen.fillStyle = style.getPropertyValue('--dim');
      pen.fillRect(x(ms), height - BOTTOM, 1, 4);
      if (x(ms) < width - 34) pen.fillText(clock(ms).slice(0, 5), x(ms) + 2, height - BOTTOM + 6);
    }
    if (at) {
      const column = map.columns[at.column];
      pen.strokeStyle = style.getPropertyValue('--focus');
      pen.lineWidth = 2;
      pen.strokeRect(x(column.fromMs) - 1, y(at.row) - 1, Math.max(4, x(column.toMs) - x(column.fromMs)) + 2, Math.max(4, y(at.row + 1) - y(at.row)) + 2);
    }
    const bar = scale.getContext('2d');
    for (let i = 0; i < 180; i++) {
      bar.fillStyle = colour(i / 179);
      bar.fillRect(i, 0, 1, 11);
    }
    top.textContent = hottest ? told(hottest) : 'nothing yet';
    tell();
  }

  function tell() {
    if (readOut.contains(document.activeElement)) return;
    if (!at) {
      replace(readOut, h('span', {class: 'dim'}, map.columns.some(c => c.amounts.some(a => a > 0))
        ? 'Point at a cell, or focus the map and use the arrow keys; Enter opens the Region.'
        : 'Nothing has been counted yet: stores report every ten seconds.'));
      return;
    }
    const column = map.columns[at.column];
    const row = map.rows[at.row];
    const end = map.rows[at.row + 1]?.startKey;
    replace(readOut,
        h('b', null, told(perSecond(column, at.row))), ` – ${bytes() ? size(column.amounts[at.row]) : `${count(column.amounts[at.row])} keys`}, ${clock(column.fromMs)} to ${clock(column.toMs)}`,
        at.column === map.columns.length - 1 && h('span', {class: 'dim'}, ' (not over)'), h('br'),
        'from ', h('code', null, border(row.startKey, shell.hex) || 'the first key'), ' to ', h('code', null, end ? border(end, shell.hex) : 'the last key'), h('br'),
        row.regionId ? [h('a', {href: `#/regions/${row.regionId}`}, `Region ${row.regionId}`), row.regions > 1 && ` and ${row.regions > 999 ? '999 or more' : row.regions - 1} behind it`] : 'no Region is known there');
  }

  function find(event) {
    if (!map?.columns.length) return null;
    const box = canvas.getBoundingClientRect();
    const {height, x} = layout();
    const px = event.clientX - box.left;
    const row = Math.floor(((event.clientY - box.top) / (height - BOTTOM)) * map.rows.length);
    const column = map.columns.findIndex(c => px >= x(c.fromMs) && px <= x(c.toMs));
    return column < 0 || row < 0 || row >= map.rows.length ? null : {row, column};
  }

  canvas.addEventListener('pointermove', event => {
    const to = find(event);
    if (to && (to.row !== at?.row || to.column !== at?.column)) {
      at = to;
      paint();
    }
  });
  canvas.addEventListener('click', event => {
    at = find(event) || at;
    paint();
  });
  canvas.addEventListener('keydown', event => {
    if (!map?.columns.length) return;
    const now = at || {row: 0, column: map.columns.length - 1};
    const to = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -1000], End: [0, 1000],
    }[event.key];
    if (to) {
      event.preventDefault();
      const limit = (n, max) => Math.max(0, Math.min(max - 1, n));
      at = at ? {row: limit(now.row + to[0], map.rows.length), column: limit(now.column + to[1], map.columns.length)} : now;
      paint();
    } else if (event.key === 'Enter' && at && map.rows[at.row].regionId) {
      location.hash = `#/regions/${map.rows[at.row].regionId}`;
    }
  });
  const watch = new ResizeObserver(paint);
  watch.observe(canvas);

  return {
    root: h('div', null,
        h('div', {class: 'bar'}, h('label', null, 'What is counted', of), h('span', {class: 'legend'}, 'cold', scale, 'hot: ', top)),
        canvas, readOut),
    every: 5000,
    repaint: paint,
    close: () => watch.disconnect(),
    escape() {
      at = null;
      paint();
    },
    show({parameters}) {
      const wanted = parameters.get('of');
      of.value = OF.some(([name]) => name === wanted) ? wanted : 'written-bytes';
    },
    async refresh() {
      const before = map;
      const next = await get(`/v1/cluster/heat?of=${of.value}`);
      if (at && before) at = follow(at, before, next);
      map = next;
      paint();
    },
  };
}

/** The same keys at the same time, in another map. */
function follow(at, before, next) {
  const from = before.columns[at.column]?.fromMs ?? 0;
  const key = before.rows[at.row]?.startKey ?? '';
  const column = next.columns.findIndex(c => Math.abs(c.fromMs - from) < 1500);
  const row = next.rows.findLastIndex(r => r.startKey <= key);
  return column < 0 || row < 0 ? null : {row, column};
}
