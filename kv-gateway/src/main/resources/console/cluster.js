// The cluster in one picture: figures, which store has and leads which Region, stores, members of PD.

import {get} from './api.js';
import {count, h, rate, replace, since, size, svg, table} from './dom.js';
import {border} from './bytes.js';

const COLUMNS_MAX = 96;
const STORES_MAX = 24;
const LEVEL = {Up: 'ok', Disconnected: 'warn', Offline: 'warn', Down: 'bad', Tombstone: ''};

export function create(shell) {
  const tiles = h('div', {class: 'tiles'});
  const matrix = h('div', {class: 'panel'});
  const members = h('div', {class: 'panel gap'});
  const stores = table('Stores', [
    {name: 'Store', cell: s => [h('span', {class: `dot ${LEVEL[s.state] || ''}`}), s.id]},
    {name: 'Address', wrap: true, cell: s => h('span', {class: 'mono'}, s.address)},
    {name: 'State', cell: s => [s.state, s.busy && h('span', {class: 'warn'}, ' busy')]},
    {name: 'Leaders', n: true, cell: s => count(s.leaders)},
    {name: 'Regions', n: true, cell: s => [count(s.regions), s.receiving > 0 && h('span', {class: 'dim'}, ` +${s.receiving}`)]},
    {name: 'Size', n: true, cell: s => size(s.regionBytes)},
    {name: 'Disk', title: 'in use', cell: s => disk(s)},
    {name: 'Writes', n: true, title: 'a second', cell: s => traffic(s.traffic.writtenBytes, s.traffic.writtenKeys)},
    {name: 'Reads', n: true, title: 'a second', cell: s => traffic(s.traffic.readBytes, s.traffic.readKeys)},
    {name: 'Heard of', n: true, cell: s => (s.lastHeartbeatMs ? `${since(s.lastHeartbeatMs)} ago` : 'not yet')},
    {name: 'Labels', wrap: true, cell: s => s.labels.map(l => h('span', {class: 'tag'}, `${l.key}=${l.value}`))},
    {name: 'New replicas, leaders', wrap: true, cell: s => gets(s)},
  ], {id: s => s.id, open: s => shell.go('regions', {store: s.id}), empty: 'PD knows of no store.'});
  let last = null;

  function paint() {
    if (!last) return;
    const [overview, list, page] = last;
    const up = list.filter(s => s.state === 'Up').length;
    if (!tiles.contains(document.activeElement)) replace(tiles,
        tile('Stores up', `${up} of ${list.length}`, up < list.length ? 'warn' : 'ok'),
        tile('Regions', count(overview.regions)),
        tile('Replicas wanted', overview.maxReplicas),
        fault('Too few replicas', 'miss-peer', overview.faults.missPeer, 'bad'),
        fault('Silent replicas', 'down-peer', overview.faults.downPeer, 'bad'),
        fault('Catching up', 'pending-peer', overview.faults.pendingPeer, 'warn'),
        tile('Members of PD', `${overview.members.filter(m => m.healthy).length} of ${overview.members.length}`,
            overview.members.every(m => m.healthy) ? 'ok' : 'bad'));
    replace(matrix, h('h2', null, 'Who has and leads which Region'), picture(list, page, shell.hex), legend(list, page));
    stores.fill(list);
    replace(members, h('h2', null, 'Placement Driver'), h('p', {class: 'dim'}, `cluster ${overview.clusterId}`),
        overview.members.map(m => h('p', null, h('span', {class: `dot ${m.healthy ? 'ok' : 'bad'}`}), h('b', null, m.name), ' ',
            h('span', {class: 'mono dim'}, m.url), m.leader && ' leads', !m.healthy && h('span', {class: 'bad'}, ' does not answer'))));
  }

  return {
    root: h('div', null, tiles, matrix, h('h2', null, 'Stores'), stores.root, members),
    every: 3000,
    repaint: paint,
    async refresh() {
      last = await Promise.all([get('/v1/cluster'), get('/v1/cluster/stores'), get(`/v1/cluster/regions?limit=${COLUMNS_MAX}`)]);
      paint();
    },
  };
}

const tile = (name, value, level) => h('div', {class: 'panel tile'}, h('b', {class: level}, value), h('span', {class: 'dim'}, name));

const fault = (name, check, n, level) => h('div', {class: 'panel tile'}, h('b', {class: n ? level : 'ok'}, count(n)),
    n ? h('a', {href: `#/regions?check=${check}`}, name) : h('span', {class: 'dim'}, name));

const traffic = (bytes, keys) => h('span', {title: `${rate(keys)} keys/s`}, `${size(bytes)}/s`);

function disk(s) {
  if (!s.capacityBytes) return h('span', {class: 'dim'}, 'not told');
  const used = 100 * (1 - s.availableBytes / s.capacityBytes);
  return h('span', {title: `${size(s.availableBytes)} free of ${size(s.capacityBytes)}`}, `${Math.round(used)} %`,
      h('div', {class: 'meter'}, h('i', {'width%': used, class: used > 90 ? 'bad' : null})));
}

function gets(s) {
  const kept = [['replicas', s.newReplicas], ['leaders', s.newLeaders]].filter(([, why]) => why && why !== 'welcome');
  return kept.length ? kept.map(([what, why]) => h('div', null, h('span', {class: 'dim'}, `no new ${what}: `), why)) : h('span', {class: 'dim'}, 'welcome');
}

/** Stores are rows, Regions in key order are columns. */
function picture(stores, page, hex) {
  const rows = stores.slice(0, STORES_MAX);
  const regions = page.regions;
  const left = 62;
  const cell = Math.max(9, Math.min(22, Math.floor(1200 / Math.max(1, regions.length))));
  const height = 20;
  const width = left + regions.length * cell + 4;
  return h('div', {class: 'matrix'}, svg('svg', {
    width, height: rows.length * height + 6, viewBox: `0 0 ${width} ${rows.length * height + 6}`, role: 'img',
    'aria-label': `${rows.length} stores and ${regions.length} Regions; the tables say the same in words`,
  },
  rows.map((s, y) => svg('text', {x: 2, y: y * height + 15}, `store ${s.id}`)),
  regions.map((region, x) => svg('a', {href: `#/regions/${region.id}`, tabindex: '-1'},
      svg('title', null, `Region ${region.id}\nfrom ${border(region.startKey, hex) || 'the first key'}\nto ${border(region.endKey, hex) || 'the last key'}\n${
        region.leaderStore ? `led by store ${region.leaderStore}` : 'nobody leads it'}`),
      rows.map((s, y) => svg('rect', {
        x: left + x * cell, y: y * height + 3, width: cell - 2, height: height - 4, rx: 2, class: `c-${kind(region, s.id)}`,
      }))))));
}

function kind(region, store) {
  const peer = region.peers.find(p => p.storeId === store);
  return !peer ? 'none' : peer.downSeconds ? 'down' : peer.pending ? 'pending' : region.leaderStore === store ? 'leader' : peer.role === 'Learner' ? 'learner' : 'follower';
}

const legend = (stores, page) => h('p', {class: 'legend'},
    [['leader', 'leads'], ['follower', 'follows'], ['learner', 'learns'], ['pending', 'catches up'], ['down', 'silent'], ['none', 'not there']]
        .map(([name, words]) => h('span', null, h('i', {class: `c-${name}`}), words)),
    page.count > page.regions.length && h('span', null, `the first ${page.regions.length} of ${count(page.count)} Regions by key`),
    stores.length > STORES_MAX && h('span', null, `the first ${STORES_MAX} stores`));
