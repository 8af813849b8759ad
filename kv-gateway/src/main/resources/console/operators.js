// What PD is doing, and why it does nothing.

import {get} from './api.js';
import {clock, count, h, replace, table} from './dom.js';

const OUTCOME = {MADE: ['ok', 'made operators'], NOTHING: ['ok', 'nothing to do'], BLOCKED: ['warn', 'blocked'], OFF: ['', 'off']};

export function create(shell) {
  const about = h('p', {class: 'dim', role: 'status'});
  const openRegion = r => { location.hash = `#/regions/${r.regionId}`; };
  const running = table('Operators under way', [
    {name: 'Region', n: true, cell: o => o.regionId},
    {name: 'Why', wrap: true, cell: o => o.why},
    {name: 'Step', wrap: true, cell: o => o.currentStep},
    {name: 'All steps', wrap: true, cell: o => o.steps.map((s, i) => h('div', {class: s === o.currentStep ? null : 'dim'}, `${i + 1}. ${s}`))},
    {name: 'For', n: true, cell: o => `${o.ageSeconds} s`},
  ], {id: o => o.regionId, open: openRegion, empty: 'Nothing is under way; why not, is said below.'});
  const unhealthy = table('Regions that are not as they should be', [
    {name: 'Region', n: true, cell: r => r.regionId},
    {name: 'Is done', wrap: true, cell: r => r.action},
    {name: 'Why', wrap: true, cell: r => r.reason},
  ], {id: r => r.regionId, open: openRegion, empty: 'Every Region is as it should be.'});
  const schedulers = table('Schedulers', [
    {name: 'Scheduler', cell: s => h('span', {class: 'nowrap'}, s.name)},
    {name: 'Last round', cell: s => h('span', {class: 'nowrap'}, h('span', {class: `dot ${(OUTCOME[s.outcome] || [''])[0]}`}), (OUTCOME[s.outcome] || ['', s.outcome])[1])},
    {name: 'In its words', wrap: true, cell: s => s.summary},
    {name: 'At', n: true, cell: s => (s.atMs ? clock(s.atMs) : '')},
  ], {id: s => s.name, empty: 'None has looked yet.'});
  const stores = table('What stores get', [
    {name: 'Store', n: true, cell: s => s.storeId},
    {name: 'New replicas', wrap: true, cell: s => s.newReplicas},
    {name: 'New leaders', wrap: true, cell: s => s.newLeaders},
    {name: 'What kept schedulers off', wrap: true, cell: s => s.schedulers.map(l => h('div', null, h('span', {class: 'dim'}, `${l.key}: `), l.value))},
  ], {id: s => s.storeId, open: s => shell.go('regions', {store: s.storeId}), empty: 'PD knows of no store.'});
  const evictions = h('div');

  return {
    root: h('div', null, about, running.root, h('h2', null, 'Regions that are not as they should be'), unhealthy.root,
        h('h2', null, 'Schedulers'), schedulers.root, evictions, h('h2', null, 'Stores'), stores.root),
    every: 2000,
    async refresh() {
      const [operators, scheduling] = await Promise.all([get('/v1/cluster/operators'), get('/v1/cluster/scheduling')]);
      about.textContent = operators.count === 1 ? '1 operator is under way' : `${count(operators.count)} operators are under way`;
      running.fill(operators.operators);
      unhealthy.fill(scheduling.unhealthy);
      schedulers.fill(scheduling.schedulers);
      stores.fill(scheduling.stores);
      replace(evictions, scheduling.evictions.length > 0 && [h('h2', null, 'Stores that must not lead'),
        scheduling.evictions.map(e => h('p', null, `store ${e.storeId}, for ${e.leftSeconds} s more: ${e.why}`, h('span', {class: 'dim'}, ` (${e.owner})`)))]);
    },
  };
}
