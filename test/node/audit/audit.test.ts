/**
 * What an audit says of honest ledgers, and of each lie: the guilty are named exactly — a source for what it serves, a member for what its key signed
 * twice — and nobody else is.
 */
import { describe, expect, test } from 'vitest'
import { ed25519Sign } from '#crypto'
import { assembleBlock, blockSealMessage } from '../../../src/chain/block.ts'
import { blockBundlePath, blockPath, decodeBlockBundle, encodeBlockBundle } from '../../../src/chain/block-bundle.ts'
import { toHex } from '../../../src/chain/bytes.ts'
import { cosignatureMessage, formatCheckpoint } from '../../../src/chain/checkpoint.ts'
import { parseFault, verifyFault } from '../../../src/chain/fault.ts'
import { entriesPath, tilePath } from '../../../src/chain/tile.ts'
import type { AuditReport } from '../../../src/node/audit/audit.ts'
import { NoAnswer, type Source } from '../../../src/node/audit/source.ts'
import { auditFiles, auditSources, type Files, MapSource, newMedium } from './audit-fixture.ts'
import { MadeLedger, members, noteOf, rules } from './made-ledger.ts'

const keys = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`)

/** Two terms, 24 blocks, 620 records: three bundles of entries, one and a half of blocks. */
function longLedger(blocks = 20): MadeLedger {
  const ledger = new MadeLedger()
  for (let i = 0; i < blocks; i++) ledger.add({ records: keys(`b${i}`, 30), leader: i < 7 ? 0 : 1 })
  return ledger
}
const honest = longLedger().finish()
const files: Files = honest.files

const changed = (of: Files, path: string, bytes: Uint8Array): Files => new Map([...of, [path, bytes]])
const without = (of: Files, ...paths: readonly string[]): Files =>
  new Map([...of].filter(([path]) => !paths.includes(path)))
const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = bytes.slice()
  copy[at]! ^= 1
  return copy
}
/** Who is named: sources, and members with what convicts them. */
const named = ({ findings }: AuditReport) => ({
  sources: [...new Set(findings.map(({ source }) => source))],
  members: [...new Set(findings.flatMap(({ accused = [] }) => accused.map(({ member, kind }) => `${member} ${kind}`)))],
})
/** Every proof convicts, on its own. */
const kindsOf = ({ proofs }: AuditReport): readonly string[] =>
  [...proofs.values()].map((text) => verifyFault(parseFault(text)).kind)

describe('an honest ledger', () => {
  test('over several terms, tiles and bundles: all good, from one source or from four', async () => {
    const report = await auditFiles({ one: files })
    expect([report.verdict, report.findings]).toEqual(['good', []])
    expect(report).toMatchObject({ size: honest.size, height: honest.height, counts: { records: 600 } })
    const four = await auditFiles({ a: files, b: files, c: files, d: files })
    expect([four.verdict, four.findings]).toEqual(['good', []])
    expect(four.sources.filter(({ isPrimary }) => isPrimary)).toHaveLength(1)
  })

  test('of which some nodes are behind is all good', async () => {
    const behind = longLedger(11).finish(1).files
    const report = await auditFiles({ behind, ahead: files })
    expect([report.verdict, report.size]).toEqual(['good', honest.size])
    expect(report.sources.map(({ size, agrees }) => [size, agrees])).toEqual([
      [longLedger(11).size, true],
      [honest.size, true],
    ])
  })

  test('at its genesis only, and with one record', async () => {
    const one = new MadeLedger().add({ records: ['a'] }).finish()
    expect((await auditFiles({ one: one.files })).verdict).toBe('good')
  })

  test('of which only the new part is fetched the next time', async () => {
    const medium = newMedium()
    const before = longLedger(11).finish()
    const first = await auditFiles({ one: before.files }, {}, medium)
    const source = new MapSource('one', files)
    const { seen, entriesRead } = first
    const second = await auditSources([source], { seen, entriesRead }, medium)
    expect([second.verdict, second.size, second.newBlocks]).toEqual([
      'good',
      honest.size,
      honest.height - before.height,
    ])
    expect(source.asked).not.toContain(blockPath(1))
    expect(source.asked).not.toContain(tilePath(0, 0))
    expect(source.asked).not.toContain(entriesPath(0))
    const third = await auditSources([source], { seen: second.seen, entriesRead: second.entriesRead }, medium)
    expect([third.verdict, third.newBlocks]).toEqual(['good', 0])
  })
})

test.each([
  ['of which two audits saw a part each', 1],
  ['of which one audit saw all', 0],
])('a changed entry is found and located in a bundle %s', async (_, bundle) => {
  const path = entriesPath(bundle)
  const liar = changed(files, path, flipped(files.get(path)!, 30_000))
  const medium = newMedium()
  // The first audit ends within the second bundle; the second one reads all entries again.
  const before = longLedger(11).finish()
  expect(before.size).toBeGreaterThan(256)
  const { seen } = await auditFiles({ one: before.files }, {}, medium)
  const { findings } = await auditSources([new MapSource('one', liar)], { seen, entriesRead: 0 }, medium)
  expect(findings.map(({ code, file }) => [code, file])).toEqual([['audit.entry-differs', path]])
  expect(Math.floor(findings[0]!.index! / 256)).toBe(bundle)
})

describe('a lying source beside an honest one', () => {
  const bundle = entriesPath(0)
  const blocks = blockBundlePath(0)

  test.each([
    ['rewrites an entry', 'audit.entry-differs', changed(files, bundle, flipped(files.get(bundle)!, 30_000)), bundle],
    [
      'rewrites a hash',
      'audit.tile-differs',
      changed(files, tilePath(0, 1), flipped(files.get(tilePath(0, 1))!, 70)),
      tilePath(0, 1),
    ],
    ['rewrites a block', 'audit.block-invalid', changed(files, blocks, flipped(files.get(blocks)!, 20_000)), blocks],
    ['has cut off its history', 'audit.missing', without(files, tilePath(0, 0), blocks, blockPath(1)), blockPath(1)],
    [
      'serves another policy',
      'audit.policy-differs',
      changed(files, 'v1/policy', files.get('v1/policy')!.slice(40)),
      'v1/policy',
    ],
    [
      'changes its checkpoint',
      'audit.checkpoint-bad',
      changed(files, 'checkpoint', flipped(files.get('checkpoint')!, 60)),
      'checkpoint',
    ],
  ] as const)('%s: it is named, with file, and nobody else', async (_, code, lies, file) => {
    const report = await auditFiles({ liar: lies, honest: files })
    expect(report.verdict).toBe('contradiction')
    expect(named(report)).toEqual({ sources: ['liar'], members: [] })
    expect(report.findings[0]).toMatchObject({ code, file })
    expect(report.size).toBe(honest.size)
    expect([...report.proofs]).toEqual([])
  })

  test('that rewrites an entry is told which', async () => {
    const report = await auditFiles({
      liar: changed(files, tilePath(0, 1), flipped(files.get(tilePath(0, 1))!, 70)),
      honest: files,
    })
    expect(report.findings[0]).toMatchObject({ index: 256 + 2 })
  })

  test('that shows less than before is named', async () => {
    const medium = newMedium()
    const { seen, entriesRead } = await auditFiles({ one: files, two: files }, {}, medium)
    const report = await auditFiles({ one: longLedger(11).finish().files, two: files }, { seen, entriesRead }, medium)
    expect(named(report)).toEqual({ sources: ['one'], members: [] })
    expect(report.findings[0]).toMatchObject({ code: 'audit.rolled-back' })
    // What it showed once is not forgotten.
    expect(report.seen.get('one')).toEqual(seen.get('one'))
  })

  test('whose member seals empty blocks without end comes to a word, and nobody is named', async () => {
    const first = { records: keys('b0', 2) }
    const truth = new MadeLedger()
      .add(first)
      .add({ records: ['more'] })
      .finish()
    const endless = new MadeLedger().add(first)
    for (let i = 0; i < 400; i++) endless.add({ records: [] })
    const lies = new Map([...truth.files].filter(([path]) => !path.startsWith('v1/block')))
    for (const [path, bytes] of endless.finish().files) if (path.startsWith('v1/block')) lies.set(path, bytes)
    const liar = new MapSource('liar', lies)
    const report = await auditSources([liar, new MapSource('honest', truth.files)], { unprovenBytesMax: 400_000 })
    expect([report.verdict, report.size]).toEqual(['incomplete', truth.size])
    expect(report.findings).toMatchObject([{ code: 'audit.no-answer', source: 'liar' }])
    expect([named(report).members, [...report.proofs]]).toEqual([[], []])
    expect(liar.asked.filter((path) => path.startsWith('v1/block')).length).toBeLessThan(15)
  })

  test('that does not answer, or with gigabytes, ends nothing: the others are audited', async () => {
    const silent: Source = {
      name: 'silent',
      get: () => Promise.reject(new NoAnswer('nothing')),
    }
    const report = await auditSources([silent, new MapSource('honest', files)])
    expect([report.verdict, report.size]).toEqual(['incomplete', honest.size])
    expect(report.findings).toMatchObject([{ code: 'audit.no-answer', source: 'silent' }])
    const huge = changed(files, tilePath(0, 0), new Uint8Array(10_000))
    expect((await auditFiles({ huge, honest: files })).findings).toMatchObject([
      { code: 'audit.wrong-answer', source: 'huge', file: tilePath(0, 0) },
    ])
  })
})

describe('a member whose key signed twice', () => {
  test('another root for a size it cosigned: its checkpoint convicts it, and it alone', async () => {
    const { member, keys: nodeKeys } = members[1]!
    const { size, cosignatures } = honest.attestation!
    const root = 'ee'.repeat(32)
    const text = formatCheckpoint({ origin: rules.genesis.origin, size, root: Buffer.from(root, 'hex') })
    const time = cosignatures[0]!.time
    const signature = ed25519Sign(nodeKeys.cosign.seed, cosignatureMessage(time, text))
    const note = noteOf({ size, root, cosignatures: [{ member: member.id, time, signature }] }, 1)
    const report = await auditFiles({ liar: changed(files, 'checkpoint', note), honest: files })
    expect(named(report)).toEqual({ sources: ['liar'], members: [`${member.id} two-heads`] })
    expect(kindsOf(report)).toEqual(['two-heads'])
    expect(report.size).toBe(honest.size)
  })

  test('a leader that sealed two blocks at a height', async () => {
    // The second is good in itself, and no quorum ever cosigned it.
    const other = longLedger(19)
    other.add({ records: keys('other', 3) }).finish()
    const [mine, theirs] = [honest.blocks.at(-1)!, other.blocks.at(-1)!]
    expect(mine.header.height).toBe(theirs.header.height)
    const path = blockPath(mine.header.height)
    const lies = changed(files, path, theirs.bytes)
    const report = await auditFiles({ liar: lies, honest: files })
    const leader = members[1]!.member.id
    expect(named(report)).toEqual({ sources: ['liar'], members: [`${leader} two-seals`, `${leader} two-batches`] })
    expect(kindsOf(report)).toEqual(['two-seals', 'two-batches'])
    expect(report.size).toBe(honest.size)
  })

  test('shown by a source from which nobody read the blocks: found when every block is compared', async () => {
    const at = 12
    const wrong = longLedger(9)
      .add({ records: keys('other', 30) })
      .blocks.at(-1)!
    expect(wrong.header.height).toBe(at)
    const list = decodeBlockBundle(files.get(blockBundlePath(0))!)
    list[at - 1] = wrong.bytes
    const liar = changed(files, blockBundlePath(0), encodeBlockBundle(list))
    const medium = newMedium()
    const first = await auditFiles({ honest: files, liar }, {}, medium)
    expect(first.findings).toEqual([])
    const { seen, entriesRead } = first
    // Also by an audit that goes on from one that did not compare them.
    for (const report of [
      await auditFiles({ honest: files, liar }, { everyBlock: true }),
      await auditFiles({ honest: files, liar }, { everyBlock: true, seen, entriesRead }, medium),
    ]) {
      expect(report.findings.map(({ code, height }) => [code, height])).toEqual([['audit.block-differs', at]])
      expect(named(report).sources).toEqual(['liar'])
      expect(kindsOf(report)).toContain('two-seals')
    }
    const good = await auditFiles({ honest: files, other: files }, { everyBlock: true })
    expect([good.verdict, good.seen.get('other')]).toMatchObject(['good', { comparedHeight: honest.height }])
  })

  test('in the middle of the chain, where the next block no longer follows', async () => {
    const at = 12
    const other = longLedger(9).add({ records: keys('other', 30) })
    const wrong = other.blocks.at(-1)!
    expect(wrong.header.height).toBe(at)
    const list = decodeBlockBundle(files.get(blockBundlePath(0))!)
    list[at - 1] = wrong.bytes
    const report = await auditFiles({
      liar: changed(files, blockBundlePath(0), encodeBlockBundle(list)),
      honest: files,
    })
    expect(named(report).sources).toEqual(['liar'])
    expect(kindsOf(report)).toContain('two-seals')
    expect(report.size).toBe(honest.size)
  })

  test('a batch with a forged statement: whoever signed the batch', async () => {
    const forged = new MadeLedger().add({
      records: ['a', 'b'],
      change: (jws) => `${jws.slice(0, jws.lastIndexOf('.') + 1)}${'A'.repeat(86)}`,
    })
    const report = await auditFiles({ one: forged.finish().files })
    expect(named(report)).toEqual({ sources: ['one'], members: [`${members[0]!.member.id} invalid-batch`] })
    expect(report.size).toBe(1)
  })

  test('two histories with a quorum under each: all that signed both, and no other', async () => {
    const forked = longLedger(11)
    for (let i = 11; i < 22; i++) forked.add({ records: keys(`fork ${i}`, 30) })
    const report = await auditFiles({ one: files, two: forked.finish(1).files })
    expect(named(report).members).toEqual(members.slice(0, 3).map(({ member }) => `${member.id} two-heads`))
    expect(kindsOf(report)).toEqual(['two-heads', 'two-heads', 'two-heads'])
    expect(report.findings.map(({ code }) => code)).toEqual(['audit.forked'])
  })

  test('history rewritten since the last audit, at the only source: what it showed then convicts', async () => {
    const medium = newMedium()
    const { seen, entriesRead } = await auditFiles({ one: files }, {}, medium)
    const forked = longLedger(11)
    for (let i = 11; i < 24; i++) forked.add({ records: keys(`fork ${i}`, 30) })
    const report = await auditFiles({ one: forked.finish().files }, { seen, entriesRead }, medium)
    expect(report.verdict).toBe('contradiction')
    expect(kindsOf(report)).toEqual(['two-heads', 'two-heads', 'two-heads'])
  })
})

test('a cosignature from before its block was made names the cosigner, and convicts nobody', async () => {
  const ledger = longLedger(3).add({ records: ['late'], cosignedEarlierSeconds: 3600 })
  const atTheEnd = await auditFiles({ one: ledger.finish().files })
  expect(atTheEnd.findings).toMatchObject([
    { code: 'audit.back-dated', file: 'checkpoint', accused: [{ member: members[0]!.member.id }] },
  ])
  const carried = await auditFiles({ one: ledger.add({ records: ['later'] }).finish().files })
  expect(carried.findings).toMatchObject([{ code: 'audit.back-dated', accused: [{ member: members[0]!.member.id }] }])
  expect([...carried.proofs]).toEqual([])
})

test('a block that is not sealed by a member, or whose certificate lacks a vote, is found', async () => {
  const ledger = new MadeLedger().add({ records: ['a'] }).finish()
  const [first] = ledger.blocks
  const election = first!.carried.election!
  const carried = { election: { ...election, signatures: election.signatures.slice(1) } }
  const { header } = first!
  const weak = { ...header, carried: toHex(new Uint8Array(32)) }
  const seal = ed25519Sign(members[0]!.keys.seal.seed, blockSealMessage(rules.context, weak))
  const wrong = assembleBlock(weak, seal, carried, [])
  const report = await auditFiles({ one: changed(ledger.files, blockPath(1), wrong.bytes) })
  expect(report.findings).toMatchObject([{ code: 'audit.block-invalid', height: 1 }])
})
