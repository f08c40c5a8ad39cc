/**
 * Mutations of valid input: what an enemy, a bad disk or a careless editor makes of it. Four levels, because what breaks a parser depends
 * on how far the input gets: bytes (flips, cuts, splices, inflated lengths), text (numbers, lines, odd characters), and the trees of
 * JSON and CBOR, where the spelling stays right and a value becomes another. Chance is an argument: the same draws give the same input.
 */
import { type CborValue, decodeCbor, encodeCbor } from '../../src/chain/cbor.ts'
import type { JsonValue } from '../../src/chain/json.ts'
import type { Random } from '../../src/node/ports.ts'

export const pick = <Item>(draw: Random, items: readonly Item[]): Item => items[draw.below(items.length)]!

/** What is this large is not made larger. */
const largeBytes = 200_000

/** Between `from` and `to`, both included. */
const between = (draw: Random, from: number, to: number): number => from + draw.below(to - from + 1)

type Mutation<Input> = (input: Input, other: Input, draw: Random) => Input

/** One to four mutations, one after the other. */
function several<Input>(mutations: readonly Mutation<Input>[], input: Input, other: Input, draw: Random): Input {
  let mutated = input
  for (let count = 1 + draw.below(4); count > 0; count--) mutated = pick(draw, mutations)(mutated, other, draw)
  return mutated
}

// ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const mutateBytes = (input: Uint8Array, other: Uint8Array, draw: Random): Uint8Array =>
  several(byteMutations, input, other, draw)

const byteMutations: readonly Mutation<Uint8Array>[] = [
  // a bit flipped
  (input, _, draw) => changed(input, draw, (octet) => octet ^ (1 << draw.below(8))),
  // a byte that means something
  (input, _, draw) =>
    changed(input, draw, () => pick(draw, [0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x20, 0x22, 0x5b, 0x7b, 0xf6])),
  // cut off
  (input, _, draw) => input.slice(0, draw.below(input.length + 1)),
  // a piece out of the middle
  (input, _, draw) => {
    const [from, to] = stretch(input, draw)
    return joined(input.subarray(0, from), input.subarray(to))
  },
  // a piece twice, or many times
  (input, _, draw) => {
    const [from, to] = stretch(input, draw)
    const times = pick(draw, [2, 2, 3, 300])
    const pieces = Array.from({ length: (to - from) * times > 200_000 ? 2 : times }, () => input.subarray(from, to))
    return joined(input.subarray(0, from), ...pieces, input.subarray(to))
  },
  // the beginning of one, the end of another
  (input, other, draw) =>
    joined(input.subarray(0, draw.below(input.length + 1)), other.subarray(draw.below(other.length + 1))),
  // a piece of another in the middle
  (input, other, draw) => {
    const [from, to] = stretch(other, draw)
    const at = draw.below(input.length + 1)
    return joined(input.subarray(0, at), other.subarray(from, to), input.subarray(at))
  },
  // a length or a count that promises far too much
  (input, _, draw) => {
    const at = draw.below(input.length + 1)
    const huge = pick(draw, hugeLengths)
    return joined(input.subarray(0, at), huge, input.subarray(at + draw.below(2) * huge.length))
  },
  // nesting
  (input, _, draw) => {
    const at = draw.below(input.length + 1)
    const depth = pick(draw, [17, 40, 2_000, 20_000])
    return joined(
      input.subarray(0, at),
      new Uint8Array(depth).fill(pick(draw, [0x81, 0x5b, 0x82, 0xa1, 0xc1])),
      input.subarray(at),
    )
  },
  // what is no text, no character, no integer
  (input, _, draw) => {
    const at = draw.below(input.length + 1)
    const odd = pick(draw, oddBytes)
    return joined(input.subarray(0, at), odd, input.subarray(at + draw.below(2) * odd.length))
  },
  // something after the end
  (input, _, draw) => joined(input, draw.bytes(1 + draw.below(8))),
]

const hugeLengths: readonly Uint8Array[] = [
  '7fffffff',
  'ffffffff',
  '80000000',
  '0010c8e0',
  'ffff',
  '00ffffff',
  // CBOR: arrays, byte strings, texts, maps of 2^31 to 2^64 − 1 items, and lengths in more bytes than needed
  '9a7fffffff',
  '9affffffff',
  '9bffffffffffffffff',
  '5a7fffffff',
  '5affffffff',
  '5b0000000100000000',
  '5bffffffffffffffff',
  '7a7fffffff',
  '7b001fffffffffffff',
  'ba7fffffff',
  'bbffffffffffffffff',
  '9f',
  '5f',
  '7f',
  'bf',
  '5800',
  '9800',
  '7800',
  '1800',
  '190001',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))

const oddBytes: readonly Uint8Array[] = [
  // UTF-8 that is none: overlong, a surrogate, beyond the last character, cut; and a byte order mark, NUL
  'c080',
  'eda080',
  'edbfbf',
  'f4908080',
  'e4b8',
  'ff',
  'efbbbf',
  '00',
  // CBOR: negative zero, NaN, infinities, 2^53, −1, undefined, tags, an ill-formed text, simple values
  'f98000',
  'f97e00',
  'f97c00',
  'fb7ff8000000000001',
  '1b0020000000000000',
  '1b001fffffffffffff',
  '20',
  'f7',
  'c249010000000000000000',
  '63eda080',
  'f820',
  'fa3f800000',
  'fb4330000000000000',
  'f90000',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')))

function changed(input: Uint8Array, draw: Random, change: (octet: number) => number): Uint8Array {
  const out = input.slice()
  if (out.length === 0) return out
  const at = draw.below(out.length)
  out[at] = change(out[at]!)
  return out
}

/** A short stretch more often than a long one. */
function stretch(input: Uint8Array, draw: Random): [from: number, to: number] {
  const from = draw.below(input.length + 1)
  return [from, Math.min(input.length, from + pick(draw, [1, 2, 4, 9, 40, 70, 1_000]))]
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

// ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Texts are mutated as text and as bytes, so that what comes out need not be UTF-8. */
export function mutateText(input: Uint8Array, other: Uint8Array, draw: Random): Uint8Array {
  if (draw.below(3) === 0) return mutateBytes(input, other, draw)
  const text = several(textMutations, Buffer.from(input).toString('utf8'), Buffer.from(other).toString('utf8'), draw)
  return new Uint8Array(Buffer.from(text, 'utf8'))
}

const textMutations: readonly Mutation<string>[] = [
  // a number becomes another
  (text, _, draw) => replacedMatch(text, /\d+/g, pick(draw, oddNumbers), draw),
  // a line twice, gone, elsewhere, or of the other text
  (text, other, draw) => {
    const lines = text.split('\n')
    const at = draw.below(lines.length)
    const line = pick(draw, [lines[at]!, pick(draw, other.split('\n')), ''])
    lines.splice(at, draw.below(2), ...Array.from({ length: draw.below(3) }, () => line))
    return lines.join('\n')
  },
  // very many lines
  (text, _, draw) => {
    const lines = text.split('\n')
    const at = draw.below(lines.length)
    const line = lines[at]!.slice(0, 200)
    lines.splice(at, 0, ...Array.from({ length: pick(draw, [70, 130, 1_500]) }, () => line))
    return lines.join('\n')
  },
  // an odd character somewhere, or in the place of another
  (text, _, draw) => {
    const at = draw.below(text.length + 1)
    return text.slice(0, at) + pick(draw, oddTexts) + text.slice(at + draw.below(2))
  },
  // a space, a letter's case, a sign of base64
  (text, _, draw) =>
    replacedMatch(
      text,
      /[A-Za-z0-9+/=_-]/g,
      pick(draw, ['', ' ', '+', '/', '-', '_', '=', 'A', 'a', '0', '٣', '０']),
      draw,
    ),
  // a very long word
  (text, _, draw) => {
    const at = draw.below(text.length + 1)
    return (
      text.slice(0, at) +
      pick(draw, ['A', '9', ' ', '\\', '"', '[', '{"":', '一']).repeat(pick(draw, [100, 5_000, 40_000])) +
      text.slice(at)
    )
  },
  // the halves of two
  (text, other, draw) => text.slice(0, draw.below(text.length + 1)) + other.slice(draw.below(other.length + 1)),
]

const oddNumbers = [
  '-0',
  '-1',
  '00',
  '01',
  '0',
  '1',
  '9007199254740991',
  '9007199254740992',
  '18446744073709551615',
  '18446744073709551616',
  '1e400',
  '1e-400',
  '0.1',
  '1.0',
  'NaN',
  'Infinity',
  '0x10',
  '1_000',
  '99999999999999999999999999',
  '',
] as const

const oddTexts = [
  '\0',
  '\r',
  '\t',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\u200b',
  '\ud800',
  '\udc00',
  '\\ud800',
  '\\u0000',
  '\u0130',
  '\u212a',
  'é',
  'e\u0301',
  '—',
  '-',
  '–',
  '\n',
  '\n\n',
  ' ',
  '  ',
  '"',
  '\\',
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  '+',
  '=',
  '.',
  '..',
  '/',
  '%',
  '#',
] as const

function replacedMatch(text: string, pattern: RegExp, by: string, draw: Random): string {
  const matches = [...text.matchAll(pattern)]
  if (matches.length === 0) return text + by
  const match = pick(draw, matches)
  return text.slice(0, match.index) + by + text.slice(match.index + match[0].length)
}

// ── JSON ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A value of it becomes another, a member doubled, lost, renamed; spelled again, strictly or not. Not JSON: as text. */
export function mutateJson(input: Uint8Array, other: Uint8Array, draw: Random): Uint8Array {
  const value = jsonOf(input)
  if (value === undefined || draw.below(4) === 0) return mutateText(input, other, draw)
  let mutated: JsonValue = value
  let text = ''
  // Copies of copies would soon fill all memory.
  for (let count = between(draw, 1, 3); count > 0 && text.length < largeBytes; count--) {
    mutated = changedTree(mutated, jsonOf(other) ?? null, draw)
    text = JSON.stringify(mutated, null, pick(draw, [0, 0, 0, 2]))
  }
  return new Uint8Array(Buffer.from(draw.below(8) === 0 ? doubledName(text, draw) : text, 'utf8'))
}

/** The same on a value. */
export function changedTree(value: JsonValue, other: JsonValue, draw: Random): JsonValue {
  const isLeaf = value === null || typeof value !== 'object'
  if (isLeaf || draw.below(7) === 0) return pick(draw, [...oddValues(value), pick(draw, childrenOf(other))])
  if (Array.isArray(value)) {
    const items = [...(value as readonly JsonValue[])]
    const at = draw.below(items.length + 1)
    switch (draw.below(5)) {
      case 0:
        items.splice(at, 1)
        break
      case 1:
        items.splice(at, 0, items[at] ?? null)
        break
      case 2:
        items.reverse()
        break
      case 3:
        items.splice(at, 0, ...Array.from({ length: pick(draw, [20, 70, 300]) }, () => items[at] ?? 0))
        break
      default:
        if (at < items.length) items[at] = changedTree(items[at]!, other, draw)
    }
    return items
  }
  const names = Object.keys(value)
  const name = names.length === 0 ? '' : pick(draw, names)
  const held = (value as { [name: string]: JsonValue })[name] ?? null
  const rest = names
    .filter((each) => each !== name)
    .map((each) => [each, (value as never)[each]] as [string, JsonValue])
  switch (draw.below(7)) {
    case 0:
      return ownObject(rest)
    case 1:
      return ownObject([...rest, [pick(draw, oddNames), held]])
    case 2:
      return ownObject([...rest, [name, held], [pick(draw, oddNames), pick(draw, oddValues(held))]])
    default:
      return ownObject(
        names.map((each) => [each, each === name ? changedTree(held, other, draw) : (value as never)[each]]),
      )
  }
}

/** Every name an own one, also `__proto__`. */
function ownObject(entries: readonly (readonly [string, JsonValue])[]): JsonValue {
  const object = {}
  for (const [name, value] of entries) {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

function oddValues(value: JsonValue): readonly JsonValue[] {
  const texts: readonly JsonValue[] =
    typeof value === 'string'
      ? [
          value.slice(1),
          `${value} `,
          `${value}\0`,
          value.toUpperCase(),
          value + value,
          `\ud800${value}`,
          [value],
          value.slice(0, -1),
          'x'.repeat(3_000),
        ]
      : []
  const numbers: readonly JsonValue[] =
    typeof value === 'number'
      ? [value + 1, -value, value + 0.5, value * 2 ** 40, String(value), value + 1e-9 * value]
      : []
  return [
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    0.5,
    1e-7,
    5e-324,
    65_536.000_000_000_01,
    2 ** 31,
    2 ** 53 - 1,
    2 ** 53,
    1e300,
    '',
    ' ',
    '0',
    '-1',
    'null',
    '__proto__',
    '\ud800',
    '\0',
    '2026-13-45T99:99:99Z',
    '9999-12-31T23:59:59.999Z',
    '1969-12-31T23:59:59.999Z',
    [],
    {},
    [[]],
    [null],
    [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]],
    ownObject([['__proto__', {}]]),
    ownObject([['toString', 1]]),
    ...texts,
    ...numbers,
  ]
}

const oddNames = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  '0',
  'a/b~c',
  '\ud800',
  '\0',
  'ledger',
  'x'.repeat(300),
] as const

function childrenOf(value: JsonValue): readonly JsonValue[] {
  if (value === null || typeof value !== 'object') return [value]
  return [value, ...Object.values(value as object).flatMap((child: JsonValue) => (child === null ? [] : [child]))]
}

/** A member that stands there once more, with another value before it. */
function doubledName(text: string, draw: Random): string {
  const names = [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*:/g)]
  if (names.length === 0) return text
  const name = pick(draw, names)
  return `${text.slice(0, name.index)}${name[0]}${pick(draw, ['0', 'null', '"x"', '{}'])},${text.slice(name.index)}`
}

function jsonOf(input: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(Buffer.from(input).toString('utf8')) as JsonValue
  } catch {
    return undefined
  }
}

// ── CBOR ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A value of it becomes another and the whole is spelled rightly again, so that it gets past the codec. Not CBOR: as bytes. */
export function mutateCbor(input: Uint8Array, other: Uint8Array, draw: Random): Uint8Array {
  const value = cborOf(input)
  if (value === undefined || draw.below(3) === 0) return mutateBytes(input, other, draw)
  let mutated = value
  let bytes = input
  for (let count = between(draw, 1, 3); count > 0 && bytes.length < largeBytes; count--) {
    mutated = changedItem(mutated, cborOf(other) ?? null, draw)
    bytes = encodeCbor(mutated)
  }
  return bytes
}

function changedItem(value: CborValue, other: CborValue, draw: Random): CborValue {
  if (!isList(value) || draw.below(9) === 0) return pick(draw, [...oddItems(value, draw), pick(draw, itemsOf(other))])
  const items = [...value]
  const at = draw.below(items.length + 1)
  switch (draw.below(6)) {
    case 0:
      items.splice(at, 1)
      return items
    case 1:
      items.splice(at, 0, items[at] ?? null)
      return items
    case 2:
      items.splice(at, 0, ...Array.from({ length: pick(draw, [20, 70, 300, 1_000]) }, () => items[at] ?? 0))
      return items
    default:
      if (at < items.length) items[at] = changedItem(items[at]!, other, draw)
      return items
  }
}

function oddItems(value: CborValue, draw: Random): readonly CborValue[] {
  const numbers: readonly CborValue[] =
    typeof value === 'number' ? [value + 1, value === 0 ? 0 : -value, Math.max(0, value - 1)] : []
  const texts: readonly CborValue[] =
    typeof value === 'string' ? [`${value}x`, value.toUpperCase(), `${value}\0`, 'x'.repeat(300), 'a'.repeat(33)] : []
  const bytes: readonly CborValue[] =
    value instanceof Uint8Array
      ? [
          value.slice(1),
          joined(value, Uint8Array.of(0)),
          mutateBytes(value, value, draw),
          mutateCbor(value, value, draw),
          new Uint8Array(value.length),
        ]
      : []
  return [
    null,
    true,
    false,
    0,
    1,
    -1,
    23,
    24,
    255,
    256,
    65_536,
    2 ** 31,
    2 ** 32,
    2 ** 48,
    2 ** 48 + 1,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    '',
    '__proto__',
    '共证',
    '\ufeff',
    '\0',
    [],
    [[]],
    [null],
    new Uint8Array(),
    new Uint8Array(32),
    new Uint8Array(64),
    new Uint8Array(70_000),
    ...numbers,
    ...texts,
    ...bytes,
  ]
}

const isList = (value: CborValue): value is readonly CborValue[] => Array.isArray(value)
const itemsOf = (value: CborValue): readonly CborValue[] => (isList(value) && value.length > 0 ? value : [value])

function cborOf(input: Uint8Array): CborValue | undefined {
  try {
    return decodeCbor(input)
  } catch {
    return undefined
  }
}
