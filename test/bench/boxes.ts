/**
 * `npm run bench:boxes`: what sealed bids cost one node. A whole node on the memory twins of disk and network, alone on its ledger, in virtual
 * time, with every signature real; what is measured is the CPU of this process, so neighbours and waiting do not count. Prints one JSON object
 * on its last line: bytes and CPU of a round with a thousand open sections, empty and with leaves in them, and with one section; bytes of a
 * close for several numbers of leaves; and the opening of every bid of the large opening, beside as many plain records on the same node.
 *
 *   npm run bench:boxes [-- --sections 1000] [--leaves-per-section 10] [--close-leaves 10,1528,50000]
 *
 * Figures are CPU, and also given in verifications: the CPU of one Ed25519 verification, measured in the same run.
 */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import { tallyOf } from '../../src/chain/catalogue/sealed-count.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { SectionTree } from '../../src/chain/quiet-box.ts'
import { parseSignedObject, statementBytesMax } from '../../src/chain/statement.ts'
import { formatTime } from '../../src/chain/time.ts'
import { largeOpening } from '../chain/catalogue/opening-rows.ts'
import { BoxStage } from '../node/box-stage.ts'
import { ReplicaWorld } from '../node/replica-world.ts'
import { verificationHere, verificationMicros } from './verification.ts'

const { values: flags } = parseArgs({
  options: {
    sections: { type: 'string', default: '1000' },
    'leaves-per-section': { type: 'string', default: '10' },
    'close-leaves': { type: 'string', default: '10,1528,50000' },
  },
})
const sectionCount = Number(flags.sections)
const leavesPerSection = Number(flags['leaves-per-section'])
const closeLeaves = flags['close-leaves'].split(',').map(Number)
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const parameters = { boxRoundMs: 10_000, boxFastRoundMs: 2_000 }
const day = 86_400_000
/** Leaves handed in between two beats of the box: some below what a node lets wait. */
const leavesPerBeat = 4_000
const roundsMeasured = 6

const digest = (text: string): string => toHex(sha256(utf8(text)))

function cpuMs(work: () => void): number {
  const begun = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1_000
}

function loneNode(): ReplicaWorld {
  const world = new ReplicaWorld(1, { parameters })
  world.startAll()
  world.electLeader()
  world.settle()
  return world
}

interface Section {
  readonly tender: { readonly owner: string; readonly scheme: string; readonly code: string }
  readonly section: string
}

/** Tenders that are all open for bids for so long. */
function openSections(world: ReplicaWorld, name: string, count: number, ms: number): readonly Section[] {
  const host = world.ids[0]!
  const { party } = world.member(host).member
  const sections = Array.from({ length: count }, (_, i) => {
    return { tender: { owner: party, scheme: 'test', code: `${name}-${i}` }, section: '' }
  })
  const say = (type: string, fields: (about: Section) => JsonObject): void => {
    for (const about of sections) {
      const all = { tender: { ...about.tender }, ...fields(about) }
      world.submit(host, world.centreStatement(host, type, `${type} ${about.tender.code}`, all))
    }
    world.settle(type)
  }
  const deadline = formatTime(world.clock.wall() + ms)
  say('tender.notice@1', ({ tender }) => ({
    document: { algorithm: 'sha256', value: digest(tender.code) },
    publishedAt: formatTime(world.clock.wall()),
    kind: 'tender',
    profile: 'construction',
    deadline,
    openingTime: deadline,
  }))
  say('box.open@1', () => ({ graceSeconds: 5, claimSeconds: 5, revealSeconds: 60 }))
  return sections
}

function handIn(world: ReplicaWorld, about: Section, leaves: readonly string[]): void {
  const node = world.replica(world.ids[0]!)
  let receipts = 0
  for (let at = 0; at < leaves.length; at += leavesPerBeat) {
    for (const leaf of leaves.slice(at, at + leavesPerBeat)) {
      node.deposit(about, leaf, (result) => {
        if (result.kind === 'refused') throw new Error(result.code)
        receipts++
      })
    }
    world.until(() => receipts === Math.min(leaves.length, at + leavesPerBeat), 'every leaf has its receipt')
  }
}

/** The records of this type and the bytes of their entries, in the order of the ledger. */
function entriesOf(
  world: ReplicaWorld,
  type: string,
): readonly { readonly payload: JsonObject; readonly bytes: number }[] {
  const { store, attested } = world.replica(world.ids[0]!)
  const found: { readonly payload: JsonObject; readonly bytes: number }[] = []
  for (let index = 1; index < attested!.size; index++) {
    const { bytes } = store.leaf(index)!
    const { statement } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly statement?: string }
    if (statement === undefined) continue
    const { payload } = parseSignedObject(statement, statementBytesMax)
    if (payload.type === type) found.push({ payload, bytes: bytes.length })
  }
  return found
}

/** CPU of a round with all that goes with it: its block, and what the node does besides in so much time. */
function roundCpuMs(world: ReplicaWorld): number {
  world.clock.advance(parameters.boxRoundMs)
  return cpuMs(() => world.clock.advance(roundsMeasured * parameters.boxRoundMs)) / roundsMeasured
}

// ---- rounds ----------------------------------------------------------------------------------------------------------------------

const verifyMicros = verificationMicros(2_000)
const inVerifications = (ms: number): number => Math.round((ms * 10_000) / verifyMicros) / 10
const roundOf = (ms: number) => ({ cpuMs: Math.round(ms * 10) / 10, inVerifications: inVerifications(ms) })

say('rounds with one section')
const one = loneNode()
openSections(one, 'B', 1, day)
roundCpuMs(one) // V8 compiles what is hot
const oneSection = roundCpuMs(one)
say(`rounds with ${sectionCount} sections`)
const many = loneNode()
const sections = openSections(many, 'B', sectionCount, day)
const empty = roundCpuMs(many)
for (const about of sections) {
  const leaves = Array.from({ length: leavesPerSection }, (_, i) => digest(`${about.tender.code} ${i}`))
  const node = many.replica(many.ids[0]!)
  for (const leaf of leaves) node.deposit(about, leaf, () => undefined)
}
const filled = roundCpuMs(many)
const roundBytes = entriesOf(many, 'box.round@1').map(({ bytes }) => bytes)

// ---- closes ----------------------------------------------------------------------------------------------------------------------

say(`closes over ${closeLeaves.join(', ')} leaves`)
const closing = openSections(many, 'C', closeLeaves.length, 300_000)
for (const [i, about] of closing.entries()) {
  const leaves = Array.from({ length: closeLeaves[i]! }, (_, leaf) => digest(`close ${i} ${leaf}`))
  handIn(many, about, leaves)
}
const large = roundCpuMs(many)
const isClosed = (about: Section): boolean => many.replica(many.ids[0]!).boxes.list(about) !== undefined
many.until(() => closing.every(isClosed), 'closed', 600_000)
many.settle()
const closes = entriesOf(many, 'box.close@1').map(({ payload, bytes }) => ({ leaves: payload.count, bytes }))

// ---- an opening ------------------------------------------------------------------------------------------------------------------

const { rows, source } = largeOpening()
say(`an opening of ${rows.length} bids (${source})`)
const world = loneNode()
const [host] = world.ids as [string]
const stage = new BoxStage(world, 'opening', { deadlineMs: 60_000, claimSeconds: 5 })
const bids = rows.map(({ uscc, priceWanYuan }) => stage.bid(uscc, priceWanYuan ?? '1'))
const received = cpuMs(() =>
  handIn(
    world,
    stage.about,
    bids.map(({ leaf }) => leaf),
  ),
)
stage.untilClosed()
world.clock.advance(8_000)
const tree = new SectionTree(world.replica(host).boxes.list(stage.about)!)
const reveals = bids.map((bid, i) => {
  const { index, path } = tree.find(bid.leaf)!
  const place = { member: host, receivedAt: tree.leaves[index]!.receivedAt, index, path: [...path] }
  return world.centreStatement(host, 'bid.reveal@1', `reveal ${i}`, stage.reveal(bid, place))
})
const plain = bids.map((_, i) => world.statement(host, `plain ${i}`))
const takeAll = (statements: readonly string[]): number =>
  cpuMs(() => {
    for (const statement of statements) world.submit(host, statement)
    world.settle('all are attested')
  })
const plainMs = takeAll(plain)
const revealMs = takeAll(reveals)
const { state } = world.replica(host).ledger.committed
const { owner, scheme, code } = stage.about.tender
const tally = tallyOf(state, [owner, scheme, code, ''])
if (tally.bids !== bids.length) throw new Error(`${tally.bids} bids opened, and not ${bids.length}`)

process.stdout.write(
  `${JSON.stringify({
    verificationMicros: Math.round(verifyMicros),
    verificationHere: verificationHere(),
    round: {
      bytes: { least: Math.min(...roundBytes), most: Math.max(...roundBytes) },
      oneSection: roundOf(oneSection),
      sections: sectionCount,
      empty: roundOf(empty),
      leaves: { count: sectionCount * leavesPerSection, ...roundOf(filled) },
      large: { count: sectionCount * leavesPerSection + closeLeaves.reduce((a, b) => a + b, 0), ...roundOf(large) },
    },
    closes,
    opening: {
      bids: bids.length,
      source,
      handIn: { cpuMs: Math.round(received), perLeafInVerifications: inVerifications(received / bids.length) },
      reveals: { cpuMs: Math.round(revealMs), perRevealInVerifications: inVerifications(revealMs / bids.length) },
      plainRecords: { cpuMs: Math.round(plainMs), perRecordInVerifications: inVerifications(plainMs / bids.length) },
      revealPerPlainRecord: Math.round((revealMs / plainMs) * 100) / 100,
      bytesOfAReveal: Math.round(
        entriesOf(world, 'bid.reveal@1').reduce((sum, { bytes }) => sum + bytes, 0) / bids.length,
      ),
    },
    conditions: { node: process.version, load: loadavg().map((load) => Math.round(load * 10) / 10) },
  })}\n`,
)
