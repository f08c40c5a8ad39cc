/**
 * A statement (签名报文): what a party signs, as a compact JWS (RFC 7515) over one JSON object. Reading it here asks only what its
 * bytes can answer: one spelling of everything, the right ledger, the four fields every payload has, the id. Whether the
 * signature is good is a separate, dearer check (`verifySignature`); whether this key may say this, now, is the catalogue's.
 */
import { assert } from './assert.ts'
import { fromBase64Url, fromUtf8, rereadBase64Url, toBase64Url, utf8 } from './bytes.ts'
import { hashOfCbor } from './cbor.ts'
import { canonicalJson, type JsonObject, type JsonValue, readJson, rereadJson } from './json.ts'
import { keyFromKid, kidOf, type TaggedKey } from './keys.ts'
import { Refusal, type RefusalTexts } from './refusal.ts'

/**
 * Characters (= bytes, it is ASCII) of the longest statement. An entry holds one, may have 65,535 bytes, and spends at most 100 on
 * the member, the time and the names around it; the rest is room for the entry format to grow.
 */
export const statementBytesMax = 65_000

/** A DATA_KEY of the national data specification has up to 50 characters; some platforms put the tender code before it. */
export const idempotencyKeyCharactersMax = 128

/** `uscc:` and 18 characters, or `id:` with a scheme of 32 and an id of 64 (UTF-16 units may be twice that), or `person:` and 64. */
export const partyCharactersMax = 164

/** A JWS whose payload is one strict JSON object. The base of statements, and of the key requests inside registrations. */
export interface SignedObject {
  readonly jws: string
  /** Base64url of the tagged signing key, as it stands in the header. */
  readonly kid: string
  readonly signingKey: TaggedKey
  readonly payload: JsonObject
  /** The payload's RFC 8785 spelling, in UTF-8. What was signed may be spelled otherwise. */
  readonly canonicalPayload: Uint8Array
  /** The signed bytes: the JWS up to its last dot. */
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

export interface Statement extends SignedObject {
  /** Hex; names what is said and who says it, never how it was signed: [1, party, canonical payload] (layout.md, decision 3). */
  readonly id: string
  /** `bid.record@1` */
  readonly type: string
  readonly party: string
  /** The submitter's idempotency key; its scope is the party. */
  readonly key: string
}

/** What signs: a tagged public key and the act itself. */
export interface StatementSigner {
  readonly tagged: TaggedKey
  sign(message: Uint8Array): Uint8Array
}

export const statementRefusals: RefusalTexts = {
  'statement.malformed': {
    zh: {
      title: '签名报文格式错误',
      cause: '报文不是规定写法的紧凑 JWS，或载荷缺少 ledger、type、party、key 四个公共字段。',
      remedy:
        '头部须恰为 {"alg":"EdDSA","kid":…,"typ":"gongzheng"}（字段按此顺序、无空格），各段用无填充的 base64url；公共字段须为字符串。',
    },
    en: {
      title: 'Malformed statement',
      cause: 'This is not a compact JWS in the one spelling, or its payload lacks one of ledger, type, party, key.',
      remedy:
        'The header is exactly {"alg":"EdDSA","kid":…,"typ":"gongzheng"} in this order without spaces, each part unpadded base64url; the common fields are strings.',
    },
  },
  'statement.too-large': {
    zh: {
      title: '签名报文过大',
      cause: `报文超过 ${statementBytesMax} 字节。`,
      remedy: '大文件请只提交其哈希值（attest.hash），文件本身自行保存。',
    },
    en: {
      title: 'Statement too large',
      cause: `The statement has more than ${statementBytesMax} bytes.`,
      remedy: 'Submit the hash of a large document (attest.hash) and keep the document itself.',
    },
  },
  'statement.wrong-ledger': {
    zh: {
      title: '账本标识不符',
      cause: '报文是为另一个账本签署的。',
      remedy: '请将 ledger 字段设为本账本的标识（见 /v1/status），并重新签名。',
    },
    en: {
      title: 'Wrong ledger',
      cause: 'The statement was signed for another ledger.',
      remedy: "Set the field ledger to this ledger's id (see /v1/status) and sign again.",
    },
  },
  'statement.bad-signature': {
    zh: {
      title: '签名验证失败',
      cause: '签名与报文内容或 kid 中的公钥不符。',
      remedy: '请确认签名所用私钥与 kid 一致，且签名后报文未被改动。',
    },
    en: {
      title: 'Bad signature',
      cause: 'The signature does not fit the statement and the public key in kid.',
      remedy: 'Check that the private key belongs to kid and that nothing was changed after signing.',
    },
  },
  'statement.key-reused': {
    zh: {
      title: '幂等键已用于其他内容',
      cause: '同一主体已用同一个 key 提交过内容不同的报文。',
      remedy: '重试须提交完全相同的内容；新的内容请使用新的 key。',
    },
    en: {
      title: 'Idempotency key used for other content',
      cause: 'The same party has already submitted a statement with this key and another payload.',
      remedy: 'Retry with exactly the same payload, or give new content a key of its own.',
    },
  },
}

/**
 * Reads a statement made for this ledger. Does not check the signature, the type's schema, or the key's rights.
 * @param ledger hex id of this ledger
 * @throws {Refusal} statement.too-large, statement.malformed, json.malformed, statement.wrong-ledger
 */
export function parseStatement(jws: string, ledger: string): Statement {
  const signed = parseSignedObject(jws, statementBytesMax)
  const { payload } = signed
  const type = commonField(payload, 'type', typeForm)
  const party = commonField(payload, 'party', partyForm)
  const key = commonField(payload, 'key', keyForm)
  refuseOtherLedger(payload, ledger)
  return { ...signed, id: statementId(party, signed.canonicalPayload), type, party, key }
}

/**
 * Reads a compact JWS over a JSON object: canonical base64url, the one header, a strict payload, a signature of the right length.
 * @throws {Refusal} statement.too-large, statement.malformed, json.malformed
 */
export function parseSignedObject(jws: string, bytesMax: number): SignedObject {
  if (jws.length > bytesMax) throw new Refusal('statement.too-large', `${jws.length} characters, at most ${bytesMax}`)
  const headerEnd = jws.indexOf('.')
  const payloadEnd = jws.indexOf('.', headerEnd + 1)
  if (headerEnd < 0 || payloadEnd < 0) throw malformed('not three parts separated by dots')

  const { kid, signingKey } = readHeader(jws.slice(0, headerEnd))
  const payloadBytes = fromBase64Url(jws.slice(headerEnd + 1, payloadEnd))
  if (payloadBytes === undefined) throw malformed('the payload is not canonical base64url')
  const text = textOf(payloadBytes)
  const { value: payload, canonical } = readJson(text)
  if (!isObject(payload)) throw malformed('the payload is not a JSON object')

  // A fourth part lands in here and is not base64url.
  const signature = fromBase64Url(jws.slice(payloadEnd + 1))
  if (signature === undefined) throw malformed('the signature is not canonical base64url')
  if (signature.length !== ed25519SignatureBytes) throw malformed(`the signature has ${signature.length} bytes`)

  const canonicalPayload = canonical === text ? payloadBytes : utf8(canonical)
  return { jws, kid, signingKey, payload, canonicalPayload, message: utf8(jws.slice(0, payloadEnd)), signature }
}

/** @throws {Refusal} statement.malformed when there is no ledger id, statement.wrong-ledger when it is another's */
export function refuseOtherLedger(payload: JsonObject, ledger: string): void {
  const named = commonField(payload, 'ledger', ledgerForm)
  if (named !== ledger) throw new Refusal('statement.wrong-ledger', `made for ledger ${named}, this is ${ledger}`)
}

/** What a statement that was read before says: nothing is checked again, and its id is left to `statementIdOf`. */
export function rereadStatement(jws: string): RereadStatement {
  const headerEnd = jws.indexOf('.')
  const { kid } = readHeader(jws.slice(0, headerEnd))
  const bytes = rereadBase64Url(jws.slice(headerEnd + 1, jws.indexOf('.', headerEnd + 1)))
  const text = fromUtf8(bytes)
  const payload = rereadJson(text) as JsonObject
  return { kid, payload, type: payload.type as string, party: payload.party as string, signed: { text, bytes } }
}

export interface RereadStatement extends Pick<Statement, 'kid' | 'type' | 'party' | 'payload'> {
  /** The payload as it was signed, which need not be its RFC 8785 spelling. */
  readonly signed: { readonly text: string; readonly bytes: Uint8Array }
}

export function statementIdOf({ party, payload, signed }: RereadStatement): string {
  const canonical = canonicalJson(payload)
  return statementId(party, canonical === signed.text ? signed.bytes : utf8(canonical))
}

/** Hex SHA-256 of the deterministic CBOR of [1, party, RFC 8785 payload bytes]. */
export function statementId(party: string, canonicalPayload: Uint8Array): string {
  return hashOfCbor([1, party, canonicalPayload])
}

/** Signs a payload; any JSON object, so that tests can also make what the ledger refuses. */
export function signStatement(payload: JsonObject, key: StatementSigner): string {
  const message = statementMessage(payload, key.tagged)
  return joinStatement(message, key.sign(message))
}

/** The bytes to sign: header and payload, both in their canonical spelling. For signers that answer later. */
export function statementMessage(payload: JsonObject, key: TaggedKey): Uint8Array {
  return utf8(`${headerOf(kidOf(key))}.${toBase64Url(utf8(canonicalJson(payload)))}`)
}

/** Puts the compact JWS together. */
export function joinStatement(message: Uint8Array, signature: Uint8Array): string {
  return `${fromUtf8(message)}.${toBase64Url(signature)}`
}

const typeForm = /^(?=.{1,64}$)[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+@[1-9][0-9]{0,3}$/
const ledgerForm = /^[0-9a-f]{64}$/
/** Only what keeps rows that are named after a party bounded; the forms of a party id are the catalogue's (`values`). */
const partyForm = new RegExp(`^[^\\u0000-\\u0020\\u007f]{1,${partyCharactersMax}}$`)
const keyForm = new RegExp(`^[^\\u0000-\\u001f\\u007f]{1,${idempotencyKeyCharactersMax}}$`)

function commonField(payload: JsonObject, name: string, form: RegExp): string {
  const value = payload[name]
  if (typeof value === 'string' && form.test(value)) return value
  const problem = value === undefined ? '缺少字段 | is missing' : '写法不对 | has not the right form'
  throw new Refusal('statement.malformed', `the field ${name} is missing or malformed`, [
    { pointer: `/${name}`, problem },
  ])
}

const ed25519SignatureBytes = 64

interface Header {
  readonly kid: string
  readonly signingKey: TaggedKey
}

/**
 * Headers already read. A submitter sends thousands of statements under one header, and what a header says never changes, so this
 * only saves time. 4,096 entries of about 300 bytes; the oldest leaves first.
 */
const headers = new Map<string, Header>()
const headersMax = 4_096

function readHeader(part: string): Header {
  const known = headers.get(part)
  if (known !== undefined) return known
  const bytes = fromBase64Url(part)
  if (bytes === undefined) throw malformed('the header is not canonical base64url')
  const match = /^\{"alg":"EdDSA","kid":"([A-Za-z0-9_-]{1,128})","typ":"gongzheng"\}$/.exec(textOf(bytes))
  if (match === null)
    throw malformed('the header is not {"alg":"EdDSA","kid":…,"typ":"gongzheng"} as RFC 8785 spells it')
  const kid = match[1]!
  const signingKey = keyFromKid(kid)
  if (signingKey === undefined) throw malformed('kid is not a public key of a known algorithm')
  const header = { kid, signingKey }
  if (headers.size >= headersMax) headers.delete(headers.keys().next().value!)
  headers.set(part, header)
  return header
}

function headerOf(kid: string): string {
  const header = toBase64Url(utf8(canonicalJson({ alg: 'EdDSA', kid, typ: 'gongzheng' })))
  assert(readHeader(header).kid === kid, 'a header we write is a header we read')
  return header
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw malformed('not UTF-8')
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

const malformed = (detail: string): Refusal => new Refusal('statement.malformed', detail)
