/**
 * `npm run bench:lookups`: a ledger of a million records of mixed types on a real disk, executed block by block as every node does (signatures are
 * not checked: their cost has a benchmark of its own), then look-ups by every index while nothing else runs. Prints one JSON object on its last
 * line: memory as the ledger grows, and milliseconds of each look-up, p50 and p99.
 *
 *   npm run bench:lookups [-- --records 1000000] [--lookups 2000]
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sha256 } from '#crypto'
import type { RecordFilter } from '../../src/api/service.ts'
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import { assembleBlock } from '../../src/chain/block.ts'
import { toBase64Url, toHex, utf8 } from '../../src/chain/bytes.ts'
import { rowName } from '../../src/chain/catalogue/register.ts'
import { encodeEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import { execute, type Proposal } from '../../src/chain/execution.ts'
import { canonicalJson, type JsonObject } from '../../src/chain/json.ts'
import { term } from '../../src/chain/numbers.ts'
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
import { MixedTrade } from './mixed-trade.ts'

const { values: flags } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, lookups: { type: 'string', default: '2000' } },
})
const recordCount = Number(flags.records)
const lookupCount = Number(flags.lookups)
const folder = fileURLToPath(new URL('../../.bench', import.meta.url))
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
const head = toBase64Url(utf8(canonicalJson({ alg: 'EdDSA', kid: member.centreKey, typ: 'gongzheng' })))
const trade = new MixedTrade(member.party, members[1]!.member.party)
/** Guarantees are the longest: about 200 KB a batch. */
const recordsPerBatch = 128
const batchesPerBlock = 4
const noSignature = new Uint8Array(64)
const jws = (payload: JsonObject): string =>
  `${head}.${toBase64Url(utf8(canonicalJson(payload)))}.${toBase64Url(noSignature)}`

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

const started = performance.now()
for (let done = 0; done < recordCount; ) {
  time += 500
  const batches: Batch[] = []
  while (batches.length < batchesPerBlock && done < recordCount) {
    const list = Array.from({ length: Math.min(recordsPerBatch, recordCount - done) }, (_, i) => {
      const fields = trade.next(done + i, time)
      const statement = jws({ ledger: genesis.ledger, party: member.party, key: `mixed ${done + i}`, ...fields })
      return batchItem(encodeEntry({ statement, member: member.id, receivedAt: time }), false)
    })
    const header = { member: member.id, incarnation: 1, number: batchNumber++, previous }
    const batch = assembleBatch(header, list, batchMessage(rules.context, header, list), noSignature)
    previous = batch.hash
    batches.push(batch)
    done += list.length
  }
  const { size } = ledger.committed.frontier
  const carried =
    size > 1
      ? {
          attestation: {
            size,
            root: ledger.committed.root,
            cosignatures: [{ member: member.id, time: 1, signature: noSignature }],
          },
        }
      : {}
  seal({ carried, batches })
  await new Promise<void>((resolve) => {
    cycle.whenDurable(resolve)
    cycle.flush()
  })
  if (done % 100_000 < recordsPerBatch * batchesPerBlock || done === recordCount) {
    rss.push({ records: done, mib: Math.round(process.memoryUsage.rss() / 1_048_576) })
    say(`${done} records, ${Math.round(done / ((performance.now() - started) / 1000))}/s, ${rss.at(-1)!.mib} MiB`)
  }
}
const executedPerSecond = Math.round(recordCount / ((performance.now() - started) / 1000))

const queries = new Queries(
  { rules, member: member.id, node: member.node.id, version: 'bench' },
  {
    clock: new SystemClock(),
    signer: { publicKey: () => undefined, sign: () => undefined },
    replica: {
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
const first = (filter: RecordFilter) => async (): Promise<void> => {
  const { records } = await queries.records(filter, null, 20)
  if (records.length === 0) throw new Error(`nothing for ${JSON.stringify(filter)}`)
}
/** Each draws what it asks about among all that is there. */
const kinds: Readonly<Record<string, (draw: number) => () => Promise<void> | void>> = {
  'record by index': (draw) => () => void queries.recordByIndex(1 + (draw % recordCount)),
  'tender with timeline': (draw) => first({ subject: trade.tenderSubject(draw) }),
  'tenders by code': (draw) => async () => void (await queries.trade.tendersOf(trade.tenderCode(draw), null, 10)),
  'state now': (draw) => () => void queries.trade.instance(trade.auctionSubject(draw)),
  'state as of a day': (draw) => () => void queries.trade.instance(trade.auctionSubject(draw), time - draw * 1_000),
  'document hash': (draw) => first({ hash: trade.documentHash(draw) }),
  party: (draw) => first({ party: trade.bidder(draw) }),
  'owner and type': () => first({ owner: member.party, type: 'bid.record@1' }),
  'guarantee number': (draw) => first({ subject: rowName('guarantee', trade.issuer, trade.guaranteeNumber(draw)) }),
  'signed by a key': () => first({ kid: member.centreKey }),
}
const milliseconds: Record<string, { readonly p50: number; readonly p99: number }> = {}
for (const [name, of] of Object.entries(kinds)) {
  const times: number[] = []
  for (let i = 0; i < lookupCount; i++) {
    const ask = of(Number.parseInt(toHex(sha256(utf8(`${name} ${i}`))).slice(0, 8), 16))
    const begun = performance.now()
    await ask()
    times.push(performance.now() - begun)
  }
  times.sort((a, b) => a - b)
  const at = (part: number): number => Math.round(times[Math.floor(times.length * part)]! * 100) / 100
  milliseconds[name] = { p50: at(0.5), p99: at(0.99) }
  say(`${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
}
await opened.close()
process.stdout.write(
  `${JSON.stringify({ records: recordCount, refused, executedPerSecond, rssMiB: rss, milliseconds, ledgerTime: formatTime(time), conditions: { node: process.version } })}\n`,
)
