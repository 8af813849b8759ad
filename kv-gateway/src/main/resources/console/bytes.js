// Keys and values are bytes; people read text and hex.

export function fromHex(hex) {
  if (hex.length % 2 || !/^[0-9a-fA-F]*$/.test(hex)) throw new SyntaxError('not hex: two digits a byte');
  return Uint8Array.from({length: hex.length / 2}, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

export const toHex = bytes => Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');

export const fromText = text => new TextEncoder().encode(text);

/** The text, or null if the bytes are not UTF-8. */
export function toText(bytes) {
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch {
    return null;
  }
}

/** Text as far as it is readable, and \xNN for every other byte: always one line. */
export function escaped(bytes) {
  let shown = '';
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i];
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    const text = length ? toText(bytes.subarray(i, i + length)) : null;
    if (text && i + length <= bytes.length && !/[\p{C}\p{Zl}\p{Zp}\\]/u.test(text)) {
      shown += text;
      i += length;
    } else {
      shown += lead === 0x5c ? '\\\\' : `\\x${lead.toString(16).padStart(2, '0')}`;
      i++;
    }
  }
  return shown;
}

/** What \xNN and \\ stand for, as `escaped` writes them. */
export function unescaped(text) {
  const bytes = [];
  const parts = text.match(/\\x[0-9a-fA-F]{2}|\\\\|[^\\]+|\\/g) || [];
  for (const part of parts) {
    if (part === '\\') throw new SyntaxError('a \\ is written \\\\, a byte \\x00');
    if (part === '\\\\') bytes.push(0x5c);
    else if (part.startsWith('\\x')) bytes.push(parseInt(part.slice(2), 16));
    else for (const byte of fromText(part)) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** The key that a memcomparable encoding is of (groups of eight bytes with a marker behind each), or null if it is none. */
export function decoded(bytes) {
  if (!bytes.length || bytes.length % 9) return null;
  const key = [];
  for (let at = 0; at < bytes.length; at += 9) {
    const padding = 0xff - bytes[at + 8];
    const last = at + 9 === bytes.length;
    if (padding > 8 || (padding === 0) === last) return null;
    for (let i = 0; i < 8; i++) {
      if (i < 8 - padding) key.push(bytes[at + i]);
      else if (bytes[at + i] !== 0) return null;
    }
  }
  return Uint8Array.from(key);
}

/** A border of a Region for people: what it encodes where it is an encoding. */
export function border(hex, asHex) {
  if (asHex) return hex;
  const bytes = fromHex(hex);
  const key = decoded(bytes);
  return key ? `⟨${escaped(key)}⟩` : escaped(bytes);
}

/** What somebody typed as a key: text with \xNN, or hex. */
export const parse = (text, form) => (form === 'hex' ? fromHex(text.replace(/\s/g, '')) : unescaped(text));

export const show = (bytes, form) => (form === 'hex' ? toHex(bytes) : escaped(bytes));

export const short = (text, max = 160) => (text.length > max ? `${text.slice(0, max)}…` : text);
