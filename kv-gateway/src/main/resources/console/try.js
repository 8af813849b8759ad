// Every operation of the OpenAPI document, to be tried in the name of whoever looks: what the gateway describes is what is asked here.

import {ask, get, query, token} from './api.js';
import {escaped, short, toText, unescaped} from './bytes.js';
import {facts, h, options, replace, size, table} from './dom.js';

const SHOWN_MAX = 256 << 10;
const METHODS = ['get', 'put', 'post', 'delete'];
const PLACES = ['path', 'query', 'header'];
const BYTES = 'application/octet-stream';

export function create(shell) {
  const form = h('form', {class: 'panel', 'aria-label': 'Request', onsubmit: event => { event.preventDefault(); send(); }}, h('p', {class: 'dim'}, 'Choose an operation.'));
  const answer = h('section', {class: 'panel gap', 'aria-label': 'Answer', 'aria-live': 'polite', hidden: true});
  const list = table('Operations', [
    {name: 'Method', cell: o => h('b', null, o.method.toUpperCase())},
    {name: 'Path', key: true, cell: o => o.path},
    {name: '', wrap: true, cell: o => o.summary},
  ], {id: o => o.operationId, open: o => shell.go('api', {op: o.operationId}), empty: 'No operations.'});
  let api = null;
  let operations = [];
  let chosen = null;
  let fields = [];
  let kind = null;
  let body = null;
  let under = null;
  let wanted = null;

  const resolved = thing => (thing?.$ref ? thing.$ref.slice(2).split('/').reduce((at, step) => at?.[step.replaceAll('~1', '/').replaceAll('~0', '~')], api) : thing);

  /** What may be typed to begin with: the example of the document. */
  function example(content) {
    const found = Object.values(content.examples || {}).map(resolved)[0]?.value ?? content.example;
    return found === undefined ? '' : typeof found === 'string' ? found : JSON.stringify(found, null, 2);
  }

  function field(parameter) {
    const schema = resolved(parameter.schema) || {};
    const choices = schema.enum || (schema.type === 'boolean' ? ['true', 'false'] : null);
    const id = `try-${parameter.in}-${parameter.name}`;
    const input = choices ? h('select', {id}, options([['', parameter.required ? '' : '–'], ...choices.map(c => [String(c), String(c)])]))
      : h('input', {id, spellcheck: 'false', autocomplete: 'off', maxlength: 20000, placeholder: schema.default === undefined ? '' : String(schema.default)});
    return {parameter, input, root: h('label', {class: 'field', title: parameter.description}, `${parameter.name}${parameter.required ? ' (needed)' : ''} – ${short(parameter.description || '', 180)}`, input)};
  }

  function choose(operation) {
    stop();
    chosen = operation;
    list.select(operation.operationId);
    answer.hidden = true;
    // What has to be there comes first.
    fields = (operation.parameters || []).map(resolved).sort((one, other) => PLACES.indexOf(one.in) - PLACES.indexOf(other.in)).map(field);
    const content = resolved(operation.requestBody)?.content;
    kind = content && h('select', {id: 'try-kind', onchange: () => { body.value = example(content[kind.value]); }}, options(Object.keys(content).map(type => [type, type])));
    body = content && h('textarea', {id: 'try-body', spellcheck: 'false'});
    if (content) body.value = example(content[kind.value]);
    replace(form,
        h('h2', null, operation.summary), h('p', {class: 'mono'}, `${operation.method.toUpperCase()} ${operation.path}`), operation.description && h('p', {class: 'dim'}, operation.description),
        fields.map(f => f.root),
        content && [h('label', {class: 'field'}, 'Media type', kind), h('label', {class: 'field'}, 'Body', body), h('p', {class: 'dim'}, 'In bytes, one that is not readable is \\x00, and a backslash is \\\\.')],
        h('div', {class: 'bar'}, h('button', {class: 'primary', type: 'submit', id: 'try-send'}, 'Send'), h('button', {type: 'button', id: 'try-stop', onclick: stop}, 'Stop')));
    form.querySelector('input, select, textarea, button')?.focus();
  }

  /** What is asked. @throws SyntaxError in words for whoever typed it */
  function request() {
    const given = where => fields.filter(f => f.parameter.in === where && f.input.value !== '');
    let path = chosen.path;
    for (const {parameter, input} of fields.filter(f => f.parameter.in === 'path')) {
      // A browser takes dots for steps, in whatever way they are written.
      if (/^\.{1,2}$/.test(input.value)) throw new SyntaxError(`browsers have no URL for ${input.value}: write it in hex, with enc`);
      path = path.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    }
    const headers = Object.fromEntries(given('header').map(f => [f.parameter.name, f.input.value]));
    if (kind) headers['Content-Type'] = kind.value;
    return {
      path: path + query(Object.fromEntries(given('query').map(f => [f.parameter.name, f.input.value]))),
      method: chosen.method.toUpperCase(), headers, body: !body?.value ? undefined : kind.value === BYTES ? unescaped(body.value) : body.value,
    };
  }

  async function send() {
    stop();
    const mine = under = new AbortController();
    answer.hidden = false;
    try {
      const asked = request();
      replace(answer, h('p', {class: 'dim'}, 'Asking…'));
      const begin = performance.now();
      const came = await ask(asked.path, {...asked, signal: mine.signal});
      const text = h('pre');
      const state = h('p', {role: 'status'});
      replace(answer,
          h('h2', null, h('span', {class: came.ok ? 'ok' : 'bad', id: 'try-status'}, came.status), ` ${came.statusText}`), state, text,
          h('h3', null, 'Headers'), facts([...came.headers]),
          h('h3', null, 'The same with curl'), h('pre', null, curl(asked)));
      await read(came, mine, bytes => {
        text.textContent = toText(bytes) ?? escaped(bytes);
        state.textContent = `${Math.round(performance.now() - begin)} ms, ${size(bytes.length)}${bytes.length >= SHOWN_MAX ? ' and more, which is not shown' : ''}`;
      });
    } catch (failure) {
      if (failure.name !== 'AbortError') replace(answer, h('p', {class: 'bad'}, failure.message));
    }
  }

  /** An answer that goes on, as a watch does, is shown as it comes. */
  async function read(came, mine, show) {
    let bytes = new Uint8Array();
    show(bytes);
    if (!came.body) return;
    const reader = came.body.getReader();
    while (bytes.length < SHOWN_MAX) {
      const {done, value} = await reader.read();
      if (done) return;
      const more = new Uint8Array(bytes.length + value.length);
      more.set(bytes);
      more.set(value, bytes.length);
      bytes = more.subarray(0, SHOWN_MAX);
      show(bytes);
    }
    mine.abort();
  }

  function pick() {
    const operation = operations.find(o => o.operationId === wanted);
    if (operation) choose(operation);
    else list.focus();
  }

  /** Whoever stops has read enough; what came stays. */
  function stop() {
    under?.abort();
    under = null;
  }

  return {
    root: h('div', null,
        h('p', {class: 'dim'}, 'The REST API as it describes itself (', h('code', null, '/v3/api-docs'), '). What is sent here is done.'),
        h('div', {class: 'two'}, list.root, h('div', null, form, answer))),
    close: stop,
    escape: stop,
    show({parameters}) {
      wanted = parameters.get('op');
      if (api) pick();
    },
    async refresh() {
      if (api) return;
      api = await get('/v3/api-docs');
      operations = Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter(method => item[method]).map(method => ({...item[method], method, path})));
      list.fill(operations);
      pick();
    },
  };
}

/** For a shell. The token is none of what is shown. */
function curl({path, method, headers, body}) {
  const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;
  const text = body instanceof Uint8Array ? toText(body) : body;
  return ['curl -i', method === 'GET' ? '' : `-X ${method}`, ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    token() ? '-H "Authorization: Bearer $TOKEN"' : '',
    body === undefined ? '' : text === null || text === undefined ? '--data-binary @body' : `--data-binary ${quoted(text)}`,
    quoted(new URL(`..${path}`, document.baseURI).href)].filter(Boolean).join(' ');
}
