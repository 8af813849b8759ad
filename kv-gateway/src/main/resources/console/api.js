// Calls of this gateway's REST API with the token of whoever looks. The token lives in this tab's session storage and nowhere else.

const TOKEN = 'rutile.token';
const READ_MAX = 4 << 20;

export const token = () => sessionStorage.getItem(TOKEN) || '';
export const signIn = text => (text ? sessionStorage.setItem(TOKEN, text) : sessionStorage.removeItem(TOKEN));

/** What was not done, in the gateway's words (RFC 9457). */
export class Problem extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `status ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** Whatever the gateway answers. */
export async function ask(path, {method = 'GET', headers = {}, body, signal} = {}) {
  try {
    // Relative to the page, so that a prefix of a proxy stays in front.
    return await fetch(new URL(`..${path}`, document.baseURI), {
      method, headers: {...headers, ...(token() ? {Authorization: `Bearer ${token()}`} : {})}, body, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
    });
  } catch (failure) {
    if (failure.name === 'AbortError') throw failure;
    throw new Problem(0, {detail: 'the gateway cannot be reached'});
  }
}

/** What it answers when all is well. @throws Problem */
export async function call(path, {method, body, json, signal} = {}) {
  const answer = await ask(path, {method, signal, ...(json !== undefined ? {headers: {'Content-Type': 'application/json'}, body: JSON.stringify(json)} : {body})});
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401) document.dispatchEvent(new CustomEvent('unknown-caller', {detail: problem.detail}));
    throw new Problem(answer.status, problem);
  }
  return answer;
}

export const get = async (path, more) => (await call(path, more)).json();

/** Lines of a scan: at most `limit`, and at most 4 MiB of them. Ends the scan when it has enough. */
export async function lines(path, limit) {
  const stop = new AbortController();
  const answer = await call(path, {signal: stop.signal});
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  const found = [];
  let rest = '';
  let read = 0;
  let cut = false;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    read += value.length;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    found.push(...parts.filter(Boolean).map(part => JSON.parse(part)));
    if (found.length > limit || read > READ_MAX) {
      cut = found.length <= limit;
      stop.abort();
      break;
    }
  }
  const last = found[found.length - 1];
  if (last?.problem) throw new Problem(last.problem.status, last.problem);
  return {found: found.slice(0, limit), more: found.length > limit || cut};
}

export const query = parameters => {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? `?${new URLSearchParams(given)}` : '';
};
