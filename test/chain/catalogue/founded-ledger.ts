/**
 * A small founded ledger for tests of the rules: keys from names, four member cities, a state in memory, and a way to put statements
 * before the catalogue as execution does. No clock, no randomness.
 */
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import { utf8 } from '../../../src/chain/bytes.ts'
import { type Catalogue, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import type { Finding, RuleContext } from '../../../src/chain/catalogue/statement-type.ts'
import { usccCheckCharacter } from '../../../src/chain/catalogue/values.ts'
import { type CborValue, decodeCbor, encodeCbor } from '../../../src/chain/cbor.ts'
import { foundingEpoch } from '../../../src/chain/epoch.ts'
import {
  buildGenesis,
  defaultParameters,
  type Founding,
  type Genesis,
  type GenesisMember,
  genesisState,
  nodeIdOf,
} from '../../../src/chain/genesis.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { kidOf, type TaggedKey, taggedEd25519 } from '../../../src/chain/keys.ts'
import { Refusal } from '../../../src/chain/refusal.ts'
import { Overlay, type StateWriter } from '../../../src/chain/state.ts'
import { parseStatement, type Statement, signStatement } from '../../../src/chain/statement.ts'

export interface TestKey {
  readonly tagged: TaggedKey
  readonly kid: string
  sign(message: Uint8Array): Uint8Array
}

const keys = new Map<string, TestKey>()

export function keyOf(name: string): TestKey {
  let key = keys.get(name)
  if (key === undefined) {
    const seed = sha256(utf8(`test key ${name}`))
    const tagged = taggedEd25519(ed25519PublicKey(seed))
    key = { tagged, kid: kidOf(tagged), sign: (message) => ed25519Sign(seed, message) }
    keys.set(name, key)
  }
  return key
}

/** A USCC that nobody has: category 12 (an institution), the region, a serial number, and the check character. */
export function syntheticParty(region: string, serial: number): string {
  const first17 = `12${region}MB${String(serial).padStart(7, '0')}`
  return `uscc:${first17}${usccCheckCharacter(first17)}`
}

export function memberOf(id: string, region: string): GenesisMember {
  const seal = keyOf(`${id} seal`)
  return {
    id,
    name: `${id} 公共资源交易中心`,
    region,
    party: syntheticParty(region, 1),
    addresses: [`/ip4/127.0.0.1/tcp/9000`],
    node: {
      id: nodeIdOf(seal.tagged),
      network: keyOf(`${id} network`).kid,
      log: keyOf(`${id} log`).kid,
      cosign: keyOf(`${id} cosign`).kid,
      seal: seal.kid,
    },
    centreKey: keyOf(`${id} centre`).kid,
    governanceKey: keyOf(`${id} governance`).kid,
  }
}

export const fourCities = ['guangzhou 440100', 'beijing 110000', 'wuhan 420100', 'hangzhou 330100'].map((city) => {
  const [id, region] = city.split(' ')
  return memberOf(id!, region!)
})

export const founding: Founding = {
  name: 'gongzheng.example',
  foundingId: '0123456789abcdef0123456789abcdef',
  foundedAt: Date.UTC(2026, 0, 1),
  members: fourCities,
  parameters: defaultParameters(4),
  catalogue: knownTypeNames,
}

/** Rows as they come back from disk: encoded and decoded, so that a rule that keeps anything else is found out. */
class MemoryState implements StateWriter {
  readonly rows = new Map<string, Uint8Array>()

  get(key: string): CborValue | undefined {
    const row = this.rows.get(key)
    return row === undefined ? undefined : decodeCbor(row)
  }

  set(key: string, value: CborValue): void {
    this.rows.set(key, encodeCbor(value))
  }
}

export interface Submission {
  /** Member whose node received it. */
  readonly member?: string
  readonly blockTime?: number
  readonly receivedAt?: number
  readonly height?: number
}

export class FoundedLedger {
  readonly genesis: Genesis
  readonly catalogue: Catalogue
  readonly state = new MemoryState()
  /** By record index: what the rules flagged. */
  readonly findings = new Map<number, readonly Finding[]>()
  size = 1
  height = 1
  blockTime = Date.UTC(2026, 2, 17)

  constructor(genesis: Genesis, catalogue: Catalogue) {
    this.genesis = genesis
    this.catalogue = catalogue
    genesisState(genesis, this.state)
  }

  static found(catalogue: Catalogue): FoundedLedger {
    return new FoundedLedger(buildGenesis(founding), catalogue)
  }

  /** Another ledger with the same past, for trying what would happen. */
  fork(): FoundedLedger {
    const fork = new FoundedLedger(this.genesis, this.catalogue)
    for (const [key, row] of this.state.rows) fork.state.rows.set(key, row)
    for (const [index, findings] of this.findings) fork.findings.set(index, findings)
    fork.size = this.size
    fork.height = this.height
    fork.blockTime = this.blockTime
    return fork
  }

  /** Submits, and fails loudly when that is refused. Returns the record's index. */
  take(statement: Statement, submission: Submission = {}): number {
    const refusal = this.submitForRefusal(statement, submission)
    if (refusal !== undefined) throw new Error(`${statement.type}: ${refusal.code}: ${refusal.message}`)
    return this.size - 1
  }

  member(id: string): GenesisMember {
    return this.genesis.members.find((member) => member.id === id)!
  }

  /** A statement with the common fields filled in. */
  statement(type: string, party: string, key: TestKey, fields: JsonObject): Statement {
    const payload = { ledger: this.genesis.ledger, type, party, key: `test ${this.size}`, ...fields }
    return parseStatement(signStatement(payload, key), this.genesis.ledger)
  }

  /** Checks and applies as execution does: all or nothing. Returns the code that refuses it, or `accepted`. */
  submit(statement: Statement, submission: Submission = {}): string {
    return this.submitForRefusal(statement, submission)?.code ?? 'accepted'
  }

  submitForRefusal(statement: Statement, submission: Submission = {}): Refusal | undefined {
    const attempt = new Overlay(this.state)
    const findings: Finding[] = []
    const blockTime = submission.blockTime ?? this.blockTime
    const context: RuleContext = {
      ledger: this.genesis.ledger,
      blockTime,
      receivedAt: submission.receivedAt ?? blockTime,
      height: submission.height ?? this.height,
      genesis: this.genesis,
      member: submission.member ?? 'guangzhou',
      index: this.size,
      legalDayMs: this.genesis.parameters.legalDayMs ?? 86_400_000,
      statement,
      state: attempt,
      epoch: foundingEpoch(this.genesis),
      members: this.genesis.members,
      find: (code, ...values) => findings.push({ code, values }),
    }
    try {
      this.catalogue.check(statement, context)
      this.catalogue.apply(statement, context)
    } catch (error) {
      if (error instanceof Refusal) return error
      throw error
    }
    for (const [key, value] of attempt.writes) this.state.set(key, value)
    this.findings.set(this.size, findings)
    this.size++
    return undefined
  }

  /** The rows, for tests that nothing changed. */
  rows(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.state.rows)
  }

  /** A request for a new key, signed by that key. */
  keyRequest(key: TestKey, party: string, roles: readonly string[], more: JsonObject = {}): string {
    const { ledger } = this.genesis
    return signStatement({ ledger, type: 'party.key-request@1', party, name: `${party} 公司`, roles, ...more }, key)
  }

  /** A member's centre approves a request. */
  approval(member: string, request: string): Statement {
    return this.statement('party.register@1', this.member(member).party, keyOf(`${member} centre`), { request })
  }

  /** Registers a key with the word of these members, and fails loudly when that is refused. */
  register(name: string, party: string, roles: readonly string[], members: readonly string[]): TestKey {
    const key = keyOf(name)
    const request = this.keyRequest(key, party, roles)
    for (const member of members) {
      const code = this.submit(this.approval(member, request), { member })
      if (code !== 'accepted') throw new Error(`registering ${name}: ${code}`)
    }
    return key
  }
}
