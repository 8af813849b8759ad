// Raw keys: scan, read, write, delete, in the name of whoever looks. All bytes travel as hex.

import {call, lines, query} from './api.js';
import {fromHex, parse, short, show, toHex, toText} from './bytes.js';
import {h, options, replace, size, table} from './dom.js';

const LIMIT = 100;
const EDIT_MAX = 1 << 20;

export function create(shell) {
  const by = h('select', null, options([['prefix', 'keys that begin with'], ['start', 'keys from']]));
  const from = h('input', {id: 'data-from', spellcheck: 'false', autocomplete: 'off', maxlength: 20000});
  const form = h('select', {onchange: rewrite}, options([['text', 'text'], ['hex', 'hex']]));
  const more = h('button', {type: 'button', onclick: () => scan(true)}, 'More');
  const about = h('p', {class: 'dim', role: 'status'});
  const key = h('input', {id: 'data-key', spellcheck: 'false', autocomplete: 'off', maxlength: 20000});
  const value = h('textarea', {id: 'data-value', spellcheck: 'false'});
  const ttl = h('input', {size: 8, placeholder: 'for ever', maxlength: 20});
  const said = h('p', {role: 'status', 'aria-live': 'polite'});
  const list = table('Keys', [
    {name: 'Key', key: true, cell: p => short(show(p.key, form.value), 200) || h('span', {class: 'dim'}, 'the empty key')},
    {name: 'Value', key: true, cell: p => short(show(p.value.subarray(0, 400), form.value), 200)},
    {name: 'Bytes', n: true, cell: p => size(p.value.length)},
  ], {id: p => toHex(p.key), open: p => edit(p), empty: 'No keys.'});
  let pairs = [];
  let range = null;
  let wrote = form.value;
  let disarmed = 0;
  const deleting = h('button', {class: 'danger', type: 'button', onclick: () => remove()}, 'Delete');

  function edit(pair) {
    disarm();
    key.value = show(pair.key, form.value);
    const large = pair.value.length > EDIT_MAX;
    value.value = large ? '' : show(pair.value, form.value);
    list.select(toHex(pair.key));
    tell(large ? `The value has ${size(pair.value.length)}: too much to be edited here.` : '', 'warn');
    value.focus();
  }

  /** Text and hex of the same bytes. */
  function rewrite() {
    const before = wrote;
    wrote = form.value;
    for (const field of [from, key, value]) {
      try {
        field.value = show(parse(field.value, before), wrote);
      } catch {
        // What was typed is neither yet: it stays.
      }
    }
    paint();
  }

  function paint() {
    list.fill(pairs);
    more.hidden = !range?.more;
    about.textContent = range ? `${pairs.length} keys${range.more ? ', and there are more' : ''}` : '';
  }

  const tell = (words, level) => replace(said, words && h('span', {class: level}, words));

  async function tried(what, action) {
    try {
      tell('');
      await action();
    } catch (failure) {
      tell(`${what}: ${failure.message}`, 'bad');
    }
  }

  const scan = onward => tried('Not read', async () => {
    const start = parse(from.value, form.value);
    const asked = onward ? {...range.asked, start: `${toHex(pairs[pairs.length - 1].key)}00`}
      : by.value === 'prefix' ? {start: toHex(start), end: toHex(behind(start))} : {start: toHex(start), end: range?.end};
    const answer = await lines(`/v1/raw${query({...asked, enc: 'hex', limit: LIMIT + 1})}`, LIMIT);
    const found = answer.found.map(line => ({key: fromHex(line.key), value: fromHex(line.value)}));
    pairs = onward ? [...pairs, ...found].slice(-10 * LIMIT) : found;
    range = {asked, more: answer.more && found.length > 0};
    paint();
    if (answer.more && !found.length) tell('The first value is too large to be shown here.', 'warn');
    if (!onward) list.focus();
  });

  const path = () => `/v1/raw/${toHex(parse(key.value, form.value))}`;

  const read = () => tried('Not read', async () => {
    const answer = await call(`${path()}?enc=hex`);
    const found = new Uint8Array(await answer.arrayBuffer());
    edit({key: parse(key.value, form.value), value: found});
    tell(`${size(found.length)}${toText(found) === null ? ', not UTF-8' : ''}`);
  });

  const write = () => tried('Not written', async () => {
    await call(`${path()}${query({enc: 'hex', ttl: ttl.value.trim()})}`, {method: 'PUT', body: parse(value.value, form.value)});
    tell('Written.', 'ok');
    await again();
  });

  const remove = () => tried('Not deleted', async () => {
    if (!disarmed) {
      disarmed = setTimeout(disarm, 4000);
      replace(deleting, 'Delete for good?');
      return;
    }
    disarm();
    await call(`${path()}?enc=hex`, {method: 'DELETE'});
    tell('Deleted.', 'ok');
    await again();
  });

  /** The button asks once more by what it says. */
  function disarm() {
    clearTimeout(disarmed);
    disarmed = 0;
    replace(deleting, 'Delete');
  }

  /** What is listed, as it is now; what was said stays. */
  async function again() {
    if (!range?.asked) return;
    const answer = await lines(`/v1/raw${query({...range.asked, enc: 'hex', limit: LIMIT + 1})}`, LIMIT);
    pairs = answer.found.map(line => ({key: fromHex(line.key), value: fromHex(line.value)}));
    range.more = answer.more && pairs.length > 0;
    paint();
  }

  return {
    root: h('div', null,
        h('form', {class: 'bar', onsubmit: event => { event.preventDefault(); range = null; scan(false); }},
            h('label', null, 'Show', by), h('label', {class: 'wide'}, 'key', from), h('label', null, 'written as', form), h('button', {class: 'primary', type: 'submit'}, 'Scan')),
        h('div', {class: 'split'},
            h('div', null, list.root, h('div', {class: 'bar'}, about, more)),
            h('form', {class: 'panel', 'aria-label': 'One key', onsubmit: event => { event.preventDefault(); write(); }},
                h('label', {class: 'field'}, 'Key', key), h('label', {class: 'field'}, 'Value', value), h('label', {class: 'field'}, 'Lives for (30s, 12h; needs V1TTL)', ttl),
                h('div', {class: 'bar'}, h('button', {type: 'button', onclick: read}, 'Get'), h('button', {class: 'primary', type: 'submit'}, 'Put'), deleting),
                said, h('p', {class: 'dim'}, 'In text, bytes that are not readable are \\x00, and a backslash is \\\\. Transactional keys are another world: Transactions.')))),
    repaint: () => {
      if (form.value !== (shell.hex ? 'hex' : 'text')) {
        form.value = shell.hex ? 'hex' : 'text';
        rewrite();
      }
    },
    escape: () => list.select(null),
    show({parameters}) {
      if (!parameters.has('start') && !parameters.has('prefix')) {
        if (!range) from.focus();
        return;
      }
      by.value = parameters.has('prefix') ? 'prefix' : 'start';
      form.value = wrote = parameters.get('form') === 'hex' ? 'hex' : 'text';
      from.value = parameters.get('prefix') ?? parameters.get('start');
      range = {end: parameters.get('end') || undefined};
      scan(false);
    },
  };
}

/** The first key behind those with this prefix; empty if there is none. */
function behind(prefix) {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last--;
  if (last < 0) return new Uint8Array();
  const next = prefix.slice(0, last + 1);
  next[last]++;
  return next;
}
