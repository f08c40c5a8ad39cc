/** A ledger of four members at its genesis, and what a test needs to go on from there without a node: batches, proposals, points. */
import fc from 'fast-check'
import { ed25519Sign } from '#crypto'
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import type { Attestation, Carried } from '../../src/chain/block.ts'
import {
  type AckCertificate,
  type BlockRef,
  type ElectionCertificate,
  type LockCertificate,
  signableMessage,
} from '../../src/chain/certificate.ts'
import { encodeEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import { type ChainPoint, type Execution, execute, itemReader, type Proposal } from '../../src/chain/execution.ts'
import { formatFault } from '../../src/chain/fault.ts'
import { genesisState } from '../../src/chain/genesis.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { kidOf } from '../../src/chain/keys.ts'
import { leafHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { Overlay } from '../../src/chain/state.ts'
import { timeSecondsMax } from '../../src/chain/time.ts'
import { ReplicaWorld } from '../node/replica-world.ts'

const world = new ReplicaWorld(4, { cheapSignatures: true })
export const { rules, genesis } = world
export const now = world.clock.wall()
export const members: readonly string[] = world.ids
export const read = itemReader(genesis.ledger)
export const signature = (fill: number): Uint8Array => new Uint8Array(64).fill(fill)
export const statement = (key: string, value = key, signer = 'wuhan'): string => world.statement(signer, key, value)
export const centreStatement = (signer: string, type: string, key: string, fields: JsonObject): string =>
  world.centreStatement(signer, type, key, fields)

/** A fault proof: this member's seal key has voted twice in term 7. */
export function twoVotesOf(member: string): string {
  const { seal } = world.members.get(member)!.keys
  const votes = ['beijing', 'wuhan'].map((candidate) => {
    const vote = { kind: 'vote' as const, term: term(7), candidate, base: genesisBlock }
    const message = signableMessage(rules.context, vote)
    return { message, signature: ed25519Sign(seal.seed, message) }
  })
  return formatFault({ kid: kidOf(seal.publicKey), form: 'sealed', first: votes[0]!, second: votes[1]! })
}

export const genesisBlock: BlockRef = { term: term(0), height: height(0), id: 'ab'.repeat(32) }

export function genesisPoint(): ChainPoint {
  const state = new Overlay({ get: () => undefined })
  genesisState(genesis, state)
  const frontier = new TreeFrontier()
  frontier.append(leafHash(genesis.entry))
  const root = Buffer.from(frontier.root()).toString('hex')
  return { block: genesisBlock, leader: '', time: genesis.foundedAt, frontier, root, state, unattested: [] }
}

export interface BatchChange {
  readonly member?: string
  readonly incarnation?: number
  readonly number?: number
  readonly previous?: string
  readonly promised?: boolean
  readonly receivedAt?: number
  readonly entryMember?: string
}

export function batch(statements: readonly string[], change: BatchChange = {}): Batch {
  const { member = 'beijing', incarnation = 1, number = 0, previous = zeroDigestHex, promised = true } = change
  const { receivedAt = now, entryMember = member } = change
  const items = statements.map((jws) =>
    batchItem(encodeEntry({ member: entryMember, receivedAt, statement: jws }), promised),
  )
  const header = { member, incarnation, number, previous }
  return assembleBatch(header, items, batchMessage(rules.context, header, items), signature(1))
}

export function election(base: BlockRef, of = 1, candidate = 'beijing'): ElectionCertificate {
  return {
    signed: { kind: 'vote', term: term(of), candidate, base },
    signatures: members.slice(0, 3).map((member) => ({ member, signature: signature(2) })),
  }
}

/** The point after a block of a term that began before: the first block of term 1 is behind us. */
export function begun(): ChainPoint {
  return follow(genesisPoint(), { carried: { election: election(genesisBlock) } }).next
}

export function follow(
  parent: ChainPoint,
  change: Partial<Proposal>,
  under = rules,
): { execution: Execution; next: ChainPoint } {
  const proposal: Proposal = {
    term: term(1),
    time: Math.max(now, parent.time),
    leader: 'beijing',
    carried: {},
    batches: [],
    ...change,
  }
  const execution = execute(parent, proposal, under, read)
  const block = {
    term: proposal.term,
    height: execution.header.height,
    id: Buffer.from(leafHash(Buffer.from(JSON.stringify(execution.header)))).toString('hex'),
  }
  return { execution, next: { ...execution.point, block } }
}

// ── anything of the right shape ─────────────────────────────────────────────────────────────────────────────────────────────────

const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const bytes64 = fc.uint8Array({ minLength: 64, maxLength: 64 })
const natural = fc.maxSafeNat()
const member = fc.constantFrom('beijing', 'guangzhou', 'hangzhou', 'wuhan', 'xiamen')
export const anyTerm = fc.nat().map((n) => term(n))
export const anyHeight = natural.map((n) => height(n))
export const anyRef: fc.Arbitrary<BlockRef> = fc.record({ term: anyTerm, height: anyHeight, id: hex32 })
export const anyRank = fc.record({ term: anyTerm, height: anyHeight })
const signatures = fc
  .uniqueArray(fc.record({ member, signature: bytes64 }), { maxLength: 5, selector: (s) => s.member })
  .map((list) => [...list].sort((a, b) => (a.member < b.member ? -1 : 1)))

export const anyVote = fc.record({ kind: fc.constant('vote' as const), term: anyTerm, candidate: member, base: anyRef })
export const anyElection: fc.Arbitrary<ElectionCertificate> = fc.record({ signed: anyVote, signatures })
export const anyQc: fc.Arbitrary<AckCertificate> = fc.record({
  signed: fc.record({ kind: fc.constant('ack' as const), base: anyRef, block: anyRef }),
  signatures,
})
export const anyCc: fc.Arbitrary<LockCertificate> = fc.record({
  signed: fc.record({ kind: fc.constant('lock' as const), block: anyRef }),
  signatures,
})
export const anyCertificate = fc.oneof(anyQc, anyCc)
export const anyAttestation: fc.Arbitrary<Attestation> = fc.record({
  size: natural,
  root: hex32,
  cosignatures: fc
    .uniqueArray(fc.record({ member, time: fc.nat(timeSecondsMax), signature: bytes64 }), {
      maxLength: 5,
      selector: (s) => s.member,
    })
    .map((list) => [...list].sort((a, b) => (a.member < b.member ? -1 : 1))),
})
export const anyCarried: fc.Arbitrary<Carried> = fc.record(
  {
    election: anyElection,
    base: anyCertificate,
    attestation: anyAttestation,
    refounding: fc.uint8Array({ maxLength: 200 }),
  },
  { requiredKeys: [] },
)
export const anyBatch: fc.Arbitrary<Batch> = fc
  .record({
    member,
    incarnation: natural,
    number: natural,
    previous: hex32,
    items: fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.boolean()), { minLength: 1, maxLength: 5 }),
    signature: bytes64,
  })
  .map(({ items: list, signature: signed, ...header }) => {
    const items = list.map(([entry, promised]) => batchItem(entry, promised))
    const placed = header.number === 0 ? { ...header, previous: zeroDigestHex } : header
    return assembleBatch(placed, items, batchMessage(rules.context, placed, items), signed)
  })
export { bytes64, hex32, member as anyMember, natural as anyNatural }
