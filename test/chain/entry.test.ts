import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchItem } from '../../src/chain/batch.ts'
import { utf8 } from '../../src/chain/bytes.ts'
import {
  encodeEntry,
  encodeRefusalEntry,
  encodeSystemEntry,
  leafKindOf,
  parseEntry,
  rereadLeaf,
} from '../../src/chain/entry.ts'
import { itemReader } from '../../src/chain/execution.ts'
import { canonicalJson } from '../../src/chain/json.ts'
import { Refusal } from '../../src/chain/refusal.ts'
import { entryBytesMax } from '../../src/chain/tile.ts'
import { parseStoredTime, timeMax } from '../../src/chain/time.ts'
import { genesis, now, statement } from './ledger-fixture.ts'

const entry = { member: 'beijing', receivedAt: now, statement: statement('one') }
const text = Buffer.from(encodeEntry(entry)).toString()

/** What a text says as an entry by the long way, parsed and written again; undefined when that is another text. */
function saidBy(spelled: string) {
  try {
    const said = JSON.parse(spelled) as Record<'member' | 'receivedAt' | 'statement', string>
    const receivedAt = parseStoredTime(said.receivedAt)
    const isSpelling = canonicalJson({ ...said }) === spelled
    return isSpelling && receivedAt !== undefined ? { ...said, receivedAt } : undefined
  } catch {
    return undefined
  }
}

describe('an entry', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(timeMax), fc.string({ unit: 'grapheme' }), (member, receivedAt, jws) => {
        const made = { member, receivedAt, statement: jws }
        expect(parseEntry(encodeEntry(made))).toEqual(made)
      }),
      { numRuns: 100 },
    )
  })

  it('has one spelling: order, spaces, escapes, doubled or further names, other times are refused', () => {
    const time = text.slice(text.indexOf('"receivedAt"'), text.indexOf(',"statement"'))
    const others = [
      ` ${text}`,
      `${text}\n`,
      text.replace('{"member"', '{ "member"'),
      text.replace('"beijing"', '"\\u0062eijing"'),
      text.replace('{"member":"beijing"', '{"member":"wuhan","member":"beijing"'),
      text.replace('{', '{"also":1,'),
      `{${time},${text.slice(1).replace(`,${time}`, '')}`,
      text.replace('Z"', '+00:00"'),
      text.replace(/\.\d{3}Z/, 'Z'),
      text.replace('"beijing"', '7'),
      '[]',
      'null',
      '',
      text.slice(0, -1),
      `\ufeff${text}`,
    ]
    for (const other of others) expect(() => parseEntry(utf8(other)), other.slice(0, 60)).toThrow(Refusal)
    expect(() => parseEntry(Uint8Array.of(0xff, 0xfe))).toThrow(Refusal)
    expect(() => parseEntry(utf8(text.replace('"beijing"', '"\\ud800"')))).toThrow(Refusal)
    expect(() => parseEntry(new Uint8Array(entryBytesMax + 1))).toThrow(Refusal)
    expect(() => parseEntry(utf8('['.repeat(60_000)))).toThrow(Refusal)
    expect(() => parseEntry(utf8(`{"member":${'['.repeat(30_000)}${']'.repeat(30_000)}}`))).toThrow(Refusal)
  })

  it('is read the same whether or not its characters need a closer look', () => {
    // Some of these stand in what every node writes; a quotation mark, a backslash or what has to be escaped makes it another text, or none.
    const character = fc.constantFrom(
      'a',
      'Z',
      '0',
      '-',
      '_',
      '.',
      ':',
      ' ',
      '"',
      '\\',
      '\u0000',
      '\u007f',
      '共',
      '\\ud800',
      '\n',
    )
    const part = fc.array(character, { maxLength: 4 }).map((characters) => characters.join(''))
    const time = fc.constantFrom(
      '2026-11-22T02:15:00.123Z',
      '2026-11-22T02:15:00Z',
      '2026-02-30T02:15:00.123Z',
      'Z',
      '',
    )
    fc.assert(
      fc.property(part, time, part, (member, receivedAt, jws) => {
        const spelled = `{"member":"${member}","receivedAt":"${receivedAt}","statement":"${jws}"}`
        const said = saidBy(spelled)
        if (said === undefined) expect(() => parseEntry(utf8(spelled))).toThrow(Refusal)
        else expect(parseEntry(utf8(spelled))).toEqual(said)
      }),
      { numRuns: 1_000 },
    )
  })

  it('and whatever stands for its statement is read or refused, never a crash', () => {
    const read = itemReader(genesis.ledger)
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.nat(255), (at, value) => {
        const bytes = utf8(text)
        bytes[at] = value
        try {
          read(batchItem(bytes, true))
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal)
        }
      }),
      { numRuns: 300 },
    )
    const deep = `${Buffer.from('['.repeat(20_000)).toString('base64url')}`
    const head = entry.statement.split('.')[0]
    for (const jws of ['', '..', 'a.b.c', `${head}.${deep}.${'A'.repeat(86)}`, `${head}.${'e30'}.${'A'.repeat(86)}`]) {
      expect(() => read(batchItem(encodeEntry({ ...entry, statement: jws }), true))).toThrow(Refusal)
    }
  })

  it('is told from a system entry, a refusal record and the genesis', () => {
    const system = encodeSystemEntry({
      height: 1,
      term: 1,
      epoch: 0,
      leader: 'beijing',
      time: now,
      parent: '00'.repeat(32),
      carried: '00'.repeat(32),
      batches: [{ member: 'wuhan', hash: '11'.repeat(32), signature: '22'.repeat(64) }],
    })
    const refusal = encodeRefusalEntry({
      statement: '33'.repeat(32),
      member: 'wuhan',
      receivedAt: now,
      code: 'key.expired',
    })
    expect([genesis.entry, system, refusal, encodeEntry(entry)].map(leafKindOf)).toEqual([
      'genesis',
      'system',
      'refusal',
      'record',
    ])
    expect(() => parseEntry(system)).toThrow(Refusal)
    expect(() => parseEntry(refusal)).toThrow(Refusal)
    expect(rereadLeaf(refusal)).toEqual(JSON.parse(Buffer.from(refusal).toString()))
    expect(JSON.parse(Buffer.from(system).toString())).toMatchObject({ system: { height: '1', term: '1', epoch: '0' } })
  })
})
