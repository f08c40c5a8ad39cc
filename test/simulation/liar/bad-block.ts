/** Blocks under a good seal that no honest node may take: one entry for each rule that a leader can break by its bytes alone. */
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../../src/chain/batch.ts'
import {
  assembleBlock,
  type Block,
  type BlockHeader,
  type Carried,
  carriedDigest,
  decodeBlock,
} from '../../../src/chain/block.ts'
import type { Catalogue } from '../../../src/chain/catalogue/catalogue.ts'
import { CborError, encodeCbor } from '../../../src/chain/cbor.ts'
import { encodeEntry, zeroDigestHex } from '../../../src/chain/entry.ts'
import { execute, itemReader, runOf } from '../../../src/chain/execution.ts'
import type { Height, Term } from '../../../src/chain/numbers.ts'
import { Refusal } from '../../../src/chain/refusal.ts'
import type { MemberId } from '../../../src/node/ports.ts'
import type { WireMessage } from '../../../src/node/wire.ts'
import { resealed } from './forge.ts'
import type { Liar, Lie } from './liar.ts'

type Make = (liar: Liar, good: Block) => Uint8Array | undefined

const header =
  (change: (header: BlockHeader, liar: Liar) => Partial<BlockHeader>): Make =>
  (liar, good) => {
    const changed = { ...good.header, ...change(good.header, liar) }
    return resealed(liar, changed, good.carried, good.batches).bytes
  }

const carrying =
  (change: (carried: Carried, liar: Liar) => Carried | undefined): Make =>
  (liar, good) => {
    const carried = change(good.carried, liar)
    return carried === undefined ? undefined : resealed(liar, good.header, carried, good.batches).bytes
  }

/** Executed like a good one where that is possible, so that nothing is wrong but the batches, or by which rules they are judged. */
const holding =
  (batches: (liar: Liar, good: Block) => readonly Batch[], catalogue?: Partial<Catalogue>): Make =>
  (liar, good) => {
    const chosen = batches(liar, good)
    const { term, time, leader } = good.header
    const parent = liar.point(good.header.parent)
    let { header: made } = good
    try {
      const { rulesNow } = liar.world
      const rules = { ...rulesNow, catalogue: { ...rulesNow.catalogue, ...catalogue } }
      const proposal = { term, time, leader, carried: good.carried, batches: chosen }
      if (parent !== undefined) made = execute(parent, proposal, rules, itemReader(rules.genesis.ledger)).header
    } catch {
      // what nobody can execute has no size and root of its own
    }
    return resealed(liar, made, good.carried, chosen).bytes
  }

interface BatchChange {
  readonly member?: MemberId
  readonly number?: number
  readonly incarnation?: number
  readonly previous?: string
}

/** One is left out of the run that stands, or of the beginning of a new one: two checks, and a liar that knows one trick shows one. */
function gap(liar: Liar, good: Block): BatchChange {
  const parent = liar.point(good.header.parent)
  const run = parent === undefined ? undefined : runOf(parent.state, liar.id)
  if (run === undefined || liar.chance(300)) return { number: 3 }
  return { incarnation: run.incarnation, number: run.number + 2, previous: run.hash }
}

function batchOf(liar: Liar, entries: readonly Uint8Array[], change: BatchChange = {}): Batch {
  const { replica, world } = liar
  const run = replica === undefined ? undefined : runOf(replica.ledger.committed.state, liar.id)
  // A later start of this node: the first batch of a new run is always next.
  const head = {
    member: liar.id,
    incarnation: (run?.incarnation ?? 0) + 1,
    number: 0,
    previous: zeroDigestHex,
    ...change,
  }
  const items = entries.map((entry) => batchItem(entry, true))
  const message = batchMessage(world.rulesNow.context, head, items)
  return assembleBatch(head, items, message, liar.sign('seal', message))
}

function entryOf(liar: Liar, { member = liar.id, aheadMs = 0, statement = '' } = {}): Uint8Array {
  const { world } = liar
  const receivedAt = world.clock.wall() + aheadMs
  return encodeEntry({
    member,
    receivedAt,
    statement: statement || world.statement(liar.id, `lie ${liar.random.below(50)}`),
  })
}

function unsigned(liar: Liar): string {
  const parts = liar.world.statement(liar.id, 'unsigned').split('.')
  parts[2] = Buffer.from(new Uint8Array(64).fill(1)).toString('base64url')
  return parts.join('.')
}

const someRoot = (liar: Liar): string => Buffer.from(liar.random.bytes(32)).toString('hex')

const kinds: Readonly<Record<string, Make>> = {
  'wrong root': header((_, liar) => ({ root: someRoot(liar) })),
  'wrong size': header(({ size }) => ({ size: size + 1 })),
  'wrong parent': header((_, liar) => ({ parent: someRoot(liar) })),
  'grandparent as parent': header(({ parent }, liar) => ({
    parent: liar.known.blocks.get(parent)?.header.parent ?? someRoot(liar),
  })),
  'wrong height': header(({ height }) => ({ height: (height + 1) as Height })),
  'wrong epoch': header(({ epoch }) => ({ epoch: epoch + 1 })),
  'another term': header(({ term }, liar) => ({ term: (term + liar.random.below(3) + 1) as Term })),
  'time decreases': (liar, good) => {
    const parent = liar.point(good.header.parent)
    return parent && resealed(liar, { ...good.header, time: parent.time - 1 }, good.carried, good.batches).bytes
  },
  'far in the future': header(({ time }) => ({ time: time + 3_600_000 })),
  'just too early': header(({ time }, liar) => ({ time: time + liar.world.genesis.parameters.clockAheadMs + 300 })),
  'too late': header(({ time }, liar) => ({ time: time - liar.world.genesis.parameters.clockLatenessMs - 1_000 })),
  'another leader': header((_, liar) => ({ leader: liar.pick(liar.others) })),
  'bad seal': (_, good) => assembleBlock(good.header, new Uint8Array(64).fill(1), good.carried, good.batches).bytes,
  'other batches than named': (liar, good) =>
    assembleBlock(good.header, good.seal, good.carried, [batchOf(liar, [entryOf(liar)])]).bytes,
  'malformed item': holding((liar) => [batchOf(liar, [Buffer.from('{"member":"nobody"}')])]),
  'unsigned statement': holding((liar) => [batchOf(liar, [entryOf(liar, { statement: unsigned(liar) })])]),
  'entry of another member': holding((liar) => [batchOf(liar, [entryOf(liar, { member: liar.pick(liar.others) })])]),
  'batch of another member': holding((liar) => {
    const member = liar.pick(liar.others)
    return [batchOf(liar, [entryOf(liar, { member })], { member, incarnation: 1_000 })]
  }),
  'a record that the rules refuse': holding(
    (liar) => [
      batchOf(liar, [
        entryOf(liar, { statement: liar.world.refusedStatement(liar.id, `raise ${liar.random.below(50)}`) }),
      ]),
    ],
    { check: () => undefined, apply: () => undefined },
  ),
  'a refusal of what the rules accept': holding(
    (liar) => [
      batchOf(liar, [
        entryOf(liar, { statement: liar.world.statement(liar.id, `sound ${liar.random.below(1_000_000)}`) }),
      ]),
    ],
    {
      check() {
        throw new Refusal('auction.wrong-state', 'a lie')
      },
    },
  ),
  'batch out of sequence': holding((liar, good) => [batchOf(liar, [entryOf(liar)], gap(liar, good))]),
  'batch of an old start': holding((liar) => [batchOf(liar, [entryOf(liar)], { incarnation: 0 })]),
  'the same batch twice': holding((liar, { batches }) => {
    const batch = batches[0] ?? batchOf(liar, [entryOf(liar)])
    return [batch, batch]
  }),
  'receivedAt decreases': holding((liar) => [batchOf(liar, [entryOf(liar), entryOf(liar, { aheadMs: -1 })])]),
  'not empty': (liar, good) => good.carried.election && holding(() => [batchOf(liar, [entryOf(liar)])])(liar, good),
  'too many batches': holding((liar) => Array.from({ length: 257 }, () => batchOf(liar, [entryOf(liar)]))),
  'too large': (liar, good) => {
    const batch = batchOf(liar, [new Uint8Array(200_000)])
    const bytes = encodeCbor([1, [], good.seal, [], Array.from({ length: 5 }, () => batch.bytes)])
    return bytes
  },
  'no election': carrying(({ election }) => (election === undefined ? undefined : {})),
  'no base': carrying(({ election, base }) =>
    base === undefined || election === undefined ? undefined : { election },
  ),
  'short election': carrying((carried) => {
    const { election } = carried
    return election && { ...carried, election: { ...election, signatures: election.signatures.slice(1) } }
  }),
  'old election': carrying((carried, liar) => {
    const election = liar.known.elections.find(({ signed }) => signed.term !== carried.election?.signed.term)
    return election && { ...carried, election }
  }),
  'stray base': carrying((carried, liar) => {
    const base = liar.known.certificates[0]
    return base && { ...carried, base }
  }),
  'attestation out of the air': carrying((carried, liar) => ({
    ...carried,
    attestation: { size: 1_000, root: someRoot(liar), cosignatures: [] },
  })),
  'old attestation': carrying((carried, liar) => {
    const [attestation] = liar.known.attestations
    return attestation && { ...carried, attestation }
  }),
  'other certificates than named': (_, good) =>
    carriedDigest(good.carried) === carriedDigest({})
      ? undefined
      : assembleBlock(good.header, good.seal, {}, good.batches).bytes,
}

const badBlocks = Object.keys(kinds)

/** Untimely is an opinion (rule 10); and some come out right by chance: an election of more than q votes, a certificate that fits after all. */
const perhapsValid = new Set([
  'far in the future',
  'just too early',
  'too late',
  'batch of an old start',
  'short election',
  'stray base',
  'old attestation',
])

export class BadBlock implements Lie {
  readonly #liar: Liar

  constructor(liar: Liar) {
    this.#liar = liar
  }

  says(to: MemberId, message: WireMessage): WireMessage | undefined {
    const liar = this.#liar
    if (message.kind !== 'block' || !liar.chance(350)) return message
    const good = liar.known.block(message.block)
    if (good.header.leader !== liar.id) return message
    const name = liar.pick(badBlocks)
    const bytes = kinds[name]!(liar, good)
    if (bytes === undefined) return message
    liar.strike('bad-block')
    liar.strike(`bad-block ${name}`)
    if (!perhapsValid.has(name)) this.#tellTheWorld(name, good, bytes)
    // Before the good one, or instead of it.
    if (liar.chance(300)) return { kind: 'block', block: bytes }
    liar.say(to, { kind: 'block', block: bytes })
    return message
  }

  /** By its id, where that is not the good one's: then only what is around the header is wrong, and is refused before it has a name. */
  #tellTheWorld(name: string, good: Block, bytes: Uint8Array): void {
    const { world } = this.#liar
    try {
      const { id } = decodeBlock(bytes, world.rulesNow.context)
      if (id !== good.id) world.invalid.set(id, name)
    } catch (error) {
      if (!(error instanceof CborError)) throw error // what cannot be read at all has no id either
    }
  }
}
