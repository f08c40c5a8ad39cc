/**
 * A ledger as its members would have left it, made by one who holds all their keys: blocks with every seal, certificate and cosignature, executed by
 * the rules, and the files that a node or an export serves. Fast, because nobody votes; so that audits have something to read, and liars
 * something to change.
 */
import { ed25519Sign } from '#crypto'
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../../src/chain/batch.ts'
import {
  type Attestation,
  assembleBlock,
  type Block,
  blockSealMessage,
  type Carried,
} from '../../../src/chain/block.ts'
import {
  blockBundlePath,
  blockPath,
  bundleBlocks,
  bundleOf,
  encodeBlockBundle,
} from '../../../src/chain/block-bundle.ts'
import { fromHex, toHex, utf8 } from '../../../src/chain/bytes.ts'
import { type Signable, signableMessage } from '../../../src/chain/certificate.ts'
import { cosignature, cosignatureMessage, formatCheckpoint, logSignature } from '../../../src/chain/checkpoint.ts'
import { encodeEntry, zeroDigestHex } from '../../../src/chain/entry.ts'
import { type Closing, epochAfter, genesisRef } from '../../../src/chain/epoch.ts'
import {
  type ChainPoint,
  type ChainRules,
  epochOf,
  execute,
  itemReader,
  rulesOfEpoch,
} from '../../../src/chain/execution.ts'
import { genesisState } from '../../../src/chain/genesis.ts'
import { epochPolicy, memberCosignKey, memberLogKey } from '../../../src/chain/member-policy.ts'
import { leafHash, TreeFrontier } from '../../../src/chain/merkle-tree.ts'
import { formatNote } from '../../../src/chain/note.ts'
import { height, term } from '../../../src/chain/numbers.ts'
import { formatPolicy } from '../../../src/chain/policy.ts'
import { assembleRefounding, type RefoundingTerms, refoundingMessage } from '../../../src/chain/refounding.ts'
import { Overlay, type StateReader } from '../../../src/chain/state.ts'
import { signStatement } from '../../../src/chain/statement.ts'
import { encodeEntryBundle, entriesPath, tilePath } from '../../../src/chain/tile.ts'
import { TileBuilder } from '../../../src/node/audit/tile-builder.ts'
import { type FoundedMember, found, renewed } from '../../simulation/founding.ts'

export const foundedAt = Date.UTC(2026, 0, 1)

/** The same for everybody, so that two ledgers that begin alike are alike. */
const founded = found(4, {}, foundedAt, 2)
export const { genesis } = founded
export const members = founded.members.slice(0, 4)

/** By idempotency key of a statement: the record that it becomes closes the epoch, for these. In production no record does yet. */
const closings = new Map<string, Closing>()
export const rules: ChainRules = { ...founded.rules, closing: ({ key }) => closings.get(key) }

/** Organisations with keys that may join; a member of the genesis with a new node. */
export const joiners = founded.members.slice(4)
export const renewedNode = (at: number): FoundedMember => renewed(genesis.origin, members[at]!, 1)

export interface BlockPlan {
  /** Idempotency keys; one record each. */
  readonly records: readonly string[]
  /** Index of the member that leads; another than before begins a term. */
  readonly leader?: number
  /** Seconds by which the first cosigner's clock is off. */
  readonly cosignedEarlierSeconds?: number
  /** Of the statements, to forge them. */
  readonly change?: (jws: string) => string
  /** The statements of `records` as `signedRecord` makes them, where that was done elsewhere. */
  readonly signed?: readonly string[]
}

export type Put = (path: string, bytes: Uint8Array) => void

export class MadeLedger {
  readonly files = new Map<string, Uint8Array>()
  /** All of them, unless the files go elsewhere. */
  readonly blocks: Block[] = []
  readonly #isKept: boolean
  readonly #put: Put
  readonly #rows = new Map<string, Parameters<Overlay['set']>[1]>()
  readonly #state: StateReader = { get: (name) => this.#rows.get(name) }
  readonly #read = itemReader(genesis.ledger)
  readonly #tiles: TileBuilder
  #point: ChainPoint
  #entries: Uint8Array[] = [genesis.entry]
  /** Of entries, the one that is not full yet. */
  #bundle = 0
  /** Of the last bundle, not full yet. */
  #loose: Block[] = []
  #height = 0
  /** By member: its last batch. */
  readonly #runs = new Map<string, { readonly number: number; readonly hash: string }>()
  #attestation: Attestation | undefined
  #carriedSize = 1
  #leader = 0
  #rules = rules
  #members: readonly FoundedMember[] = members

  constructor(put?: Put) {
    this.#isKept = put === undefined
    this.#put = put ?? ((path, bytes) => void this.files.set(path, bytes))
    this.#tiles = new TileBuilder([], (level, index, bytes) => this.#put(tilePath(level, index), bytes))
    const state = new Overlay({ get: () => undefined })
    genesisState(genesis, state)
    for (const [name, value] of state.writes) this.#rows.set(name, value)
    const frontier = new TreeFrontier()
    const leaf = leafHash(genesis.entry)
    frontier.append(leaf)
    this.#tiles.append(leaf)
    this.#point = {
      block: genesisRef(genesis),
      leader: '',
      time: genesis.foundedAt,
      frontier,
      root: toHex(frontier.root()),
      state: this.#state,
      unattested: [],
    }
  }

  get size(): number {
    return this.#point.frontier.size
  }

  get height(): number {
    return this.#height
  }

  /** The newest checkpoint by three members. */
  get attestation(): Attestation | undefined {
    return this.#attestation
  }

  /** One block, and before it the first of its term where a new one begins. */
  add({ records, leader = this.#leader, cosignedEarlierSeconds = 0, change, signed }: BlockPlan): this {
    if (this.#height === 0 || leader !== this.#leader) this.#begin(leader)
    const { attestation } = this
    const carried: Carried = attestation !== undefined && attestation.size > this.#carriedSize ? { attestation } : {}
    this.#carriedSize = Math.max(this.#carriedSize, carried.attestation?.size ?? 0)
    this.#seal(carried, records.length === 0 ? [] : [this.#batch(records, change, signed)])
    if (records.length > 0) this.#attest(cosignedEarlierSeconds)
    return this
  }

  /**
   * A record closes the epoch: from the next block on these are the members, led by the first of them. What the old ones attested last is the
   * closing block.
   */
  change(members: readonly FoundedMember[]): this {
    const to = [...members].sort((a, b) => (a.member.id < b.member.id ? -1 : 1))
    const key = `close ${this.#height} ${to.map(({ member }) => member.node.id).join(' ')}`
    closings.set(key, {
      members: to.map(({ member }) => member),
      ready: new Map(to.map(({ member }) => [member.node.id, height(this.#height)])),
    })
    this.add({ records: [key] })
    const { next, ...start } = this.#point
    this.#rules = rulesOfEpoch(rules, next!)
    this.#point = start
    for (const { member } of to) {
      if (!this.#members.some((before) => before.member.node.id === member.node.id)) this.#runs.delete(member.id)
    }
    this.#members = to
    this.#begin(0)
    return this
  }

  /** Governance ends the epoch, by the keys of three of its members, on what was attested last; these go on, led by the first of them. */
  refound(
    members: readonly FoundedMember[],
    change: (terms: RefoundingTerms) => RefoundingTerms = (terms) => terms,
  ): this {
    const to = [...members].sort((a, b) => (a.member.id < b.member.id ? -1 : 1))
    const epoch = epochOf(this.#rules)
    const attestation = this.#attestation!
    const { block, frontier, root } = this.#point
    const terms = change({
      ledger: genesis.ledger,
      epoch: epoch.number + 1,
      start: { block, size: frontier.size, root },
      members: to.map(({ member }) => member),
    })
    const signatures = this.#members.slice(0, epoch.quorum).map(({ member, governance }) => ({
      member: member.id,
      signature: ed25519Sign(governance.seed, refoundingMessage(terms, member.id)),
    }))
    const { bytes } = assembleRefounding(terms, attestation, signatures)
    const next = { ...epochAfter(epoch, terms.members, terms.start), refounding: bytes }
    this.#rules = rulesOfEpoch(rules, next)
    for (const { member } of to) {
      if (!this.#members.some((before) => before.member.node.id === member.node.id)) this.#runs.delete(member.id)
    }
    this.#members = to
    this.#begin(0)
    return this
  }

  /** A term of its own in which nothing is recorded. */
  lead(leader: number): this {
    this.#begin(leader)
    return this
  }

  #begin(leader: number): void {
    this.#leader = leader
    const { id } = this.#members[leader]!.member
    const base = this.#point.block
    const next = term(base.term + 1)
    const election = this.#certificate({ kind: 'vote', term: next, candidate: id, base })
    const { start, number, refounding } = epochOf(this.#rules)
    const isFirst = base.height === start.block.height
    const ended = refounding === undefined ? { attestation: this.#attestation! } : { refounding }
    if (isFirst) this.#carriedSize = this.size
    const proof = !isFirst ? { base: this.#certificate({ kind: 'lock', block: base }) } : number > 0 ? ended : {}
    this.#seal({ election, ...proof }, [], next)
  }

  #certificate<S extends Signable>(signed: S) {
    const message = signableMessage(this.#rules.context, signed)
    const signatures = this.#members
      .slice(0, epochOf(this.#rules).quorum)
      .map(({ member, keys }) => ({ member: member.id, signature: ed25519Sign(keys.seal.seed, message) }))
    return { signed, signatures }
  }

  #batch(records: readonly string[], change = (jws: string): string => jws, signed?: readonly string[]): Batch {
    const { member, keys, centre } = this.#members[this.#leader]!
    const receivedAt = this.#point.time + 500
    const items = records.map((key, at) => {
      const statement = signed?.[at] ?? signedBy({ member, centre }, key)
      return batchItem(encodeEntry({ statement: change(statement), member: member.id, receivedAt }), true)
    })
    const last = this.#runs.get(member.id)
    const number = last === undefined ? 0 : last.number + 1
    const header = { member: member.id, incarnation: 1, number, previous: last?.hash ?? zeroDigestHex }
    const message = batchMessage(this.#rules.context, header, items)
    return assembleBatch(header, items, message, ed25519Sign(keys.seal.seed, message))
  }

  #seal(carried: Carried, batches: readonly Batch[], inTerm = this.#point.block.term): void {
    const { member, keys } = this.#members[this.#leader]!
    const time = this.#point.time + 500
    const proposal = { term: inTerm, time, leader: member.id, carried, batches }
    const execution = execute(this.#point, proposal, this.#rules, this.#read)
    const { header } = execution
    const block = assembleBlock(
      header,
      ed25519Sign(keys.seal.seed, blockSealMessage(this.#rules.context, header)),
      carried,
      batches,
    )
    for (const [name, value] of execution.writes) this.#rows.set(name, value)
    execution.fold(this.#state)
    this.#point = {
      ...execution.point,
      state: this.#state,
      block: { term: header.term, height: header.height, id: block.id },
    }
    for (const { bytes, hash } of execution.leaves) this.#leaf(bytes, hash)
    for (const { member: id, hash, number } of batches) this.#runs.set(id, { number, hash })
    this.#height = header.height
    this.#keep(block)
  }

  #leaf(bytes: Uint8Array, hash: Uint8Array): void {
    this.#tiles.append(hash)
    this.#entries.push(bytes)
    if (this.#entries.length < 256) return
    this.#put(entriesPath(this.#bundle++), encodeEntryBundle(this.#entries))
    this.#entries = []
  }

  #keep(block: Block): void {
    this.#loose.push(block)
    if (this.#isKept) this.blocks.push(block)
    if (this.#loose.length < bundleBlocks) return
    this.#put(blockBundlePath(bundleOf(block.header.height)), encodeBlockBundle(this.#loose.map(({ bytes }) => bytes)))
    this.#loose = []
  }

  #attest(earlierSeconds: number): void {
    const root = this.#point.frontier.root()
    const text = formatCheckpoint({ origin: genesis.origin, size: this.size, root })
    const cosignatures = this.#members.slice(0, epochOf(this.#rules).quorum).map(({ member, keys }, i) => {
      const time = Math.floor(this.#point.time / 1000) + 1 - (i === 0 ? earlierSeconds : 0)
      return { member: member.id, time, signature: ed25519Sign(keys.cosign.seed, cosignatureMessage(time, text)) }
    })
    this.#attestation = { size: this.size, root: toHex(root), cosignatures }
  }

  /** What is there beside full tiles and bundles, for the newest checkpoint, as this member's node serves it. */
  finish(server = 0): this {
    for (const [level, { index, bytes }] of this.#tiles.edges.entries()) {
      if (bytes.length > 0) this.#put(tilePath(level, index, bytes.length / 32), bytes)
    }
    if (this.#entries.length > 0) {
      this.#put(entriesPath(this.#bundle, this.#entries.length), encodeEntryBundle(this.#entries))
    }
    for (const block of this.#loose) this.#put(blockPath(block.header.height), block.bytes)
    this.#put('v1/genesis', genesis.entry)
    this.#put('v1/policy', utf8(formatPolicy(epochPolicy(genesis, epochOf(this.#rules)))))
    if (this.#attestation !== undefined) this.#put('checkpoint', noteOf(this.#attestation, server, this.#members))
    return this
  }
}

/** The statement of a record that a block led by this member of the genesis has. */
export const signedRecord = (key: string, leader: number): string => signedBy(members[leader]!, key)

const signedBy = ({ member, centre }: Pick<FoundedMember, 'member' | 'centre'>, key: string): string =>
  signStatement(
    { ...fieldsOf(key), ledger: genesis.ledger, party: member.party },
    { tagged: centre.publicKey, sign: (message) => ed25519Sign(centre.seed, message) },
  )

/** A checkpoint note: the attestation's cosignatures under the log line of one member's node. */
export function noteOf(
  { size, root, cosignatures }: Attestation,
  server = 0,
  of: readonly FoundedMember[] = members,
): Uint8Array {
  const text = formatCheckpoint({ origin: genesis.origin, size, root: fromHex(root)! })
  const { member, keys } = of[server]!
  const lines = cosignatures.map((each) =>
    cosignature(
      memberCosignKey(genesis, of.find(({ member: { id } }) => id === each.member)!.member),
      each.time,
      each.signature,
    ),
  )
  const log = logSignature(memberLogKey(genesis, member), ed25519Sign(keys.log.seed, utf8(text)))
  return utf8(formatNote({ text, signatures: [log, ...lines] }))
}

const fieldsOf = (key: string) => ({
  type: 'attest.hash@1',
  key,
  subject: 'document',
  hash: { algorithm: 'sha256', value: 'c0'.repeat(32) },
  mediaType: 'application/pdf',
  source: {
    system: 'test',
    operator: 'role:clerk',
    method: 'export',
    software: 'test 1',
    occurredAt: '2026-01-01T09:30:00+08:00',
  },
})
