/**
 * `npm run bench:lookups`: a ledger of a million records of mixed types on a real disk, executed block by block as every node does (signatures are
 * not checked: their cost has a benchmark of its own; there is no network), then look-ups by every index while nothing else runs. The same look-ups
 * are made on the way, when there are ten thousand records: what matters is the ratio. Of every record that is found all is read that an answer
 * shows. Prints one JSON object on its last line: memory as the ledger grows, and of each look-up the milliseconds, p50, p99 and the longest, at
 * both sizes, and how many times as long the larger takes.
 *
 *   npm run bench:lookups [-- --records 1000000] [--baseline 10000] [--lookups 1000]
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { recordRow } from '../../src/api/answering.ts'
import type { LedgerRecord, RecordFilter } from '../../src/api/service.ts'
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import { assembleBlock } from '../../src/chain/block.ts'
import { toBase64Url, toHex, utf8 } from '../../src/chain/bytes.ts'
import { rowName } from '../../src/chain/catalogue/register.ts'
import { encodeEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import { foundingEpoch } from '../../src/chain/epoch.ts'
import { execute, type Proposal } from '../../src/chain/execution.ts'
import { canonicalJson, type JsonObject } from '../../src/chain/json.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import { term } from '../../src/chain/numbers.ts'
import { signStatement } from '../../src/chain/statement.ts'
import { formatTime } from '../../src/chain/time.ts'
import { BlockStore } from '../../src/node/block-store.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { openLevelDisk } from '../../src/node/level-disk.ts'
import { Queries } from '../../src/node/queries.ts'
import type { Replica } from '../../src/node/replica.ts'
import { type Started, startUp } from '../../src/node/start-up.ts'
import { SystemClock } from '../../src/node/system-clock.ts'
import { VerifiedItems } from '../../src/node/verified-items.ts'
import { found } from '../simulation/founding.ts'
import { MixedTrade, type Trade } from './mixed-trade.ts'

const { values: flags } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    baseline: { type: 'string', default: '10000' },
    lookups: { type: 'string', default: '1000' },
    /** Of 128 records each. Four members under full load seal about 106 records a block (`npm run bench`). */
    'batches-per-block': { type: 'string', default: '1' },
  },
})
const recordCount = Number(flags.records)
const baselineCount = Math.min(Number(flags.baseline), recordCount)
const lookupCount = Number(flags.lookups)
const folder = fileURLToPath(new URL('../../.bench/lookups', import.meta.url))
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const { rules, members, genesis } = found(4, { legalDayMs: 1_000 }, Date.UTC(2026, 0, 1))
const log = { debug() {}, info() {}, warn: say, error: say }
const onFatal = (reason: string): never => {
  throw new Error(reason)
}
const opened = await openLevelDisk(
  { directory: join(folder, 'data'), owner: { ledger: genesis.ledger, node: members[0]!.member.node.id } },
  { log, onFatal },
)
const { disk } = opened
const cycle = new DiskCycle({}, { disk })
const store = new BlockStore({ cycle, disk, context: rules.context })
const items = new VerifiedItems(genesis.ledger)
const { ledger } = await new Promise<Started>((resolve) =>
  startUp(rules, { disk, cycle, store, read: items.read, log }, resolve),
)

const { member } = members[0]!
/** Nobody looks at who signed, only at which key it says: a key with a seed is needed where a rule itself checks a signature. */
const headOf = (kid: string): string => toBase64Url(utf8(canonicalJson({ alg: 'EdDSA', kid, typ: 'gongzheng' })))
const officeSeed = sha256(utf8('office'))
const officeKey = taggedEd25519(ed25519PublicKey(officeSeed))
const office = 'uscc:12450100498500001Y'
const signers = {
  centre: { party: member.party, head: headOf(member.centreKey) },
  office: { party: office, head: headOf(kidOf(officeKey)) },
} as const
const trade = new MixedTrade(member.party, members[1]!.member.party, office)
/** Guarantees are the longest: about 200 KB a batch. */
const recordsPerBatch = 128
const batchesPerBlock = Number(flags['batches-per-block'])
const noSignature = new Uint8Array(64)
const jws = (head: string, payload: JsonObject): string =>
  `${head}.${toBase64Url(utf8(canonicalJson(payload)))}.${toBase64Url(noSignature)}`

/** The office's key, with the word of two members. */
function registration(at: number): string {
  const roles = ['supervisor', 'guarantee-issuer', 'trading-platform']
  const request = signStatement(
    { ledger: genesis.ledger, type: 'party.key-request@1', party: office, name: '某监管局', roles },
    { tagged: officeKey, sign: (message) => ed25519Sign(officeSeed, message) },
  )
  const { party, centreKey } = members[at]!.member
  const payload = { ledger: genesis.ledger, type: 'party.register@1', party, key: `office ${at}`, request }
  return jws(headOf(centreKey), payload)
}

function statementOf({ signer, fields }: Trade, number: number): string {
  const { head, party } = signers[signer]
  return jws(head, { ledger: genesis.ledger, party, key: `mixed ${number}`, ...fields })
}

let time = ledger.committed.time
let previous = zeroDigestHex
let batchNumber = 0
let refused = 0
const rss: { readonly records: number; readonly mib: number }[] = []

function seal(proposal: Pick<Proposal, 'carried' | 'batches'>): void {
  const execution = execute(
    ledger.committed,
    { term: term(1), time, leader: member.id, ...proposal },
    rules,
    items.read,
  )
  const block = assembleBlock(execution.header, noSignature, proposal.carried, proposal.batches)
  for (const outcome of execution.outcomes.flat())
    if (outcome.kind === 'refused' && ++refused <= 5) say(JSON.stringify(outcome))
  store.putBlock(block)
  ledger.keep(block, execution)
  ledger.commit(block.id)
}

seal({
  carried: {
    election: {
      signed: { kind: 'vote', term: term(1), candidate: member.id, base: ledger.committed.block },
      signatures: [{ member: member.id, signature: noSignature }],
    },
  },
  batches: [],
})

const batchOf = (statements: readonly string[]): Batch => {
  const list = statements.map((statement) =>
    batchItem(encodeEntry({ statement, member: member.id, receivedAt: time }), false),
  )
  const header = { member: member.id, incarnation: 1, number: batchNumber++, previous }
  const batch = assembleBatch(header, list, batchMessage(rules.context, header, list), noSignature)
  previous = batch.hash
  return batch
}
const carriedNow = (): Proposal['carried'] => {
  const { size } = ledger.committed.frontier
  const cosignatures = [{ member: member.id, time: 1, signature: noSignature }]
  return size > 1 ? { attestation: { size, root: ledger.committed.root, cosignatures } } : {}
}
const durable = (): Promise<void> =>
  new Promise((resolve) => {
    cycle.whenDurable(resolve)
    cycle.flush()
  })

seal({ carried: carriedNow(), batches: [batchOf([registration(0), registration(1)])] })

let recorded = 0
let secondsFilling = 0

async function fillTo(count: number): Promise<void> {
  const begun = performance.now()
  while (recorded < count) {
    time += 500
    const batches: Batch[] = []
    while (batches.length < batchesPerBlock && recorded < count) {
      const first = recorded
      recorded = Math.min(count, first + recordsPerBatch)
      batches.push(
        batchOf(
          Array.from({ length: recorded - first }, (_, i) => statementOf(trade.next(first + i, time), first + i)),
        ),
      )
    }
    seal({ carried: carriedNow(), batches })
    await durable()
    if (recorded % 100_000 >= recordsPerBatch * batchesPerBlock && recorded !== count) continue
    rss.push({ records: recorded, mib: Math.round(process.memoryUsage.rss() / 1_048_576) })
    const seconds = secondsFilling + (performance.now() - begun) / 1000
    say(`${recorded} records, ${Math.round(recorded / seconds)}/s, ${rss.at(-1)!.mib} MiB`)
  }
  secondsFilling += (performance.now() - begun) / 1000
}

const queries = new Queries(
  { rules, member: member.id, node: member.node.id, version: 'bench' },
  {
    clock: new SystemClock(),
    signer: { publicKey: () => undefined, sign: () => undefined },
    replica: {
      epoch: foundingEpoch(rules.genesis),
      ledger,
      store,
      isBehindItself: false,
      attested: undefined,
      reportDamage: onFatal,
      reportUnreadable: onFatal,
    } as unknown as Replica,
    metrics: () => Promise.resolve(''),
  },
)
/** A look-up ends with what its answer shows of each record, which is read no sooner than it is asked for. */
const show = (record: LedgerRecord | undefined): void => {
  if (record === undefined || recordRow(record).payload === undefined) throw new Error('nothing to show')
}
const first = (filter: RecordFilter) => async (): Promise<void> => {
  const { records } = await queries.records(filter, null, 20)
  if (records.length === 0) throw new Error(`nothing for ${JSON.stringify(filter)}`)
  for (const record of records) show(record)
}
const some = async (rows: { readonly length: number } | undefined, about: string): Promise<void> => {
  if (rows === undefined || rows.length === 0) throw new Error(`nothing for ${about}`)
}
/** Any moment of the ledger so far. */
const moment = (draw: number): number => genesis.foundedAt + 2_000 + (draw % (time - genesis.foundedAt - 4_000))
/** Each draws what it asks about among all that is there. */
const kinds: Readonly<Record<string, (draw: number) => () => Promise<void> | void>> = {
  'record by index': (draw) => () => show(queries.recordByIndex(1 + (draw % recorded))),
  'tender with timeline': (draw) => first({ subject: trade.tenderSubject(draw) }),
  'tenders by code': (draw) => async () =>
    some((await queries.trade.tendersOf(trade.tenderCode(draw), null, 10)).tenders, 'a code'),
  'state now': (draw) => () => void queries.trade.instance(trade.auctionSubject(draw)),
  'state as of a day': (draw) => () => void queries.trade.instance(trade.auctionSubject(draw), moment(draw)),
  'e-guarantee now': (draw) => () => some(queries.trade.guarantee(office, trade.annualNumber(draw))?.uses && [1], 'it'),
  'e-guarantee as of a day': (draw) => () =>
    void queries.trade.guarantee(office, trade.annualNumber(draw), moment(draw)),
  'credit of a party': (draw) => () => some(queries.trade.creditOf(trade.decidedAbout(draw), 0, 20), 'credit'),
  'credit as of a day': (draw) => () => void queries.trade.creditOf(trade.decidedAbout(draw), 0, 20, moment(draw)),
  'findings of a code': () => first({ finding: 'auction.unsold-above-reserve' }),
  'findings from a day on': (draw) => first({ finding: '', from: moment(draw) }),
  'records of a region from a day on': (draw) => first({ region: '420100', from: moment(draw) }),
  'document hash': (draw) => first({ hash: trade.documentHash(draw) }),
  party: (draw) => first({ party: trade.bidder(draw) }),
  'owner and type': () => first({ owner: member.party, type: 'bid.record@1' }),
  'guarantee number': (draw) => first({ subject: rowName('guarantee', trade.issuer, trade.guaranteeNumber(draw)) }),
  'signed by a key, from a day on': (draw) => first({ kid: kidOf(officeKey), from: moment(draw) }),
}

interface Times {
  readonly p50: number
  readonly p99: number
  readonly longest: number
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function measure(): Promise<Readonly<Record<string, Times>>> {
  const milliseconds: Record<string, Times> = {}
  // What filling has left behind is none of theirs.
  collectGarbage()
  for (const [name, of] of Object.entries(kinds)) {
    const times: number[] = []
    // The first tenth does not count: what is hot is still being compiled then, at the smaller size more than at the larger.
    const uncounted = Math.ceil(lookupCount / 10)
    for (let i = 0; i < uncounted + lookupCount; i++) {
      const ask = of(Number.parseInt(toHex(sha256(utf8(`${name} ${i}`))).slice(0, 12), 16))
      const begun = performance.now()
      await ask()
      if (i >= uncounted) times.push(performance.now() - begun)
    }
    times.sort((a, b) => a - b)
    const at = (part: number): number => Math.round(times[Math.floor(times.length * part)]! * 1_000) / 1_000
    milliseconds[name] = { p50: at(0.5), p99: at(0.99), longest: Math.round(times.at(-1)! * 1_000) / 1_000 }
    say(`${recorded} records, ${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  }
  return milliseconds
}

const begunAt = performance.now()
await fillTo(baselineCount)
const baseline = await measure()
await fillTo(recordCount)
const final = await measure()
await opened.close()
const ratio = (of: 'p50' | 'p99', name: string): number =>
  Math.round((final[name]![of] / baseline[name]![of]) * 100) / 100
const lookups = Object.fromEntries(
  Object.keys(kinds).map((name) => [
    name,
    {
      [baselineCount]: baseline[name],
      [recordCount]: final[name],
      ratio: { p50: ratio('p50', name), p99: ratio('p99', name) },
    },
  ]),
)
const result = {
  records: recordCount,
  refused,
  executedPerSecond: Math.round(recordCount / secondsFilling),
  secondsInAll: Math.round((performance.now() - begunAt) / 1000),
  rssMiB: rss,
  lookups,
  ledgerTime: formatTime(time),
  conditions: { node: process.version },
}
process.stdout.write(`${JSON.stringify(result)}\n`)
