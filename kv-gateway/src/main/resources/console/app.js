// The shell: which view is shown, the keyboard, theme and sign-in.

import {get, Problem, query, signIn, token} from './api.js';
import {clock, h, replace} from './dom.js';
import * as cluster from './cluster.js';
import * as data from './data.js';
import * as heat from './heat.js';
import * as operators from './operators.js';
import * as regions from './regions.js';
import * as api from './try.js';
import * as txn from './txn.js';

const VIEWS = {cluster, regions, heat, operators, data, txn, api};
const GO = {c: 'cluster', s: 'cluster', r: 'regions', h: 'heat', o: 'operators', d: 'data', t: 'txn', a: 'api'};
const TITLES = {cluster: 'Cluster', regions: 'Regions', heat: 'Heat map', operators: 'Scheduling', data: 'Data', txn: 'Transactions', api: 'API'};
const KEYS = [
  ['/', 'find the Region of a key'], ['g c', 'cluster and stores (g s, too)'], ['g r', 'Regions'], ['g h', 'heat map'], ['g o', 'operators and scheduling'],
  ['g d', 'data'], ['g t', 'transactions'], ['g a', 'every call of the API, to be tried'], ['↑ ↓ Home End', 'through a table, or the heat map (← → too)'], ['Enter', 'open'], ['Esc', 'close'],
  ['r', 'ask again'], ['x', 'keys as text or hex'], ['t', 'light, dark, or as the system has it'], ['?', 'this list'],
];

const $ = id => document.getElementById(id);
const main = $('main');
let shown = null;
let timer = 0;
let turn = 0;

// ---- views

/** What a view is given: where it is, and how to talk to people. */
const shell = {
  get hex() { return localStorage.getItem('rutile.hex') === '1'; },
  go(view, parameters = {}) { location.hash = `#/${view}${query(parameters)}`; },
};

function route() {
  const [path, search] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/');
  return {name: VIEWS[name] ? name : 'cluster', rest, parameters: new URLSearchParams(search || '')};
}

async function open() {
  const to = route();
  clearTimeout(timer);
  document.querySelectorAll('nav a').forEach(a => a.dataset.view === to.name ? a.setAttribute('aria-current', 'page') : a.removeAttribute('aria-current'));
  document.title = `${TITLES[to.name]} – Rutile`;
  if (shown?.name !== to.name) {
    shown?.view.close?.();
    $('trouble').hidden = true;
    const view = VIEWS[to.name].create(shell);
    replace(main, h('h1', null, TITLES[to.name]), view.root);
    shown = {name: to.name, view};
    main.focus({preventScroll: true});
  }
  shown.view.show?.(to);
  await refresh();
}

/** Asks again, and once more after a while, for as long as somebody looks. */
async function refresh() {
  clearTimeout(timer);
  const mine = ++turn;
  const view = shown?.view;
  if (!view?.refresh || document.hidden) return;
  try {
    await view.refresh();
    if (mine === turn) well();
  } catch (failure) {
    if (mine === turn) trouble(failure);
  }
  if (mine === turn && view.every) timer = setTimeout(refresh, view.every);
}

// ---- what is wrong

let lastWell = 0;

function well() {
  lastWell = Date.now();
  $('trouble').hidden = true;
  $('state').textContent = `as of ${clock(lastWell)}`;
}

function trouble(failure) {
  if (!(failure instanceof Problem)) console.error(failure);
  const words = failure.status === 401 ? `Not signed in: ${failure.message}.`
    : failure.status === 403 ? `${who.name || 'You'} may not see this: ${failure.message}.`
      : failure.status === 0 || failure.status === 503 ? `No answer: ${failure.message}.`
        : failure.message;
  $('trouble').textContent = words + (lastWell ? ` What is shown is as of ${clock(lastWell)}.` : '');
  $('trouble').hidden = false;
}

// ---- who looks

let who = {};
let asked = false;

async function look() {
  try {
    who = await get('/v1/caller');
  } catch (failure) {
    who = {asked: failure.status === 401, name: ''};
  }
  $('who').textContent = who.name && who.asked ? who.name : who.asked ? 'Sign in' : 'No sign-in';
  $('who').title = who.asked ? 'Whose token is used' : 'This gateway asks nobody who they are';
  $('who').disabled = !who.asked && !token();
}

function askWho(why) {
  const dialog = $('signin');
  if (dialog.open) return;
  $('signin-why').textContent = why || 'The gateway asks who calls. Paste an API token or a JWT.';
  $('token').value = '';
  $('signout').hidden = !token();
  dialog.showModal();
  $('token').focus();
}

$('signin').addEventListener('close', async () => {
  const what = $('signin').returnValue;
  const text = $('token').value.trim();
  $('token').value = '';
  if (what === 'in' && text) signIn(text);
  else if (what === 'out') signIn('');
  else return;
  asked = what === 'out';
  await look();
  await refresh();
});
$('token').addEventListener('keydown', event => {
  // Enter would press the first button of the form, which is another one.
  if (event.key === 'Enter') {
    event.preventDefault();
    $('signin').close('in');
  }
});
$('who').addEventListener('click', () => askWho(token() ? 'A token is in use; another one takes its place.' : ''));
document.addEventListener('unknown-caller', event => {
  // Once by itself for each token; from then on the button asks.
  if (!asked) askWho(event.detail && `The gateway says: ${event.detail}.`);
  asked = true;
});

// ---- theme

const THEMES = ['', 'light', 'dark'];

function theme(next) {
  if (next !== undefined) localStorage.setItem('rutile.theme', next);
  const now = THEMES.includes(localStorage.getItem('rutile.theme')) ? localStorage.getItem('rutile.theme') : '';
  if (now) document.documentElement.dataset.theme = now;
  else delete document.documentElement.dataset.theme;
  $('theme').textContent = now ? (now === 'dark' ? 'Dark' : 'Light') : 'Auto';
  $('theme').title = 'Light, dark, or as the system has it (t)';
  shown?.view.repaint?.();
}
const nextTheme = () => theme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme || '') + 1) % THEMES.length]);
$('theme').addEventListener('click', nextTheme);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => shown?.view.repaint?.());

// ---- search and keyboard

$('search').addEventListener('submit', event => {
  event.preventDefault();
  const text = $('q').value;
  if (/^#\d+$/.test(text.trim())) location.hash = `#/regions/${text.trim().slice(1)}`;
  else if (/^0x[0-9a-f]*$/i.test(text.trim())) shell.go('regions', {key: text.trim().slice(2), enc: 'hex'});
  else shell.go('regions', {key: text});
});

replace($('help-list'), KEYS.map(([key, words]) => [h('dt', null, key.split(' ').map((k, i) => [i ? ' ' : '', h('kbd', null, k)])), h('dd', null, words)]));
const help = () => $('help').open || $('help').showModal();
$('keys').addEventListener('click', help);

let leader = 0;
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  const typing = event.target.closest?.('input, textarea, select');
  if (event.key === 'Escape') {
    if (typing) typing.blur();
    else shown?.view.escape?.();
    return;
  }
  if (typing) return;
  const second = Date.now() - leader < 1500;
  leader = 0;
  if (second && GO[event.key]) {
    event.preventDefault();
    shell.go(GO[event.key]);
    return;
  }
  const act = {
    '/': () => {
      $('q').focus();
      $('q').select();
    },
    '?': help, g: () => { leader = Date.now(); }, r: refresh, t: nextTheme,
    x: () => {
      localStorage.setItem('rutile.hex', shell.hex ? '0' : '1');
      shown?.view.repaint?.();
    },
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault();
  main.focus();
});
addEventListener('hashchange', open);
document.addEventListener('visibilitychange', () => document.hidden || refresh());
theme();
await look();
await open();
