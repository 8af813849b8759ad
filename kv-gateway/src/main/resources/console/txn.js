// Two transactions side by side, to see what they do to each other.

import {call, get} from './api.js';
import {parse, show, toHex} from './bytes.js';
import {clock, h, options, replace} from './dom.js';

const LOG_MAX = 50;

export function create(shell) {
  const both = ['A', 'B'].map(name => session(name, shell));
  return {
    root: h('div', null,
        h('p', {class: 'dim'}, 'Begin both, write the same key in both, commit both: the second commit is a conflict, and nothing of it is written. ',
            'Keys are of the transactional API; a transaction that is idle for 30 s is rolled back.'),
        h('div', {class: 'two'}, both.map(s => s.root))),
    close: () => both.forEach(s => s.end()),
    repaint: () => both.forEach(s => s.repaint()),
    refresh: async () => {},
  };
}

function session(name, shell) {
  const id = part => `txn-${name}-${part}`;
  const kind = h('select', {id: id('kind'), 'aria-label': `Kind of ${name}`}, options([['optimistic', 'optimistic'], ['pessimistic', 'pessimistic']]));
  const key = h('input', {id: id('key'), spellcheck: 'false', autocomplete: 'off', maxlength: 14000});
  const value = h('input', {id: id('value'), spellcheck: 'false', autocomplete: 'off'});
  const state = h('p', {role: 'status'});
  const log = h('ol', {class: 'log', 'aria-label': `What ${name} did`, 'aria-live': 'polite'});
  const form = () => (shell.hex ? 'hex' : 'text');
  let open = null;

  const button = (words, action, props) => h('button', {type: 'button', onclick: () => step(words, action), ...props}, words);
  const begin = button('Begin', async () => {
    const body = kind.value === 'pessimistic' ? {pessimistic: true, lockWait: '2s'} : undefined;
    open = await get('/v1/txn', {method: 'POST', json: body});
    return [`startTs ${open.startTs}`];
  }, {class: 'primary', id: id('begin')});
  const inside = [
    button('Get', () => read(false), {id: id('get')}),
    button('Get for update', () => read(true)),
    button('Put', async () => {
      await call(path(), {method: 'PUT', body: parse(value.value, form())});
      return ['buffered until the commit'];
    }, {id: id('put')}),
    button('Delete', async () => {
      await call(path(), {method: 'DELETE'});
      return ['buffered until the commit'];
    }),
    button('Commit', async () => {
      const ended = open;
      open = null;
      const answer = await get(`/v1/txn/${ended.id}/commit`, {method: 'POST'});
      return [answer.commitTs ? `commitTs ${answer.commitTs}` : 'nothing was written'];
    }, {class: 'primary', id: id('commit')}),
    button('Roll back', async () => {
      const ended = open;
      open = null;
      await call(`/v1/txn/${ended.id}`, {method: 'DELETE'});
      return ['nothing was written'];
    }),
  ];

  const path = more => `/v1/txn/${open.id}/keys/${toHex(parse(key.value, form()))}?enc=hex${more || ''}`;

  async function read(forUpdate) {
    try {
      const answer = await call(path(forUpdate ? '&forUpdate=true' : ''));
      return [h('pre', null, show(new Uint8Array(await answer.arrayBuffer()).subarray(0, 4096), form()) || '(empty)')];
    } catch (failure) {
      if (failure.problem?.type !== 'urn:rutile:problem:key-not-found') throw failure;
      return ['there is no such key'];
    }
  }

  async function step(words, action) {
    const what = `${words}${['Begin', 'Commit', 'Roll back'].includes(words) ? '' : ` ${key.value}`}`;
    try {
      note('ok', what, await action());
    } catch (failure) {
      if (failure.problem?.type === 'urn:rutile:problem:transaction-not-found') open = null;
      note('bad', what, [`${failure.problem?.error ? `${failure.problem.error}: ` : ''}${failure.message}`]);
    }
    repaint();
  }

  function note(level, what, answer) {
    log.prepend(h('li', {class: level === 'bad' ? 'bad' : null}, h('span', {class: 'dim'}, `${clock(Date.now())} `), h('b', null, what), ' – ', answer));
    while (log.children.length > LOG_MAX) log.lastChild.remove();
  }

  function repaint() {
    replace(state, h('span', {class: `dot ${open ? 'ok' : ''}`}), open ? `open since ${open.startTs}` : 'not open');
    begin.disabled = Boolean(open);
    kind.disabled = Boolean(open);
    inside.forEach(b => { b.disabled = !open; });
  }

  repaint();
  return {
    repaint,
    end() {
      if (open) call(`/v1/txn/${open.id}`, {method: 'DELETE'}).catch(() => {});
      open = null;
    },
    root: h('section', {class: 'panel', 'aria-label': `Transaction ${name}`},
        h('h2', null, `Transaction ${name}`), state, h('div', {class: 'bar'}, kind, begin),
        h('div', {class: 'bar'}, h('label', {class: 'wide'}, 'Key', key), h('label', {class: 'wide'}, 'Value', value)),
        h('div', {class: 'bar'}, inside), log),
  };
}
