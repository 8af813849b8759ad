// Regions by key, store, or what is wrong with them; and one of them with the reason for what is done.

import {get, query} from './api.js';
import {border, decoded, fromHex, short} from './bytes.js';
import {count, facts, h, options, replace, size, table} from './dom.js';

const LIMIT = 50;
const SHOWN = [
  ['', 'all, by key'], ['top=written', 'most written'], ['top=read', 'most read'], ['top=size', 'largest'], ['top=keys', 'most keys'],
  ['check=miss-peer', 'too few replicas'], ['check=extra-peer', 'too many replicas'], ['check=down-peer', 'silent replicas'],
  ['check=pending-peer', 'catching up'], ['check=learner-peer', 'with learners'], ['check=offline-peer', 'on stores that leave'],
  ['check=empty-region', 'empty'], ['check=oversized-region', 'oversized'], ['check=undersized-region', 'undersized'],
];

export function create(shell) {
  const key = h('input', {id: 'region-key', spellcheck: 'false', autocomplete: 'off', maxlength: 20000});
  const form = h('select', null, options([['utf8', 'text'], ['hex', 'hex']]));
  const as = h('select', null, options([['raw', 'raw key'], ['txn', 'transactional key'], ['border', 'border']]));
  const which = h('select', {onchange: () => shell.go('regions', Object.fromEntries(new URLSearchParams(which.value)))}, options(SHOWN));
  const store = h('input', {inputmode: 'numeric', size: 5, maxlength: 19});
  const next = h('button', {type: 'button', onclick: () => shell.go('regions', {key: page.next, enc: 'hex', as: 'border'})}, 'Next page');
  const about = h('p', {class: 'dim', role: 'status'});
  const detail = h('section', {class: 'panel', 'aria-live': 'polite', 'aria-label': 'Region', hidden: true});
  const list = table('Regions', [
    {name: 'Region', n: true, cell: r => r.id},
    {name: 'From', key: true, cell: r => (r.startKey ? short(border(r.startKey, shell.hex), 80) : h('span', {class: 'dim'}, 'first key'))},
    {name: 'To', key: true, cell: r => (r.endKey ? short(border(r.endKey, shell.hex), 80) : h('span', {class: 'dim'}, 'last key'))},
    {name: 'Leader', n: true, cell: r => r.leaderStore || h('span', {class: 'bad'}, 'none')},
    {name: 'On stores', cell: r => r.peers.map(p => [h('span', {class: p.downSeconds ? 'bad' : p.pending ? 'warn' : null}, p.storeId), ' '])},
    {name: 'Size', n: true, cell: r => size(r.sizeBytes)},
    {name: 'Keys', n: true, cell: r => count(r.keys)},
    {name: 'Written', n: true, title: 'by the last report', cell: r => size(r.writtenBytes)},
    {name: 'Read', n: true, title: 'by the last report', cell: r => size(r.readBytes)},
  ], {id: r => r.id, open: r => { location.hash = `#/regions/${r.id}${search}`; }, empty: 'There is no such Region.'});
  let page = {regions: [], next: '', count: 0};
  let search = '';
  let opened = '';
  let found = null;
  let wantsFocus = false;
  let asks = 0;
  let described = '';

  function paint() {
    list.fill(page.regions);
    list.select(opened || null);
    next.hidden = !page.next;
    about.textContent = page.regions.length < page.count ? `${page.regions.length} of ${count(page.count)}` : `${count(page.count)} in all`;
    detail.hidden = !found;
    // Whoever is in it by keyboard stays there: it is made anew when they leave.
    if (found && !(described === opened && detail.contains(document.activeElement))) {
      replace(detail, describe(found, shell, close));
      described = opened;
    }
  }

  function close() {
    location.hash = `#/regions${search}`;
  }

  return {
    root: h('div', null,
        h('form', {class: 'bar', onsubmit: event => {
          event.preventDefault();
          shell.go('regions', store.value.trim() ? {store: store.value.trim()} : {key: key.value, enc: form.value, as: as.value});
        }},
        h('label', {class: 'wide'}, 'From the Region on that holds', key), h('label', null, 'written as', form), h('label', null, 'which is a', as),
        h('label', null, 'or on store', store), h('button', {class: 'primary', type: 'submit'}, 'Find'), h('label', null, 'or those that are', which)),
        h('div', {class: 'split'}, h('div', null, list.root, h('div', {class: 'bar'}, about, next)), detail)),
    every: 5000,
    repaint: paint,
    escape: () => { if (found) close(); },
    show({rest, parameters}) {
      opened = /^\d+$/.test(rest[0] || '') ? rest[0] : '';
      found = found && String(found.region.id) === opened ? found : null;
      search = parameters.size ? `?${parameters}` : '';
      key.value = parameters.get('key') || '';
      form.value = parameters.get('enc') || 'utf8';
      as.value = parameters.get('as') || 'raw';
      store.value = parameters.get('store') || '';
      which.value = ['top', 'check'].filter(n => parameters.has(n)).map(n => `${n}=${parameters.get(n)}`)[0] || '';
      // The row that holds the key is the first one: Enter opens it.
      wantsFocus = parameters.has('key') && !opened;
    },
    async refresh() {
      const asked = Object.fromEntries(new URLSearchParams(search));
      const one = opened;
      const mine = ++asks;
      if (asked.key === undefined) ['enc', 'as'].forEach(name => delete asked[name]);
      const answers = await Promise.all([
        get(`/v1/cluster/regions?${new URLSearchParams({...asked, limit: LIMIT})}`),
        one ? get(`/v1/cluster/regions/${one}`) : null,
      ]);
      // Somebody has gone on meanwhile.
      if (mine !== asks) return;
      [page, found] = answers;
      paint();
      if (wantsFocus) {
        wantsFocus = false;
        list.focus();
      }
    },
  };
}

/** Borders of API V2 have a keyspace in front of the key, which the raw API does not take. */
function isKeyspace(hex) {
  const key = decoded(fromHex(hex));
  return key !== null && key.length >= 4 && (key[0] === 0x72 || key[0] === 0x78) && key[1] === 0;
}

function describe({region, healthy, action, reason, siblings}, shell, close) {
  return [
    h('div', {class: 'bar'}, h('h2', null, `Region ${region.id}`), h('button', {type: 'button', onclick: close, 'aria-keyshortcuts': 'Escape'}, 'Close')),
    h('p', null, h('span', {class: `dot ${healthy ? 'ok' : 'warn'}`}), healthy ? 'nothing needs to be done' : action,
        reason && h('span', {class: 'dim'}, ` – ${reason}`)),
    facts([
      ['from', h('code', null, region.startKey ? border(region.startKey, shell.hex) : 'the first key')],
      ['to', h('code', null, region.endKey ? border(region.endKey, shell.hex) : 'the last key')],
      ['leader', region.leaderStore ? `store ${region.leaderStore}` : h('span', {class: 'bad'}, 'nobody')],
      ['epoch', `version ${region.version}, members ${region.confVer}`],
      ['size', `${size(region.sizeBytes)}, ${count(region.keys)} keys`],
      ['last report', `${size(region.writtenBytes)} in ${count(region.writtenKeys)} keys written, ${size(region.readBytes)} in ${count(region.readKeys)} keys read`],
    ]),
    h('h3', null, 'Replicas'),
    region.peers.map(p => h('p', null, `store ${p.storeId}, peer ${p.id}: ${p.role}`, p.storeId === region.leaderStore && ', leads',
        p.pending && h('span', {class: 'warn'}, ', catching up'), p.downSeconds > 0 && h('span', {class: 'bad'}, `, silent for ${p.downSeconds} s`))),
    siblings.length > 0 && [h('h3', null, 'Neighbours'), siblings.map(s => h('p', null, h('a', {href: `#/regions/${s.id}`}, `Region ${s.id}`), ' ',
        h('code', null, short(border(s.startKey, shell.hex) || 'first key', 60))))],
    !isKeyspace(region.startKey || region.endKey) && h('p', null, h('a', {href: `#/data${query({start: region.startKey, end: region.endKey, form: 'hex'})}`}, 'Raw data of this range')),
  ];
}
