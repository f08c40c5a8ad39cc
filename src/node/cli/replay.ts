/**
 * `replay`: everything a stopped node has stored, done again from the genesis: every block read and hashed, every signature checked, every
 * statement executed, on a ledger in memory; then what the disk says of the same height is compared — head, size, root, and the
 * running sum over state, tree and indexes. Writes no row; opening lets LevelDB tidy
 * its own files as at every start. Holds what is derived in memory, about a kilobyte for each record.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Attestation } from '../../chain/block.ts'
import { equalBytes, toHex } from '../../chain/bytes.ts'
import { CborError } from '../../chain/cbor.ts'
import { InvalidBlock, UnknownRules } from '../../chain/execution.ts'
import type { Genesis } from '../../chain/genesis.ts'
import { rootOf } from '../../chain/merkle-tree.ts'
import { height } from '../../chain/numbers.ts'
import { Refusal } from '../../chain/refusal.ts'
import { type Applied, BlockStore } from '../block-store.ts'
import { homeFiles, loadGenesis, parseConfiguration, rulesOf } from '../configuration.ts'
import { DiskCycle } from '../disk-cycle.ts'
import { DamagedStore, DiskReadFailed } from '../disk-failure.ts'
import { decodeHeadFile } from '../durable-state.ts'
import { openLevelDisk } from '../level-disk.ts'
import { MemoryMedium } from '../memory-disk.ts'
import type { Disk, Log, Verifier } from '../ports.ts'
import { nextLedger, type Started, startUp } from '../start-up.ts'
import { VerifiedItems } from '../verified-items.ts'
import { VerifierPool } from '../verifier-pool.ts'
import { Vouching } from '../vouching.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readText } from './files.ts'
import { both } from './language.ts'
import { columns, type Terminal } from './terminal.ts'

export interface ReplayOptions {
  readonly home: string
}

export async function replay({ home }: ReplayOptions, terminal: Terminal): Promise<ExitCode> {
  const { member } = parseConfiguration(readText(join(home, homeFiles.configuration)))
  const genesis = await loadGenesis(home)
  const self = genesis.members.find(({ id }) => id === member)
  if (self === undefined) throw new Refusal('configuration.not-a-member', member)
  const directory = join(home, homeFiles.data)
  // Opening would make an empty one.
  if (!existsSync(join(directory, 'disk-marker'))) throw new Refusal('replay.empty', directory)

  const log = remarksOf(terminal)
  const failures = new Failures()
  const opened = await openLevelDisk(
    { directory, owner: { ledger: genesis.ledger, node: self.node.id } },
    { log, onFatal: failures.fail },
  )
  const verifier = new VerifierPool({}, { log, onFatal: failures.fail })
  try {
    const replayed = await failures.unless(replayDisk(genesis, { disk: opened.disk, verifier, log }, terminal))
    const { applied, records, blocks, uncommitted, attested } = replayed
    terminal.say(both(`重放完成：${blocks} 个区块全部一致`, `Replayed: ${blocks} blocks, everything agrees`))
    terminal.say(
      columns([
        [terminal.text(both('指纹', 'Fingerprint')), genesis.fingerprint],
        [terminal.text(both('区块高度', 'Height')), String(applied.block.height)],
        [terminal.text(both('区块标识', 'Block id')), applied.block.id],
        [terminal.text(both('条目数', 'Size')), String(applied.size)],
        [terminal.text(both('其中记录', 'Records')), String(records)],
        [terminal.text(both('根哈希', 'Root')), applied.root],
        [terminal.text(both('状态校验和', 'State sum')), toHex(applied.sum)],
        [terminal.text(both('未提交区块', 'Uncommitted blocks')), String(uncommitted)],
        [terminal.text(both('最新共证规模', 'Newest attestation')), attested === undefined ? '—' : String(attested)],
      ]),
    )
    terminal.json({
      ok: true,
      ledger: genesis.ledger,
      fingerprint: genesis.fingerprint,
      blocks,
      records,
      uncommittedBlocks: uncommitted,
      head: { height: applied.block.height, term: applied.block.term, id: applied.block.id },
      size: applied.size,
      root: applied.root,
      stateSum: toHex(applied.sum),
      attestedSize: attested ?? null,
    })
    return exitCode.done
  } finally {
    await verifier.stop()
    await opened.close()
  }
}

interface ReplayDependencies {
  readonly disk: Disk
  readonly verifier: Verifier
  readonly log: Log
}

interface Replayed {
  readonly applied: Applied
  /** Blocks executed, uncommitted ones included, without the genesis. */
  readonly blocks: number
  readonly records: number
  readonly uncommitted: number
  readonly attested: number | undefined
}

async function replayDisk(
  genesis: Genesis,
  { disk, verifier, log }: ReplayDependencies,
  terminal: Terminal,
): Promise<Replayed> {
  const rules = rulesOf(genesis)
  const { context } = rules
  const stored = new BlockStore({ cycle: new DiskCycle({}, { disk }), disk, context })
  const applied = storedApplied(stored)
  if (!equalBytes(stored.blockBytes(height(0)) ?? new Uint8Array(), genesis.entry)) {
    throw no('replay.block-damaged', '0')
  }
  const last = watermark(disk, applied, log)

  // The same start-up that founds a node founds the ledger of the replay, on a disk in memory.
  const items = new VerifiedItems(context.ledger)
  const memory = new MemoryMedium().open({ defer: setImmediate, onFatal: (reason) => log.error(reason) })
  const cycle = new DiskCycle({}, { disk: memory })
  const store = new BlockStore({ cycle, disk: memory, context })
  let { ledger } = await new Promise<Started>((resolve) =>
    startUp(rules, { disk: memory, cycle, store, read: items.read, log }, resolve),
  )
  let vouching = new Vouching(ledger.rules, { verifier, items })
  const progress = terminal.progress(both('重放', 'Replaying'), last)
  let records = 0
  let again = store.applied()!
  try {
    for (let at = 1; at <= last; at++) {
      if (
        ledger.committed.next?.start.block.height === at - 1 &&
        stored.block(height(at))?.header.epoch !== ledger.rules.context.epoch
      ) {
        ledger = nextLedger(ledger, { store, read: items.read })
        vouching = new Vouching(ledger.rules, { verifier, items })
      }
      const block = await checkedBlock(stored, at, vouching)
      try {
        records += ledger.check(block).execution.leaves.filter(({ kind }) => kind === 'record').length
      } catch (error) {
        if (error instanceof InvalidBlock) throw no('replay.invalid', `${at}: ${error.message}`)
        if (error instanceof UnknownRules) throw no(error.code, error.message)
        throw error
      }
      if (at <= applied.block.height) {
        ledger.commit(block.id)
        if (at === applied.block.height) again = store.applied()!
        cycle.flush()
      }
      progress.update(at)
    }
  } finally {
    progress.end()
  }
  compare(applied, again)
  await compareRows(stored, applied)
  const attested = await newestAttested(stored, store, again, vouching)
  return { applied, blocks: last, records, uncommitted: Math.max(0, last - applied.block.height), attested }
}

/** Where the stored state says it stands. */
function storedApplied(store: BlockStore): Applied {
  let applied: Applied | undefined
  try {
    applied = store.applied()
  } catch (error) {
    if (!isUnreadable(error)) throw error
    throw no('replay.differs', error.message)
  }
  if (applied === undefined) throw no('replay.differs', 'no applied height')
  return applied
}

/** Up to here blocks were promised; what lies above is a crash tail, which the next start drops. */
function watermark(disk: Disk, applied: Applied, log: Log): number {
  const { head } = disk.slots()
  try {
    if (head.kind === 'intact') return Math.max(applied.block.height, decodeHeadFile(head.bytes).last.height)
    log.error(`head.slot: ${head.kind}`)
  } catch (error) {
    if (!isUnreadable(error)) throw error
    log.error(`head.slot: ${error.message}`)
  }
  return applied.block.height
}

/** Bytes that are not what a node of this version writes, or that the disk does not give back. */
const isUnreadable = (error: unknown): error is Error =>
  error instanceof CborError || error instanceof RangeError || isDamage(error)

const isDamage = (error: unknown): error is Error => error instanceof DamagedStore || error instanceof DiskReadFailed

/** The block as it is stored, once its seal, its certificates, its batches and every statement in it have been found well signed. */
async function checkedBlock(store: BlockStore, at: number, vouching: Vouching) {
  let block: ReturnType<BlockStore['block']>
  try {
    block = store.block(height(at))
  } catch (error) {
    if (!isDamage(error)) throw error
    throw no('replay.block-damaged', `${at}: ${error.message}`)
  }
  if (block === undefined) throw no('replay.block-damaged', `${at}: missing`)
  const isSealed = await new Promise<boolean>((done) => vouching.check(vouching.checksOfBlock(block), done))
  if (!isSealed) throw no('replay.invalid', `${at}: a signature of a member`)
  const areSigned = await new Promise<boolean>((done) => vouching.checkItems(block.batches, done))
  if (!areSigned) throw no('replay.invalid', `${at}: a statement or its signature`)
  return block
}

function compare(applied: Applied, again: Applied): void {
  const pairs: [string, string, string][] = [
    ['height', String(applied.block.height), String(again.block.height)],
    ['block', applied.block.id, again.block.id],
    ['size', String(applied.size), String(again.size)],
    ['root', applied.root, again.root],
    ['sum', toHex(applied.sum), toHex(again.sum)],
  ]
  const differing = pairs.filter(([, stored, replayed]) => stored !== replayed)
  if (differing.length === 0) return
  throw no('replay.differs', differing.map(([name, stored, replayed]) => `${name}: ${stored} ≠ ${replayed}`).join('; '))
}

/** The sum beside the applied height agrees; now that the rows on the disk add up to it. */
async function compareRows(store: BlockStore, applied: Applied): Promise<void> {
  const sum = await new Promise<Uint8Array | undefined>((resolve) => store.recount(resolve))
  if (sum === undefined) throw no('replay.differs', 'rows: not all of them can be read')
  if (!equalBytes(sum, applied.sum)) throw no('replay.differs', `rows: ${toHex(sum)} ≠ ${toHex(applied.sum)}`)
}

/** The newest stored attestation within the replayed tree is over its root, and signed by a quorum. */
async function newestAttested(
  stored: BlockStore,
  replayed: BlockStore,
  applied: Applied,
  vouching: Vouching,
): Promise<number | undefined> {
  const newest = await new Promise<readonly Attestation[]>((resolve) => stored.newestAttestations(resolve))
  const attestation = newest.find(({ size }) => size <= applied.size)
  if (attestation === undefined) return undefined
  const root = toHex(rootOf(attestation.size, replayed.hashReader(applied.size)))
  const isSigned = await new Promise<boolean>((done) => vouching.check(vouching.checksOfAttestation(attestation), done))
  if (root !== attestation.root || !isSigned) throw no('replay.invalid', `attestation of size ${attestation.size}`)
  return attestation.size
}

/** A disk or a verifier that gives up says so from the side; whoever waits for its answer must not wait for ever. */
class Failures {
  readonly #failed: Promise<never>
  fail: (reason: string) => void = () => undefined

  constructor() {
    this.#failed = new Promise((_, reject) => {
      this.fail = (reason) => reject(new Refusal('disk.unreadable', reason))
    })
    this.#failed.catch(() => undefined)
  }

  unless<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([work, this.#failed])
  }
}

const no = (code: string, detail: string): CommandFailure => new CommandFailure(code, detail, exitCode.refused)

function remarksOf(terminal: Terminal): Log {
  const remark = (event: string, fields?: object): void =>
    terminal.remark(fields === undefined ? event : `${event} ${JSON.stringify(fields)}`)
  return { debug: () => undefined, info: () => undefined, warn: remark, error: remark }
}
