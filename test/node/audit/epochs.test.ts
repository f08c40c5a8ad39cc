/** Audits across changes of members (protocol.md, rules 19, 20 and 22): every block and checkpoint by the list of its epoch. */
import { expect, test } from 'vitest'
import { ed25519Sign } from '#crypto'
import { blockPath } from '../../../src/chain/block-bundle.ts'
import { cosignatureMessage, formatCheckpoint } from '../../../src/chain/checkpoint.ts'
import { parseFault, verifyFault } from '../../../src/chain/fault.ts'
import type { AuditReport } from '../../../src/node/audit/audit.ts'
import { refoundedMember } from '../../simulation/founding.ts'
import { auditFiles, newMedium } from './audit-fixture.ts'
import { genesis, joiners, MadeLedger, members, noteOf, renewedNode } from './made-ledger.ts'

const keys = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`)
const five = [...members, joiners[0]!]
const others = [joiners[1]!, joiners[0]!]

const early = () => new MadeLedger().add({ records: keys('a', 20) }).add({ records: keys('b', 3), leader: 1 })
const joined = () =>
  early()
    .change(five)
    .add({ records: keys('c', 5) })
const replaced = () =>
  joined()
    .change([members[0]!, renewedNode(1), ...five.slice(2)])
    .add({ records: keys('d', 300), leader: 1 })
const handedOver = () =>
  replaced()
    .change(others)
    .add({ records: keys('e', 4) })
    .add({ records: ['f'] })

/** Two of the founders are gone for good; two go on, with two that join. */
const goingOn = [...members.slice(0, 2).map((member) => refoundedMember(member, 1)), ...joiners.slice(0, 2)]
const refounded = () =>
  early()
    .refound(goingOn)
    .add({ records: keys('g', 40) })

const says = ({ verdict, size, findings }: AuditReport) => ({ verdict, size, findings })
const good = (ledger: MadeLedger) => ({ verdict: 'good', size: ledger.size, findings: [] })

test('a member joins, a node is replaced, all change at once: everything agrees, from one source or several', async () => {
  for (const make of [joined, replaced, handedOver]) {
    const ledger = make().finish()
    expect(says(await auditFiles({ one: ledger.files })), make.name).toEqual(good(ledger))
  }
  const ledger = handedOver().finish(1)
  const report = await auditFiles({ one: ledger.files, behind: joined().finish().files, early: early().finish().files })
  expect(says(report)).toEqual(good(ledger))
  expect(report.sources.map(({ signedBy, agrees }) => [signedBy, agrees])).toEqual([
    ['xiamen', true],
    ['beijing', true],
    ['beijing', true],
  ])
})

test('as a monitor: an audit that ended before, on or after a closing block goes on', async () => {
  const medium = newMedium()
  let seen: AuditReport['seen'] = new Map()
  let entriesRead = 0
  const closing = early()
  closing.change(five)
  for (const ledger of [early(), closing, joined(), replaced(), handedOver()]) {
    const report = await auditFiles({ one: ledger.finish().files }, { seen, entriesRead }, medium)
    expect(says(report)).toEqual(good(ledger))
    ;({ seen, entriesRead } = report)
  }
})

test('who is a member no longer cannot attest, and a new list that nobody closed for is no list', async () => {
  const honest = replaced().finish()
  // The founders go on among themselves, as though nobody had joined.
  const { size, root, cosignatures } = early()
    .change(members)
    .add({ records: ['x'] }).attestation!
  const alone = new Map([...honest.files, ['checkpoint', noteOf({ size, root, cosignatures })]])
  const report = await auditFiles({ honest: honest.files, alone })
  expect(report.verdict).toBe('contradiction')
  expect(report.size).toBe(honest.size)
  expect(report.findings.map(({ source }) => source)).not.toContain('honest')
  // Blocks of an epoch that was never opened.
  const skipped = new Map(joined().finish().files)
  const { blocks } = early()
    .change(five)
    .change(members)
    .add({ records: ['y'] })
  const [wrong] = blocks.slice(-1)
  const at = joined().height
  skipped.set(blockPath(at), wrong!.bytes)
  const found = await auditFiles({ skipped })
  expect(found.findings[0]).toMatchObject({ code: 'audit.block-invalid', height: at })
})

test('a member that joined later and signs two heads is named, by a proof that stands alone', async () => {
  const honest = handedOver().finish()
  const { member, keys: node } = others[0]!
  const { size, cosignatures } = honest.attestation!
  const root = 'ee'.repeat(32)
  const { origin } = genesis
  const text = formatCheckpoint({ origin, size, root: Buffer.from(root, 'hex') })
  const { time } = cosignatures[0]!
  const signature = ed25519Sign(node.cosign.seed, cosignatureMessage(time, text))
  const note = noteOf({ size, root, cosignatures: [{ member: member.id, time, signature }] }, 0, others)
  const report = await auditFiles({ honest: honest.files, liar: new Map([...honest.files, ['checkpoint', note]]) })
  const named = report.findings.flatMap(({ accused = [] }) => accused.map(({ member: id, kind }) => `${id} ${kind}`))
  expect(named).toEqual([`${member.id} two-heads`])
  for (const proof of report.proofs.values()) expect(verifyFault(parseFault(proof)).kid).toBe(member.node.cosign)
})

test('a ledger that governance re-founded: followed from one source or several, from the start or as a monitor', async () => {
  const ledger = refounded().finish()
  expect(says(await auditFiles({ one: ledger.files }))).toEqual(good(ledger))
  const both = await auditFiles({ behind: early().finish().files, one: ledger.files })
  expect(says(both)).toEqual(good(ledger))
  expect(both.sources.map(({ agrees }) => agrees)).toEqual([true, true])
  const later = () =>
    refounded()
      .lead(1)
      .change([goingOn[0]!, ...joiners.slice(0, 2)])
      .add({ records: keys('h', 3) })
  const medium = newMedium()
  let seen: AuditReport['seen'] = new Map()
  let entriesRead = 0
  for (const next of [early(), refounded(), later()]) {
    const report = await auditFiles({ one: next.finish().files }, { seen, entriesRead }, medium)
    expect(says(report)).toEqual(good(next))
    ;({ seen, entriesRead } = report)
  }
})

test('a re-founding of another place or ledger, or that too few signed, begins nothing', async () => {
  const elsewhere: Parameters<MadeLedger['refound']>[1] = (terms) => ({
    ...terms,
    start: { ...terms.start, block: { ...terms.start.block, id: 'ab'.repeat(32) } },
  })
  const wrong = early()
    .refound(goingOn, elsewhere)
    .add({ records: ['x'] })
    .finish()
  const report = await auditFiles({ wrong: wrong.files })
  expect(report.findings[0]).toMatchObject({ code: 'audit.block-invalid', height: early().height + 1 })
  expect(report.findings[0]!.detail).toMatch(/goes on from height/)
  expect(report.size).toBeLessThanOrEqual(early().size)
  // Signatures of one key are not those of three.
  const honest = refounded().finish()
  const { bytes } = honest.blocks[early().height]!
  for (let at = 0; at < bytes.length; at += 97) {
    const changed = bytes.slice()
    changed[at]! ^= 1
    const files = new Map([...honest.files, [blockPath(early().height + 1), changed]])
    const found = await auditFiles({ files })
    expect(found.verdict, `byte ${at}`).toBe('contradiction')
    expect(found.size, `byte ${at}`).toBeLessThanOrEqual(early().size)
  }
})

test('what the old members attested above a re-founding is void: an auditor who had followed it is told, and nobody is accused', async () => {
  const old = early()
    .add({ records: keys('late', 2) })
    .finish()
  const ledger = refounded().finish()
  const medium = newMedium()
  const before = await auditFiles({ one: old.files }, {}, medium)
  expect(says(before)).toEqual(good(old))
  const { seen, entriesRead } = before
  for (const report of [
    await auditFiles({ one: ledger.files }, { seen, entriesRead }, medium),
    await auditFiles({ old: old.files, one: ledger.files }),
  ]) {
    expect(report.verdict).toBe('contradiction')
    expect(report.findings[0]!.detail).toMatch(/re-founded the ledger below size 29.*new state directory/)
    expect(report.findings.map(({ source }) => source)).not.toContain('old')
    expect(report.findings.flatMap(({ accused = [] }) => accused)).toEqual([])
    expect(report.proofs.size).toBe(0)
  }
  expect(says(await auditFiles({ one: ledger.files }))).toEqual(good(ledger))
})
