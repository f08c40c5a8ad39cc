/**
 * Trust policies (C2SP tlog-policy): whose signatures make a checkpoint good. A policy lists logs, witnesses (for us: the members'
 * cosigner keys), groups of them and one quorum. Parsing is strict, line by line; checking a note says who cosigned it and when, or
 * why it is not good.
 */
import { equalBytes, fromUtf8, utf8 } from './bytes.ts'
import { type Checkpoint, noteVerifier, parseCheckpoint, parseCosignature } from './checkpoint.ts'
import { formatVerifierKey, type Note, parseVerifierKey, signatureType, type VerifierKey, verifyNote } from './note.ts'
import { VerificationError } from './verification-error.ts'

export interface PolicyLog {
  /** Its name is the origin of the log. */
  readonly key: VerifierKey
  readonly url?: string
}

export interface PolicyWitness {
  /** Means something only within the policy. */
  readonly name: string
  readonly key: VerifierKey
  readonly url?: string
}

export interface PolicyGroup {
  readonly name: string
  /** How many of the members have to cosign. */
  readonly threshold: number
  /** Names of witnesses and groups. */
  readonly members: readonly string[]
}

export interface Policy {
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  /** A group names only witnesses and groups before it. */
  readonly groups: readonly PolicyGroup[]
  /** Name of a witness or group, or `none`. */
  readonly quorum: string
}

/** The spec asks for 32 logs, witnesses and groups at least; this is room for thousands. */
const policyBytesMax = 1_000_000

/** @throws {VerificationError} policy.malformed, which names the line */
export function parsePolicy(input: string | Uint8Array): Policy {
  const reading = new PolicyReading()
  for (const [at, line] of policyLines(input).entries()) {
    try {
      reading.line(line)
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error
      throw malformed(`line ${at + 1}: ${error.message}`)
    }
  }
  return reading.end()
}

/**
 * One line for each part, in the order that definitions ask for.
 * @throws {VerificationError} policy.malformed; also for a name that is not UTF-8, which a string cannot hold
 */
export function formatPolicy(policy: Policy): string {
  const line = (...items: readonly (string | undefined)[]): string =>
    `${items.filter((item) => item !== undefined).join(' ')}\n`
  const text = [
    ...policy.logs.map(({ key, url }) => line('log', formatVerifierKey(key), url)),
    ...policy.witnesses.map(({ name, key, url }) => line('witness', name, formatVerifierKey(key), url)),
    ...policy.groups.map(({ name, threshold, members }) => line('group', name, String(threshold), ...members)),
    line('quorum', policy.quorum),
  ].join('')
  parsePolicy(text)
  return text
}

/** Whether a policy is that one, or that one with some of its logs left out (as for a verifier that asks for every log). */
export function isPolicyOf(policy: Policy, whole: Policy): boolean {
  const spelled = (of: Policy): string => formatPolicy({ ...of, logs: [], witnesses: of.witnesses.map(withoutUrl) })
  const known = new Set(whole.logs.map(({ key }) => formatVerifierKey(key)))
  return policy.logs.every(({ key }) => known.has(formatVerifierKey(key))) && spelled(policy) === spelled(whole)
}

const withoutUrl = ({ name, key }: PolicyWitness): PolicyWitness => ({ name, key })

/** Whoever cosigned, and when by its own clock. */
export interface Cosigner {
  /** Its name in the policy. */
  readonly name: string
  /** Its name in the note. */
  readonly keyName: string
  /** POSIX seconds. */
  readonly timeSeconds: number
}

export interface TrustedCheckpoint extends Checkpoint {
  /** The log key that signed. */
  readonly log: VerifierKey
  /** In the order of the note. */
  readonly cosigners: readonly Cosigner[]
}

/**
 * Checks a checkpoint note: a log of the policy signed it, and the quorum cosigned it.
 * @throws {VerificationError} checkpoint.malformed, policy.unknown-log, policy.log-signature-missing, policy.quorum-missing,
 * note.bad-signature
 */
export function checkNoteAgainstPolicy(note: Note, policy: Policy): TrustedCheckpoint {
  const checkpoint = parseCheckpoint(note.text)
  // Before any signature is checked: "not our ledger" is the answer that helps, and it costs nothing.
  if (!policy.logs.some(({ key }) => key.name === checkpoint.origin)) {
    throw new VerificationError('policy.unknown-log', `no log of the policy has the origin ${checkpoint.origin}`)
  }
  const keys = [...policy.logs, ...policy.witnesses].map(({ key }) => key)
  const verified = verifiedSignatures(note, keys)
  const log = policy.logs.find(({ key }) => key.name === checkpoint.origin && verified.has(key))
  if (log === undefined) {
    throw new VerificationError(
      'policy.log-signature-missing',
      `no log key of ${checkpoint.origin} signed the checkpoint`,
    )
  }
  const cosigned = policy.witnesses.filter(({ key }) => verified.has(key))
  checkQuorum(policy, new Set(cosigned.map(({ name }) => name)))
  const order = [...verified.keys()]
  cosigned.sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key))
  const cosigners = cosigned.map(({ name, key }) => ({
    name,
    keyName: key.name,
    timeSeconds: parseCosignature(verified.get(key)!)!.timeSeconds,
  }))
  return { ...checkpoint, log: log.key, cosigners }
}

/** The payload of each known key's signature, in the order of the note; empty when there is none. */
function verifiedSignatures(note: Note, keys: readonly VerifierKey[]): Map<VerifierKey, Uint8Array> {
  // ML-DSA-44 keys have no verifier here: their lines count as unknown, so their witnesses as not having cosigned.
  const verifiers = keys.map(noteVerifier).filter((verifier) => verifier !== undefined)
  try {
    return new Map(verifyNote(note, verifiers).map(({ verifier, signature }) => [verifier.key, signature.signature]))
  } catch (error) {
    // The policy says more precisely than the note whose signature is missing.
    if (error instanceof VerificationError && error.code === 'note.no-known-signature') return new Map()
    throw error
  }
}

function checkQuorum(policy: Policy, witnessed: Set<string>): void {
  if (policy.quorum === none) return
  const cosigned = [...witnessed]
  for (const { name, threshold, members } of policy.groups) {
    if (members.filter((member) => witnessed.has(member)).length >= threshold) witnessed.add(name)
  }
  if (witnessed.has(policy.quorum)) return
  const group = policy.groups.find(({ name }) => name === policy.quorum)
  const needed = group === undefined ? '' : `${group.threshold} of ${group.members.length} of `
  const by = cosigned.length === 0 ? 'nobody' : cosigned.join(', ')
  throw new VerificationError('policy.quorum-missing', `needed: ${needed}${policy.quorum}; cosigned: ${by}`)
}

/** The predefined quorum that asks for no cosignature. */
const none = 'none'

/** Collects the definitions of a policy; errors say what is wrong with the line at hand. */
class PolicyReading {
  readonly #logs: PolicyLog[] = []
  readonly #witnesses: PolicyWitness[] = []
  readonly #groups: PolicyGroup[] = []
  readonly #defined = new Set<string>()
  /** Names that are members of some group: each name at most once, so that a witness counts in one way only. */
  readonly #members = new Set<string>()
  #quorum: string | undefined

  line([keyword, ...items]: readonly string[]): void {
    if (keyword === undefined || keyword.startsWith('#')) return
    switch (keyword) {
      case 'log':
        return this.#log(items)
      case 'witness':
        return this.#witness(items)
      case 'group':
        return this.#group(items)
      case 'quorum':
        return this.#setQuorum(items)
      default:
        throw malformed(`not a keyword: ${JSON.stringify(keyword)}`)
    }
  }

  end(): Policy {
    if (this.#quorum === undefined) throw malformed('no quorum line')
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum }
  }

  #log([vkey, url, ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) throw malformed('expected log <vkey> [url]')
    const key = parseVerifierKey(vkey)
    // A log may also sign with the ML-DSA-44 type, which is one type for logs and cosigners.
    if (key.type === signatureType.cosignature) throw malformed('a cosigner’s key cannot be that of a log')
    checkNew(key, this.#logs)
    this.#logs.push({ key, ...(url === undefined ? {} : { url }) })
  }

  #witness([name, vkey, url, ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0) {
      throw malformed('expected witness <name> <vkey> [url]')
    }
    const key = parseVerifierKey(vkey)
    if (key.type === signatureType.ed25519) throw malformed('a log’s key cannot be that of a cosigner')
    checkNew(key, this.#witnesses)
    this.#define(name)
    this.#witnesses.push({ name, key, ...(url === undefined ? {} : { url }) })
  }

  #group([name, count, ...members]: readonly string[]): void {
    if (name === undefined || count === undefined || members.length === 0) {
      throw malformed('expected group <name> all|any|<k> <member>…')
    }
    for (const member of members) {
      if (!this.#defined.has(member)) throw malformed(`the member ${member} is not defined above`)
      if (this.#members.has(member)) throw malformed(`${member} is a member twice`)
      this.#members.add(member)
    }
    const threshold = thresholdOf(count, members.length)
    this.#define(name)
    this.#groups.push({ name, threshold, members })
  }

  #setQuorum([name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) throw malformed('expected quorum <name>|none')
    if (this.#quorum !== undefined) throw malformed('a second quorum line')
    if (name !== none && !this.#defined.has(name)) throw malformed(`${name} is not defined above`)
    this.#quorum = name
  }

  #define(name: string): void {
    if (name === none) throw malformed('the name none is predefined')
    if (this.#defined.has(name)) throw malformed(`${name} is defined twice`)
    this.#defined.add(name)
  }
}

/** Duplicate means: the same public key, whatever name and type it is wrapped in. */
function checkNew(key: VerifierKey, others: readonly { readonly key: VerifierKey }[]): void {
  for (const other of others) {
    if (equalBytes(other.key.publicKey, key.publicKey)) throw malformed('the same public key twice')
    if (other.key.name === key.name && other.key.keyId === key.keyId) throw malformed('the same key name and ID twice')
  }
}

function thresholdOf(count: string, memberCount: number): number {
  if (count === 'any') return 1
  if (count === 'all') return memberCount
  const threshold = /^[1-9][0-9]{0,5}$/.test(count) ? Number(count) : 0
  if (threshold < 1 || threshold > memberCount) throw malformed(`not all, any or 1..${memberCount}: ${count}`)
  return threshold
}

/** The items of each line, after a check of every octet. */
function policyLines(input: string | Uint8Array): string[][] {
  if (input.length > policyBytesMax) throw malformed(`longer than ${policyBytesMax} bytes`)
  if (typeof input === 'string' && !input.isWellFormed()) throw malformed('not Unicode text')
  const bytes = typeof input === 'string' ? utf8(input) : input
  const lines: string[][] = []
  let items: string[] = []
  let start = 0
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at]!
    if ((octet < 0x20 && octet !== tab && octet !== newline) || octet === 0x7f) {
      throw malformed(`line ${lines.length + 1}: a control character`)
    }
    if (octet !== space && octet !== tab && octet !== newline) continue
    if (at > start) items.push(opaqueText(bytes.subarray(start, at)))
    start = at + 1
    if (octet === newline) {
      lines.push(items)
      items = []
    }
  }
  // Not forgiven: the file may be cut off, and a name that lost its end may be that of another group.
  if (bytes.length > 0 && bytes.at(-1) !== newline) throw malformed('the last line does not end in a newline')
  return lines
}

const tab = 0x09
const newline = 0x0a
const space = 0x20

/**
 * Items need not be UTF-8, their octets are opaque. In one that is not, the octets from 0x80 become U+DC80..U+DCFF, which no UTF-8
 * text decodes to: two items are equal exactly if their octets are.
 */
function opaqueText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch {
    return Array.from(bytes, (octet) => String.fromCharCode(octet < 0x80 ? octet : 0xdc00 + octet)).join('')
  }
}

const malformed = (detail: string): VerificationError => new VerificationError('policy.malformed', detail)
