/**
 * Signed notes and verifier keys, to the letter of C2SP signed-note: a text ending in a newline, an empty line, signature lines.
 * Parsing is strict: what it accepts formats back to exactly the same bytes. Who is trusted, and what a text means, is for others
 * to say: `checkpoint` knows the texts and signature types of a log, `policy` whom to believe.
 */
import { sha256 } from '#crypto'
import { concat, fromBase64, fromHex, fromUtf8, readU32, toBase64, toHex, utf8, writeU32 } from './bytes.ts'
import { VerificationError } from './verification-error.ts'

/** Name and key ID together identify a key and its signature type. */
export interface NoteSignature {
  readonly name: string
  /** 32 bits; see `keyIdOf`. */
  readonly keyId: number
  /** At least one byte; what it holds depends on the signature type. */
  readonly signature: Uint8Array
}

export interface Note {
  /** With its final newline, without the empty line after it. */
  readonly text: string
  /** At least one. */
  readonly signatures: readonly NoteSignature[]
}

/** Bytes of a note and lines of signatures that are looked at; a note of 16 post-quantum signatures has about 80 kB. */
export const noteBytesMax = 1_000_000
const noteSignatureCountMax = 128

/** @throws {VerificationError} note.malformed */
export function parseNote(input: string | Uint8Array): Note {
  const whole = noteText(input)
  // The text may have empty lines of its own: the last one separates it from the signatures.
  const gap = whole.lastIndexOf('\n\n')
  if (gap < 0) throw malformed('no empty line before the signatures')
  if (!whole.endsWith('\n')) throw malformed('the last line does not end in a newline')
  const lines = whole.slice(gap + 2, -1).split('\n')
  if (lines.length > noteSignatureCountMax) throw malformed(`more than ${noteSignatureCountMax} signatures`)
  return { text: whole.slice(0, gap + 1), signatures: lines.map(parseSignatureLine) }
}

/** The bytes of a note, as text. @throws {VerificationError} note.malformed when there is no such note */
export function formatNote(note: Note): string {
  const whole = `${note.text}\n${note.signatures.map(formatSignatureLine).join('')}`
  if (!note.text.endsWith('\n')) throw malformed('the text does not end in a newline')
  if (note.signatures.length === 0) throw malformed('no signatures')
  return noteText(whole)
}

/** `— <name> base64(key ID ‖ signature)` and a newline. @throws {VerificationError} note.malformed */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name)) throw malformed(`not a key name: ${JSON.stringify(name)}`)
  if (signature.length === 0) throw malformed('an empty signature')
  return `— ${name} ${toBase64(concat(u32(keyId), signature))}\n`
}

/** A line without its newline. */
function parseSignatureLine(line: string): NoteSignature {
  const [dash, name, spelled, ...rest] = line.split(' ')
  if (dash !== '—' || name === undefined || spelled === undefined || rest.length > 0) {
    throw malformed(`not a signature line: ${excerpt(line)}`)
  }
  if (!isKeyName(name)) throw malformed(`not a key name: ${excerpt(name)}`)
  const bytes = fromBase64(spelled)
  if (bytes === undefined || bytes.length < 5) throw malformed(`not the base64 of a signature: ${excerpt(line)}`)
  return { name, keyId: readU32(bytes, 0), signature: bytes.subarray(4) }
}

function noteText(input: string | Uint8Array): string {
  if (input.length > noteBytesMax) throw malformed(`longer than ${noteBytesMax} bytes`)
  let text: string
  try {
    text = typeof input === 'string' ? input : fromUtf8(input)
  } catch {
    throw malformed('not UTF-8')
  }
  if (!text.isWellFormed()) throw malformed('not Unicode text')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) throw malformed('a control character')
  return text
}

/** Non-empty, no Unicode spaces, no plus, nor the control characters that no note may have. */
export function isKeyName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /^[^\p{White_Space}+\x00-\x1f]+$/u.test(name) && name.isWellFormed()
}

/** The first byte of a verifier key's material (signed-note, Signature types). Those that logs and cosigners use. */
export const signatureType = { ed25519: 0x01, cosignature: 0x04, mlDsa44Cosignature: 0x06 } as const

export type SignatureType = (typeof signatureType)[keyof typeof signatureType]

/** What a vkey spells. */
export interface VerifierKey {
  readonly name: string
  readonly type: SignatureType
  readonly publicKey: Uint8Array
  readonly keyId: number
}

/** @throws {VerificationError} vkey.malformed on a bad name or length of key */
export function verifierKey(name: string, type: SignatureType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new VerificationError('vkey.malformed', `not a key name: ${excerpt(name)}`)
  if (publicKey.length !== publicKeyBytesOf[type]) {
    throw new VerificationError('vkey.malformed', `a key of type ${type} has ${publicKeyBytesOf[type]} bytes`)
  }
  return { name, type, publicKey, keyId: keyIdOf(name, type, publicKey) }
}

const publicKeyBytesOf: Readonly<Record<SignatureType, number>> = { 1: 32, 4: 32, 6: 1312 }

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4] as a big-endian number. */
export function keyIdOf(name: string, type: SignatureType, publicKey: Uint8Array): number {
  return readU32(sha256(utf8(`${name}\n`), Uint8Array.of(type), publicKey), 0)
}

/** `<name>+<8 hex digits of the key ID>+base64(type ‖ public key)`. */
export function formatVerifierKey({ name, type, publicKey, keyId }: VerifierKey): string {
  return `${name}+${toHex(u32(keyId))}+${toBase64(concat(Uint8Array.of(type), publicKey))}`
}

/** @throws {VerificationError} vkey.malformed; also for a signature type that logs and cosigners do not use */
export function parseVerifierKey(text: string): VerifierKey {
  const fail = (why: string): VerificationError => new VerificationError('vkey.malformed', `${why}: ${excerpt(text)}`)
  // The base64 may have a plus of its own; name and ID cannot.
  const [name, id, ...rest] = text.split('+')
  const material = fromBase64(rest.join('+'))
  const keyId = fromHex(id ?? '')
  if (name === undefined || rest.length === 0 || keyId?.length !== 4 || material === undefined) {
    throw fail('not name+id+base64')
  }
  const type = Object.values(signatureType).find((known) => known === material[0])
  if (type === undefined) throw fail('not a signature type of a log or cosigner')
  const key = verifierKey(name, type, material.subarray(1))
  if (key.keyId !== readU32(keyId, 0)) throw fail('the ID is not that of name and key')
  return key
}

/** A key that signatures are checked with. `verify` must not throw. */
export interface NoteVerifier {
  readonly name: string
  readonly keyId: number
  verify(text: string, signature: Uint8Array): boolean
}

export interface VerifiedSignature<Verifier extends NoteVerifier = NoteVerifier> {
  readonly verifier: Verifier
  readonly signature: NoteSignature
}

/**
 * The signatures by known keys, in the order of the note, one for each key. Unknown keys are ignored, also when they share a name
 * or an ID with a known one; a wrong signature in the name and ID of a known key rejects the whole note.
 * @throws {VerificationError} note.bad-signature, note.no-known-signature
 */
export function verifyNote<Verifier extends NoteVerifier>(
  note: Note,
  verifiers: readonly Verifier[],
): VerifiedSignature<Verifier>[] {
  const verified = new Map<Verifier, VerifiedSignature<Verifier>>()
  for (const signature of note.signatures) {
    const verifier = verifiers.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId)
    if (verifier === undefined) continue
    if (!verifier.verify(note.text, signature.signature)) {
      throw new VerificationError('note.bad-signature', `the signature of ${signature.name} does not fit the text`)
    }
    if (!verified.has(verifier)) verified.set(verifier, { verifier, signature })
  }
  if (verified.size === 0) {
    throw new VerificationError('note.no-known-signature', 'no signature is by a key that is known here')
  }
  return [...verified.values()]
}

function u32(value: number): Uint8Array {
  const out = new Uint8Array(4)
  writeU32(out, 0, value)
  return out
}

const malformed = (detail: string): VerificationError => new VerificationError('note.malformed', detail)

/** Enough of a bad line to find it, quoted, so that control characters do no harm in a terminal. */
const excerpt = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
