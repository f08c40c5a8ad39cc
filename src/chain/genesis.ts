/**
 * The founding of a ledger: who the members are, with which keys, under which parameters and record types. The genesis entry is the
 * leaf at index 0, one spelling (RFC 8785); its SHA-256 is the ledger's id, and everything signed on the ledger carries that id. This file
 * builds it, checks it, spells the signatures that the organisations exchange over it, and writes the state it begins with. It
 * does not know whether this software knows the record types named: `catalogueOf` says.
 */
import { sha256 } from '#crypto'
import { fromBase64Url, fromUtf8, toBase64Url, toHex, utf8 } from './bytes.ts'
import { writeMemberParty } from './catalogue/register.ts'
import { compileSchema } from './catalogue/schema.ts'
import { named, object, parseParty, partyField, regionField, textField, timeField } from './catalogue/values.ts'
import { fingerprintOf, type GenesisMember } from './founding.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from './json.ts'
import { isAcceptableKey, keyFromKid, type TaggedKey, verifySignature } from './keys.ts'
import { faultsOf, quorumOf } from './numbers.ts'
import { type FieldProblem, Refusal, type RefusalTexts } from './refusal.ts'
import type { StateWriter } from './state.ts'
import { formatTime, parseStoredTime } from './time.ts'

export type { GenesisMember } from './founding.ts'

/** Parameters of the ledger (protocol.md, end of the rules). Times in milliseconds. */
export interface GenesisParameters {
  /** Δ₁: how far a block's time may be ahead of my clock before I wait. */
  readonly clockAheadMs: number
  /** Δ₂: how far behind before I answer stale. */
  readonly clockLatenessMs: number
  /** T_c: a batch uncommitted for so long goes to all members. */
  readonly commitTimeoutMs: number
  /** W: blocks with records since the last carried attestation. */
  readonly unattestedBlocksMax: number
  /** K: how far back a node may be READY. */
  readonly readyDistanceBlocksMax: number
  /** k: election time-outs without a QC for waiting work after which a leader resigns. */
  readonly stalledTimeoutsMax: number
  /** W_h: how long after its receipt a statement may reach the ledger and still count as received then. */
  readonly receivedWindowMs: number
  readonly electionTimeoutMs: number
  /**
   * What counts as a day of the periods that law fixes. Absent: 86,400,000, a day. A demonstration's ledger may have shorter ones, and shows
   * it in its genesis; time itself is never faked.
   */
  readonly legalDayMs?: number
  /** How often each member puts the root of its quiet box on the ledger while a box is open. Absent: ten minutes. */
  readonly boxRoundMs?: number
  /** The same from an hour's worth of rounds before a deadline until the claims after it are over. Absent: 30 seconds. */
  readonly boxFastRoundMs?: number
}

/** Milliseconds of a day of the periods that law fixes, on a ledger with these parameters. */
export const legalDayOf = ({ legalDayMs = 86_400_000 }: GenesisParameters): number => legalDayMs

/** Milliseconds between two rounds of a member's quiet box, far from a deadline and close to one. */
export const boxCadenceOf = ({ boxRoundMs = 600_000, boxFastRoundMs = 30_000 }: GenesisParameters) => ({
  boxRoundMs,
  boxFastRoundMs,
})

/** What the organisations agree on; the rest follows from it. */
export interface Founding {
  /** Like `gongzheng.example`. */
  readonly name: string
  /** 16 random bytes in hex, drawn when founding starts, before any key is made. */
  readonly foundingId: string
  /** Milliseconds since 1970; the time of block 0. */
  readonly foundedAt: number
  readonly members: readonly GenesisMember[]
  readonly parameters: GenesisParameters
  /** Record types in force from the first block, `name@version`. */
  readonly catalogue: readonly string[]
}

export interface Genesis extends Founding {
  /** `<name>/<foundingId>`: the origin line of every checkpoint. */
  readonly origin: string
  /** The leaf at index 0. */
  readonly entry: Uint8Array
  /** Ledger id: hex SHA-256 of the entry. */
  readonly ledger: string
  /** First 20 hex digits of the ledger id for people: `1A2B-…` in five groups. */
  readonly fingerprint: string
  /** q */
  readonly quorum: number
  /** f */
  readonly faults: number
}

/** A member's signature over the genesis with its governance key, as exchanged in a file. */
export interface GenesisSignature {
  readonly ledger: string
  readonly member: string
  readonly signature: Uint8Array
}

/** As many as a policy file, a note and an entry hold with room to spare: 64 members make about 50 KB of genesis. */
const membersMax = 64
const addressesMax = 8
/** The leaf must fit an entry bundle, as every other. */
const genesisBytesMax = 65_535
const catalogueTypesMax = 256

export const genesisRefusals: RefusalTexts = {
  'genesis.malformed': {
    zh: {
      title: '创世文件不合规定',
      cause: '创世条目的写法、成员、密钥或参数有误。',
      remedy:
        '创立时：请按所列各项改正命令或成员的名片，然后重新收集。创世文件后来被改动的：请向其他成员复制，逐字节相同。',
    },
    en: {
      title: 'Malformed genesis',
      cause: 'The spelling, a member, a key or a parameter of the genesis is wrong.',
      remedy:
        'When founding: correct what is listed, in the command or in a member’s card, and collect again. A genesis file that was changed later: copy it from another member, byte for byte.',
    },
  },
  'genesis.bad-signature': {
    zh: {
      title: '创世签名无效',
      cause: '签名文件不是该成员治理密钥对本创世文件的签名。',
      remedy: '请确认双方手中的创世指纹一致，由该成员用其治理密钥重新签名。',
    },
    en: {
      title: 'Bad genesis signature',
      cause: "The file is not a signature by that member's governance key over this genesis.",
      remedy: 'Compare the fingerprints on both sides; the member signs again with its governance key.',
    },
  },
}

/** protocol.md's defaults, with a window wide enough for this many members (rule 28). */
export function defaultParameters(memberCount: number): GenesisParameters {
  const parameters = {
    clockAheadMs: 5_000,
    clockLatenessMs: 60_000,
    commitTimeoutMs: 2_000,
    unattestedBlocksMax: 64,
    readyDistanceBlocksMax: 1_000,
    stalledTimeoutsMax: 3,
    receivedWindowMs: 60_000,
    electionTimeoutMs: 1_000,
  }
  const receivedWindowMs = Math.max(parameters.receivedWindowMs, receivedWindowMin(memberCount, parameters))
  return { ...parameters, receivedWindowMs }
}

/**
 * Rule 28: W_h ≥ (f+1)(2T_c + 4 election time-outs). So long may f lying leaders, one after the other, delay an honest receipt; with
 * less, a statement received in time could lose its time.
 */
export function receivedWindowMin(
  memberCount: number,
  parameters: Pick<GenesisParameters, 'commitTimeoutMs' | 'electionTimeoutMs'>,
): number {
  return (faultsOf(memberCount) + 1) * (2 * parameters.commitTimeoutMs + 4 * parameters.electionTimeoutMs)
}

/** The id a node has by its seal key. */
export function nodeIdOf(sealKey: TaggedKey): string {
  return toHex(sha256(sealKey)).slice(0, 16)
}

/**
 * Spells and checks a genesis. Members may come in any order.
 * @throws {Refusal} genesis.malformed, naming the fields
 */
export function buildGenesis(founding: Founding): Genesis {
  const { name, foundingId, foundedAt, parameters, catalogue } = founding
  const members = founding.members
    .map(({ id, name: memberName, region, party, addresses, node, centreKey, governanceKey }) => ({
      id,
      name: memberName,
      region,
      party,
      addresses: [...addresses],
      node: { id: node.id, network: node.network, log: node.log, cosign: node.cosign, seal: node.seal },
      centreKey,
      governanceKey,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const genesis = {
    version: 1,
    name,
    foundingId,
    origin: originOf(name, foundingId),
    foundedAt: formatTime(foundedAt),
    members,
    parameters: { ...parameters },
    catalogue: [...catalogue],
  }
  // A card may lack what it should have: what is not there is left out, and the check below names it.
  const whole = JSON.parse(JSON.stringify({ genesis })) as JsonValue
  return parseGenesis(utf8(canonicalJson(whole)))
}

export const originOf = (name: string, foundingId: string): string => `${name}/${foundingId}`

/**
 * Reads and checks a genesis entry: spelling, fields, ids, keys, parameters.
 * @throws {Refusal} genesis.malformed, naming the fields
 */
export function parseGenesis(entry: Uint8Array): Genesis {
  if (entry.length > genesisBytesMax) throw malformed(`more than ${genesisBytesMax} bytes`)
  const value = readCanonical(entry)
  checkShape(value)
  const { name, foundingId, origin, foundedAt, members, parameters, catalogue } = value.genesis
  const problems: FieldProblem[] = []
  if (origin !== originOf(name, foundingId)) {
    problems.push({ pointer: '/genesis/origin', problem: '应为 <name>/<foundingId> | must be <name>/<foundingId>' })
  }
  const founded = parseStoredTime(foundedAt)
  if (founded === undefined) {
    problems.push({
      pointer: '/genesis/foundedAt',
      problem: '应为 UTC 毫秒时间 | must be a UTC time with milliseconds',
    })
  }
  checkMembers(members, problems)
  checkParameters(members.length, parameters, problems)
  if (new Set(catalogue).size !== catalogue.length) {
    problems.push({ pointer: '/genesis/catalogue', problem: '同一类型列了两次 | lists a type twice' })
  }
  if (problems.length > 0 || founded === undefined) {
    throw malformed(problems.map(({ pointer }) => pointer).join(', '), problems)
  }
  const ledger = toHex(sha256(entry))
  return {
    name,
    foundingId,
    origin,
    foundedAt: founded,
    members,
    parameters,
    catalogue,
    entry,
    ledger,
    fingerprint: fingerprintOf(ledger),
    quorum: quorumOf(members.length),
    faults: faultsOf(members.length),
  }
}

/** The state the ledger begins with: every member's organisation as a party with its centre key. */
export function genesisState(genesis: Genesis, writer: StateWriter): void {
  for (const member of genesis.members) writeMemberParty(writer, member)
}

// ---- signatures over the genesis -----------------------------------------------------------------------------------------------

/** What a governance key signs: a domain of its own, the ledger id (which is the hash of everything agreed on), and who signs. */
export function genesisSignatureMessage(ledger: string, member: string): Uint8Array {
  return utf8(`gongzheng/genesis\0v1\n${ledger}\n${member}\n`)
}

/** The file that a member hands to the others. */
export function formatGenesisSignature(signature: GenesisSignature): string {
  const { ledger, member } = signature
  return `${canonicalJson({ ledger, member, signature: toBase64Url(signature.signature) })}\n`
}

/**
 * Reads a signature file and checks it against this genesis.
 * @throws {Refusal} json.malformed, genesis.bad-signature
 */
export function verifyGenesisSignature(genesis: Genesis, file: string): GenesisSignature {
  const value = parseJson(file) as { readonly [name: string]: unknown } | null
  const { ledger, member, signature: spelled } = value ?? {}
  if (typeof ledger !== 'string' || typeof member !== 'string' || typeof spelled !== 'string') {
    throw badSignature('not a signature file: ledger, member, signature')
  }
  if (ledger !== genesis.ledger) throw badSignature(`made over another genesis: ${ledger}`)
  const signer = genesis.members.find(({ id }) => id === member)
  if (signer === undefined) throw badSignature(`no member ${member}`)
  const signature = fromBase64Url(spelled)
  const key = keyFromKid(signer.governanceKey)
  if (
    signature === undefined ||
    key === undefined ||
    !verifySignature(key, genesisSignatureMessage(ledger, member), signature)
  ) {
    throw badSignature(`not a signature by the governance key of ${member}`)
  }
  return { ledger, member, signature }
}

/** Ids of the members whose signature is not among these. */
export function membersWithoutSignature(genesis: Genesis, signatures: readonly GenesisSignature[]): readonly string[] {
  const signed = new Set(signatures.map(({ member }) => member))
  return genesis.members.map(({ id }) => id).filter((id) => !signed.has(id))
}

// ---- checks ----------------------------------------------------------------------------------------------------------------------

/** The genesis as its JSON holds it. */
interface GenesisJson {
  readonly genesis: {
    readonly name: string
    readonly foundingId: string
    readonly origin: string
    readonly foundedAt: string
    readonly members: readonly GenesisMember[]
    readonly parameters: GenesisParameters
    readonly catalogue: readonly string[]
  }
}

function readCanonical(entry: Uint8Array): JsonValue {
  let text: string
  try {
    text = fromUtf8(entry)
  } catch {
    throw malformed('not UTF-8')
  }
  const value = parseJson(text)
  if (canonicalJson(value) !== text) throw malformed('not the RFC 8785 spelling')
  return value
}

function checkShape(value: unknown): asserts value is GenesisJson {
  try {
    shapeCheck(value as JsonValue)
  } catch (error) {
    // A bad USCC or time in a genesis has the code of genesis: whoever reads it is founding, not submitting.
    if (error instanceof Refusal) throw malformed(error.message, error.fields)
    throw error
  }
}

/** Compiled when first needed: a verifier in a browser imports types from here and never does. */
const shapeCheck = (value: JsonValue): void => {
  compiled ??= compileSchema(genesisSchema())
  compiled(value)
}
let compiled: ((value: JsonValue) => void) | undefined

function genesisSchema(): JsonObject {
  const kid = (zh: string, en: string): JsonObject =>
    named(zh, en, { type: 'string', pattern: '^[A-Za-z0-9_-]{44,128}$' })
  const milliseconds = (zh: string, en: string): JsonObject =>
    named(zh, en, { type: 'integer', minimum: 10, maximum: 86_400_000 })
  const count = (zh: string, en: string, maximum: number): JsonObject =>
    named(zh, en, { type: 'integer', minimum: 1, maximum })
  const node = {
    id: named('节点标识', 'Node id', { type: 'string', pattern: '^[0-9a-f]{16}$' }),
    network: kid('网络密钥', 'Network key'),
    log: kid('日志密钥', 'Log key'),
    cosign: kid('共签密钥', 'Cosign key'),
    seal: kid('封装密钥', 'Seal key'),
  }
  const member = {
    id: named('成员标识', 'Member id', { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }),
    name: textField('成员名称', 'Member name', 128),
    region: regionField,
    party: partyField('主体标识', 'Party id'),
    addresses: named('网络地址', 'Addresses', {
      type: 'array',
      maxItems: addressesMax,
      items: { type: 'string', maxLength: 256, pattern: '^(?:/[A-Za-z0-9._:%-]+)+$' },
    }),
    node: named('节点', 'Node', object(node, Object.keys(node))),
    centreKey: kid('中心密钥', 'Centre key'),
    governanceKey: kid('治理密钥', 'Governance key'),
  }
  const parameters: JsonObject = {
    clockAheadMs: milliseconds('时钟超前界限', 'Clock ahead'),
    clockLatenessMs: milliseconds('时钟落后界限', 'Clock lateness'),
    commitTimeoutMs: milliseconds('提交时限', 'Commit time-out'),
    unattestedBlocksMax: count('未共证区块上限', 'Unattested blocks', 4_096),
    readyDistanceBlocksMax: count('就绪距离上限', 'Ready distance', 1_000_000),
    stalledTimeoutsMax: count('停滞时限数', 'Stalled time-outs', 100),
    receivedWindowMs: milliseconds('接收时间窗', 'Received window'),
    electionTimeoutMs: milliseconds('选举时限', 'Election time-out'),
  }
  const optionalParameters: JsonObject = {
    legalDayMs: milliseconds('法定一日的毫秒数', 'Milliseconds of a legal day'),
    boxRoundMs: milliseconds('静默标箱一轮的毫秒数', 'Milliseconds of a round of the quiet box'),
    boxFastRoundMs: milliseconds('截止前后一轮的毫秒数', 'Milliseconds of a round close to a deadline'),
  }
  const genesis = {
    version: named('格式版本', 'Format version', { type: 'integer', const: 1 }),
    name: named('账本名称', 'Ledger name', {
      description: '小写域名形式，如 gongzheng.example / like a lower-case domain name',
      type: 'string',
      maxLength: 100,
      pattern: '^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$',
    }),
    foundingId: named('创世标识', 'Founding id', { type: 'string', pattern: '^[0-9a-f]{32}$' }),
    origin: textField('来源', 'Origin', 160),
    foundedAt: timeField('创世时间', 'Founded at'),
    members: named('成员', 'Members', {
      type: 'array',
      minItems: 1,
      maxItems: membersMax,
      items: object(member, Object.keys(member)),
    }),
    parameters: named('参数', 'Parameters', object({ ...parameters, ...optionalParameters }, Object.keys(parameters))),
    catalogue: named('记录类型', 'Record types', {
      type: 'array',
      minItems: 1,
      maxItems: catalogueTypesMax,
      items: { type: 'string', maxLength: 64, pattern: '^[a-z][a-z0-9-]*(?:\\.[a-z][a-z0-9-]*)+@[1-9][0-9]{0,3}$' },
    }),
  }
  return object({ genesis: object(genesis, Object.keys(genesis)) }, ['genesis'])
}

/** Also for the lists of later epochs, whose pointers then name the list as it would stand in a genesis. */
export function checkMembers(members: readonly GenesisMember[], problems: FieldProblem[]): void {
  /** Where a value was first seen. Ids, names, organisations, keys for every purpose: nothing may serve twice. */
  const seen = new Map<string, string>()
  const once = (kind: string, value: string, pointer: string): void => {
    const first = seen.get(`${kind} ${value}`)
    if (first === undefined) seen.set(`${kind} ${value}`, pointer)
    else problems.push({ pointer, problem: `与 ${first} 重复 | is the same as ${first}` })
  }
  members.forEach((member, at) => {
    const pointer = `/genesis/members/${at}`
    const before = members[at - 1]
    if (before !== undefined && before.id > member.id) {
      problems.push({ pointer: `${pointer}/id`, problem: '成员须按标识排序 | members are sorted by id' })
    }
    once('id', member.id, `${pointer}/id`)
    once('name', member.name, `${pointer}/name`)
    // One vote for each organisation (protocol rule 1).
    once('party', member.party, `${pointer}/party`)
    if (parseParty(member.party)?.kind === 'person') {
      problems.push({
        pointer: `${pointer}/party`,
        problem: '成员须为组织 | a member is an organisation, not a person',
      })
    }
    const { node } = member
    const keys: [pointer: string, kid: string][] = [
      [`${pointer}/node/network`, node.network],
      [`${pointer}/node/log`, node.log],
      [`${pointer}/node/cosign`, node.cosign],
      [`${pointer}/node/seal`, node.seal],
      [`${pointer}/centreKey`, member.centreKey],
      [`${pointer}/governanceKey`, member.governanceKey],
    ]
    for (const [where, kid] of keys) {
      once('key', kid, where)
      const key = keyFromKid(kid)
      if (key === undefined || !isAcceptableKey(key)) {
        problems.push({ pointer: where, problem: '不是可用的公钥 | is not an acceptable public key' })
      }
    }
    const seal = keyFromKid(node.seal)
    if (seal !== undefined && node.id !== nodeIdOf(seal)) {
      problems.push({ pointer: `${pointer}/node/id`, problem: '与封装密钥不符 | does not belong to the seal key' })
    }
  })
}

function checkParameters(memberCount: number, parameters: GenesisParameters, problems: FieldProblem[]): void {
  const windowMin = receivedWindowMin(memberCount, parameters)
  if (parameters.receivedWindowMs < windowMin) {
    problems.push({
      pointer: '/genesis/parameters/receivedWindowMs',
      problem: `不得小于 ${windowMin}（协议规则 28） | must not be below ${windowMin} (protocol rule 28)`,
    })
  }
}

const malformed = (detail: string, fields: readonly FieldProblem[] = []): Refusal =>
  new Refusal('genesis.malformed', detail, fields)

const badSignature = (detail: string): Refusal => new Refusal('genesis.bad-signature', detail)
