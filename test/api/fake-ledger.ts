/**
 * A ledger of one process behind api/service.ts, small and honest: a real tree, real statements and signatures, real checkpoints and
 * proofs, and no consensus — whatever is submitted is in at once, one block each, and q of four members cosign it. A test chooses how
 * the next submissions end. What the API does with views is tested against this; what a node does is tested elsewhere.
 */
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import type {
  AsOf,
  BoxLookups,
  EpochView,
  FaultView,
  InclusionProof,
  LedgerRecord,
  PartyView,
  PlainSubmission,
  Receipt,
  RecordFilter,
  RecordPage,
  Service,
  StatementStanding,
  Status,
  Submission,
  SubmitOptions,
  TradeLookups,
} from '../../src/api/service.ts'
import { encodeBlockBundle } from '../../src/chain/block-bundle.ts'
import { fromUtf8, toBase64, toHex, utf8 } from '../../src/chain/bytes.ts'
import { catalogueOf, knownTypeNames } from '../../src/chain/catalogue/catalogue.ts'
import type { Subjects } from '../../src/chain/catalogue/statement-type.ts'
import {
  cosignature,
  cosignatureMessage,
  cosignerVerifierKey,
  formatCheckpoint,
  logMessage,
  logSignature,
  logVerifierKey,
} from '../../src/chain/checkpoint.ts'
import { encodeEntry, encodeRefusalEntry } from '../../src/chain/entry.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { jsonRefusals } from '../../src/chain/json.ts'
import { kidOf, taggedEd25519, verifySignature } from '../../src/chain/keys.ts'
import { consistencyPath, inclusionPath, leafHash, rootOf, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { formatNote, formatVerifierKey, parseNote } from '../../src/chain/note.ts'
import { formatPolicy } from '../../src/chain/policy.ts'
import { formatProofFile } from '../../src/chain/proof-file.ts'
import { Refusal, type RefusalTexts } from '../../src/chain/refusal.ts'
import { parseStatement, type Statement, signStatement, statementRefusals } from '../../src/chain/statement.ts'
import { encodeEntryBundle, tileBytes, tileWidth } from '../../src/chain/tile.ts'
import { formatTime } from '../../src/chain/time.ts'

const origin = 'gongzheng.example/00112233445566778899aabbccddeeff'
const memberIds = ['beijing', 'guangzhou', 'hangzhou', 'wuhan'] as const

function keyFromSeed(name: string) {
  const seed = sha256(utf8(name))
  const tagged = taggedEd25519(ed25519PublicKey(seed))
  return { tagged, kid: kidOf(tagged), sign: (message: Uint8Array) => ed25519Sign(seed, message) }
}

const catalogue = catalogueOf(knownTypeNames)

/** Nothing for what a test put there that is no whole payload of its type. */
function aboutOf(kind: LedgerRecord['kind'], type: string, payload: JsonObject): Subjects {
  const nothing = { parties: [] }
  try {
    return (kind === 'record' ? catalogue.typeOf(type)?.subjects(payload) : undefined) ?? nothing
  } catch {
    return nothing
  }
}

const genesisBytes = utf8('{"genesis":{"name":"gongzheng.example","version":1}}')
export const ledgerId = toHex(sha256(genesisBytes))

export const submitter = { party: 'uscc:914403001922038216', key: keyFromSeed('submitter') }
export const centre = { party: 'uscc:91440400192548256N', key: keyFromSeed('centre') }

let statementCount = 0

/** A statement that this ledger takes, signed; every call makes another one. */
export function statement(fields: JsonObject = {}): string {
  statementCount += 1
  const common = { ledger: ledgerId, type: 'attest.hash@1', party: submitter.party, key: `key-${statementCount}` }
  return signStatement({ ...common, hash: toHex(sha256(utf8(`document ${statementCount}`))), ...fields }, submitter.key)
}

export const fakeTypes = [
  {
    name: 'attest.hash@1',
    from: 0,
    inForce: true,
    schema: { type: 'object', properties: { key: { type: 'string' }, hash: { type: 'string' } } },
  },
  {
    name: 'bid.record@1',
    from: 0,
    inForce: true,
    schema: {
      type: 'object',
      properties: {
        party: { type: 'string' },
        tender: { type: 'object', properties: { owner: { type: 'string' }, code: { type: 'string' } } },
        bidders: { type: 'array' },
        count: { type: 'integer' },
      },
    },
  },
] as const satisfies ReturnType<Service['types']>

const fakeTexts: RefusalTexts = {
  ...jsonRefusals,
  ...statementRefusals,
  'sealed.too-early': {
    zh: { title: '开标前不得公开', cause: '区块时间早于开标时间。', remedy: '请在开标后提交。' },
    en: {
      title: 'Sealed until the opening',
      cause: 'Block time is before the opening.',
      remedy: 'Submit after the opening.',
    },
  },
}

/** 2026-03-16T09:30:00+08:00 */
const startOfTime = Date.UTC(2026, 2, 16, 1, 30)

export class FakeLedger implements Service {
  /** How submissions end from now on. */
  ending: 'attested' | 'replicated' | 'accepted' | 'refused-later' | 'full' | 'broken' | 'never' = 'attested'
  hindrances: string[] = []
  role: Status['role'] = 'leader'
  /** Options of the last submission, as the API made them. */
  lastOptions: SubmitOptions | undefined
  lastPlain: PlainSubmission | undefined
  /** Steps in which lists were asked for. */
  readonly pagesAsked: { readonly cursor: string | null; readonly limit: number }[] = []

  readonly #records: LedgerRecord[] = []
  readonly #tree = new TreeFrontier()
  readonly #hashes = new Map<string, Uint8Array>()
  readonly #attestedSizes: number[] = []
  readonly #byStatement = new Map<string, number>()
  readonly #byKey = new Map<string, string>()
  readonly #standings = new Map<string, StatementStanding>()
  readonly #listeners = new Set<(size: number) => void>()
  #height = 0

  constructor() {
    this.#append('genesis', 'genesis', genesisBytes, { party: null, payload: { genesis: { version: 1 } } })
    this.#attest()
  }

  get size(): number {
    return this.#tree.size
  }

  get listenerCount(): number {
    return this.#listeners.size
  }

  async submit(jws: string, options: SubmitOptions): Promise<Submission> {
    this.lastOptions = options
    if (this.ending === 'broken') throw new Error('the disk of test is on fire')
    if (this.ending === 'full') return refused('node.overloaded', 'too many statements are waiting')
    if (this.ending === 'never') {
      await new Promise((_resolve, reject) => {
        options.signal?.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError')))
      })
    }
    let parsed: Statement
    try {
      parsed = parseStatement(jws, ledgerId)
      if (!verifySignature(parsed.signingKey, parsed.message, parsed.signature))
        throw new Refusal('statement.bad-signature')
    } catch (error) {
      if (error instanceof Refusal)
        return { kind: 'refused', code: error.code, detail: error.message, fields: error.fields }
      throw error
    }
    const known = this.#byStatement.get(parsed.id)
    if (known !== undefined) {
      return {
        kind: 'done',
        record: this.#records[known]!,
        proof: (await this.proof(known))!,
        receipt: null,
        duplicate: true,
      }
    }
    const keyOwner = this.#byKey.get(`${parsed.party} ${parsed.key}`)
    if (keyOwner !== undefined && keyOwner !== parsed.id)
      return refused('statement.key-reused', `the key ${parsed.key} is used`)
    const receipt = this.#receipt(parsed.id)
    if (this.ending === 'accepted') {
      this.#standings.set(parsed.id, { kind: 'pending', status: 'accepted', receipt })
      return { kind: 'pending', statementId: parsed.id, status: 'accepted', receipt }
    }
    if (this.ending === 'refused-later') {
      const code = 'sealed.too-early'
      const entry = encodeRefusalEntry({ statement: parsed.id, member: 'guangzhou', receivedAt: this.now, code })
      this.#append('refusal', 'refusal', entry, { party: null, payload: JSON.parse(fromUtf8(entry)) as JsonObject })
      const index = this.#attest() - 1
      this.#standings.set(parsed.id, { kind: 'refused', index, code })
      return { kind: 'refusal-record', record: this.#records[index]!, code, receipt }
    }
    this.#height += 1
    this.#append('system', 'system.block', utf8(`{"system":{"height":${this.#height}}}`), {
      party: null,
      payload: { system: { height: this.#height } },
    })
    const entry = encodeEntry({ member: 'guangzhou', receivedAt: this.now, statement: jws })
    const index = this.#append('record', parsed.type, entry, {
      party: parsed.party,
      payload: parsed.payload,
      id: parsed.id,
    })
    this.#byStatement.set(parsed.id, index)
    this.#byKey.set(`${parsed.party} ${parsed.key}`, parsed.id)
    if (this.ending === 'replicated') return { kind: 'pending', statementId: parsed.id, status: 'replicated', receipt }
    this.#attest()
    return { kind: 'done', record: this.#records[index]!, proof: (await this.proof(index))!, receipt, duplicate: false }
  }

  async submitPlain(plain: PlainSubmission, options: SubmitOptions): Promise<Submission> {
    this.lastPlain = plain
    const { type, key, fields } = plain
    return this.submit(
      signStatement({ ledger: ledgerId, type, party: centre.party, key, ...fields }, centre.key),
      options,
    )
  }

  /** Cosigns what is in. */
  attest(): void {
    this.#attest()
  }

  asOf(): AsOf {
    return { size: this.size, root: toBase64(this.#tree.root()), height: this.#height }
  }

  standing(statementId: string): StatementStanding {
    const index = this.#byStatement.get(statementId)
    return this.#standings.get(statementId) ?? (index === undefined ? { kind: 'unknown' } : { kind: 'record', index })
  }

  recordByIndex(index: number): LedgerRecord | undefined {
    return this.#records[index]
  }

  recordByStatement(statementId: string): LedgerRecord | undefined {
    const index = this.#byStatement.get(statementId)
    return index === undefined ? undefined : this.#records[index]
  }

  async proof(index: number, size?: number): Promise<InclusionProof | undefined> {
    const against = this.#attestedSizes.find((attested) => (size === undefined ? attested > index : attested === size))
    if (against === undefined) return undefined
    const note = this.#note(against, 3)
    const path = inclusionPath(index, against, this.#read)
    return {
      index,
      size: against,
      leafHash: this.#read(0, index),
      path,
      checkpoint: note,
      proofFile: formatProofFile({ index, path, note: parseNote(note) }),
    }
  }

  async records(filter: RecordFilter, cursor: string | null, limit: number): Promise<RecordPage> {
    this.pagesAsked.push({ cursor, limit })
    if (cursor !== null && !/^after-\d+$/.test(cursor)) throw new Refusal('request.bad-cursor')
    const after = cursor === null ? -1 : Number(cursor.slice('after-'.length))
    const matching = this.#records.filter(
      (record) =>
        record.index > after &&
        (filter.includeSystem === true || record.kind !== 'system') &&
        (filter.type === undefined || record.type === filter.type) &&
        (filter.party === undefined || record.party === filter.party) &&
        (filter.member === undefined || record.member === filter.member) &&
        (filter.from === undefined || Date.parse(record.blockTime) >= filter.from) &&
        (filter.hash === undefined || record.about.hashes?.includes(filter.hash) === true) &&
        (filter.subject === undefined || record.about.subjects?.includes(filter.subject) === true) &&
        (filter.tender === undefined || record.about.tender === filter.tender) &&
        (filter.to === undefined || Date.parse(record.blockTime) < filter.to),
    )
    const records = matching.slice(0, limit)
    return {
      records,
      nextCursor: matching.length > limit ? `after-${records.at(-1)!.index}` : null,
      asOf: this.asOf(),
    }
  }

  consistency(from: number, to: number) {
    if (to > this.#attestedSizes.at(-1)!) return undefined
    return { from, to, path: consistencyPath(from, to, this.#read) }
  }

  blockBundle(index: number) {
    return index === 0 ? encodeBlockBundle(Array.from({ length: 16 }, () => Uint8Array.of(0x81, 0x01))) : undefined
  }

  block(height: number) {
    if (height > this.#height) return undefined
    const size = this.size
    return {
      height,
      id: 'ab'.repeat(32),
      parent: 'cd'.repeat(32),
      term: 1,
      epoch: 0,
      leader: 'guangzhou',
      time: formatTime(this.now),
      size,
      root: toBase64(rootOf(size, this.#read)),
      firstIndex: 1,
      recordCount: 1,
      batches: [{ member: 'guangzhou', hash: 'ef'.repeat(32), items: 1 }],
      bytes: Uint8Array.of(0x81, 0x01),
    }
  }

  readonly found: FaultView[] = []

  faults() {
    return this.found
  }

  members(epoch = 0) {
    if (epoch !== 0) return undefined
    const members = memberIds.map((id) => ({
      id,
      name: `${id}公共资源交易中心`,
      region: '440100',
      party: centre.party,
      node: '0011223344556677',
      logKey: formatVerifierKey(logVerifierKey(origin, keyFromSeed(`${id} log`).tagged)),
      cosignKey: formatVerifierKey(cosignerVerifierKey(`${origin}/${id}`, keyFromSeed(`${id} cosign`).tagged)),
      sealKey: keyFromSeed(`${id} seal`).kid,
    }))
    return { epoch, members }
  }

  epochs(): readonly EpochView[] {
    const start = { height: 0, size: 1, root: 'AAAA' }
    return [{ number: 0, begunBy: 'genesis', ...start, members: memberIds, quorum: 3 }]
  }

  epochProof(number: number): Uint8Array | undefined {
    return number === 1 ? Uint8Array.of(0x84) : undefined
  }

  party(id: string, at = Date.UTC(2026, 2, 17)): PartyView | undefined {
    if (id !== submitter.party) return undefined
    return {
      id,
      names: [{ name: '某某建设集团', vouchedBy: 'guangzhou' }],
      keys: [
        {
          kid: submitter.key.kid,
          roles: ['trading-platform'],
          standing: 'unilateral',
          scope: ['guangzhou'],
          vouchedBy: ['guangzhou'],
          notBefore: '2026-01-01T00:00:00.000Z',
          notAfter: null,
          index: 1,
          status: at < Date.UTC(2026, 0, 1) ? 'not-yet' : 'active',
          endsAt: null,
          endedBy: null,
          successor: null,
          delegator: null,
          types: null,
        },
      ],
      at: formatTime(at),
      asOf: this.asOf(),
    }
  }

  status(): Status {
    const { root } = this.asOf()
    return {
      ledger: ledgerId,
      name: 'gongzheng.example',
      origin,
      fingerprint: 'ABCD-EF01-2345-6789-ABCD',
      member: 'guangzhou',
      node: '0011223344556677',
      incarnation: 1,
      version: '0.1.0',
      role: this.role,
      leader: 'guangzhou',
      term: 1,
      height: this.#height,
      replicatedSize: this.size,
      attestedSize: this.#attestedSizes.at(-1)!,
      attestedRoot: root,
      attestedAt: formatTime(this.now),
      pendingStatements: 0,
      quorum: { members: 4, needed: 3, connected: 4, missing: 0 },
      peers: [{ member: 'wuhan', connected: true, incarnation: 3 }],
      scheduled: [{ name: 'trial.record@1', from: 1_200, known: false }],
      hindrances: this.hindrances,
      time: formatTime(this.now),
    }
  }

  policy(epoch = 0, log = 'beijing'): string | undefined {
    if (epoch !== 0 || !memberIds.some((id) => id === log)) return undefined
    return formatPolicy({
      logs: [{ key: logVerifierKey(origin, keyFromSeed('beijing log').tagged) }],
      witnesses: memberIds.map((name) => ({
        name,
        key: cosignerVerifierKey(`${origin}/${name}`, keyFromSeed(`${name} cosign`).tagged),
      })),
      groups: [{ name: 'members', threshold: 3, members: memberIds }],
      quorum: 'members',
    })
  }

  genesis(): Uint8Array {
    return genesisBytes
  }

  async checkpoint(cosignatures: number): Promise<string | undefined> {
    const size = this.#attestedSizes.at(-1)
    return size === undefined ? undefined : this.#note(size, cosignatures)
  }

  tile(level: number, index: number, width: number): Uint8Array | undefined {
    return tileWidth(level, index, this.#attestedSizes.at(-1)!) < width
      ? undefined
      : tileBytes(level, index, width, this.#read)
  }

  entries(index: number, width: number): Uint8Array | undefined {
    if (tileWidth(0, index, this.#attestedSizes.at(-1)!) < width) return undefined
    return encodeEntryBundle(this.#records.slice(index * 256, index * 256 + width).map((record) => record.entry))
  }

  types() {
    return fakeTypes
  }

  refusalTexts(): RefusalTexts {
    return fakeTexts
  }

  onAttested(listener: (size: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly trade: TradeLookups = {
    instance: () => undefined,
    tendersOf: async () => ({ tenders: [], nextCursor: null }),
    guarantee: () => undefined,
    guaranteesOf: () => [],
    guaranteeStatistics: async () => [],
    creditOf: () => [],
    findingTexts: () => ({}),
  }

  /** No boxes: those are looked at over a real node. */
  readonly boxes: BoxLookups = {
    member: 'guangzhou',
    deposit: async () => ({ kind: 'refused', code: 'box.unknown' }),
    box: () => undefined,
    list: () => undefined,
    place: () => undefined,
  }

  async metrics(): Promise<string> {
    return '# TYPE gongzheng_height gauge\ngongzheng_height 1\n'
  }

  /** Adds an entry that no statement made, attested at once: lists and CSV see whatever a test puts there. */
  put(type: string, party: string, payload: JsonObject): void {
    this.#append('record', type, utf8(JSON.stringify(payload)), { party, payload })
    this.#attest()
  }

  get now(): number {
    return startOfTime + this.#height * 1000
  }

  readonly #read = (level: number, index: number): Uint8Array => this.#hashes.get(`${level}/${index}`)!

  #append(
    kind: LedgerRecord['kind'],
    type: string,
    entry: Uint8Array,
    more: { readonly party: string | null; readonly payload: JsonObject; readonly id?: string },
  ): number {
    const index = this.size
    this.#tree.append(leafHash(entry), (level, at, hash) => this.#hashes.set(`${level}/${at}`, hash))
    const member = kind === 'record' || kind === 'refusal' ? 'guangzhou' : null
    this.#records.push({
      index,
      kind,
      type,
      status: 'replicated',
      statementId: more.id ?? null,
      entry,
      payload: more.payload,
      member,
      receivedAt: member === null ? null : formatTime(this.now),
      height: this.#height,
      term: 1,
      blockTime: formatTime(this.now),
      party: more.party,
      keyStanding: more.party === null ? null : 'agreed',
      kid: null,
      findings: [],
      about: aboutOf(kind, type, more.payload),
    })
    return index
  }

  #attest(): number {
    const { size } = this
    for (let index = this.#attestedSizes.at(-1) ?? 0; index < size; index++) {
      this.#records[index] = { ...this.#records[index]!, status: 'attested' }
    }
    this.#attestedSizes.push(size)
    for (const listener of this.#listeners) listener(size)
    return size
  }

  #note(size: number, cosignatures: number): string {
    const text = formatCheckpoint({ origin, size, root: rootOf(size, this.#read) })
    const logKey = keyFromSeed('beijing log')
    // One size is cosigned once.
    const seconds = Math.floor(startOfTime / 1000) + size
    return formatNote({
      text,
      signatures: [
        logSignature(logVerifierKey(origin, logKey.tagged), logKey.sign(logMessage(text))),
        ...memberIds.slice(0, Math.min(3, cosignatures)).map((id) => {
          const key = keyFromSeed(`${id} cosign`)
          return cosignature(
            cosignerVerifierKey(`${origin}/${id}`, key.tagged),
            seconds,
            key.sign(cosignatureMessage(seconds, text)),
          )
        }),
      ],
    })
  }

  #receipt(id: string): Receipt {
    return {
      statement: id,
      ledger: ledgerId,
      member: 'guangzhou',
      node: '0011223344556677',
      receivedAt: formatTime(this.now),
      attestedSize: String(this.#attestedSizes.at(-1)!),
      by: formatTime(this.now + 60_000),
      epoch: 0,
      signature: toBase64(new Uint8Array(64)),
    }
  }
}

const refused = (code: string, detail: string): Submission => ({ kind: 'refused', code, detail, fields: [] })
