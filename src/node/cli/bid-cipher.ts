/**
 * The encrypted file of a sealed bid: a line that says what it is, a nonce of 12 bytes, AES-256-GCM, a tag of 16 bytes. Read and written in
 * pieces: a bid may be a large archive. One key encrypts one file, so the nonce is never used twice.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { Refusal } from '../../chain/refusal.ts'
import { VerificationError } from '../../chain/verification-error.ts'

const head = Buffer.from('gongzheng sealed file v1\n')
const nonceBytes = 12
const tagBytes = 16
const pieceBytes = 1024 * 1024

export interface SealedFile {
  /** SHA-256 of the encrypted file, hex. */
  readonly ciphertext: string
  /** Of the file itself. */
  readonly document: string
}

/** @throws {Refusal} file.missing, file.unreadable, file.exists, file.unwritable */
export function sealFile(from: string, to: string, key: Uint8Array): SealedFile {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const [document, ciphertext] = [createHash('sha256'), createHash('sha256')]
  writing(to, (write) => {
    const put = (bytes: Uint8Array): void => {
      ciphertext.update(bytes)
      write(bytes)
    }
    put(head)
    put(nonce)
    reading(from, (piece) => {
      document.update(piece)
      put(cipher.update(piece))
    })
    put(cipher.final())
    put(cipher.getAuthTag())
  })
  return { ciphertext: ciphertext.digest('hex'), document: document.digest('hex') }
}

/** Nothing stays on the disk of a file that was changed, or whose key is another. @throws {VerificationError} bid-file.not-opened */
export function openFile(from: string, to: string, key: Uint8Array): void {
  let decipher: ReturnType<typeof createDecipheriv> | undefined
  // The tag stands at the end, so that much is always held back.
  let held = Buffer.alloc(0)
  writing(to, (write) => {
    reading(from, (piece) => {
      held = Buffer.concat([held, piece])
      if (decipher === undefined) {
        if (held.length < head.length + nonceBytes) return
        if (!held.subarray(0, head.length).equals(head)) throw notOpened(`${from} is no sealed file`)
        decipher = createDecipheriv('aes-256-gcm', key, held.subarray(head.length, head.length + nonceBytes))
        held = held.subarray(head.length + nonceBytes)
      }
      if (held.length <= tagBytes) return
      write(decipher.update(held.subarray(0, held.length - tagBytes)))
      held = held.subarray(held.length - tagBytes)
    })
    if (decipher === undefined || held.length !== tagBytes) throw notOpened(`${from} is cut off`)
    try {
      ;(decipher as ReturnType<typeof createDecipheriv> & { setAuthTag(tag: Uint8Array): void }).setAuthTag(held)
      write(decipher.final())
    } catch {
      throw notOpened(`${from} was changed, or its key is another`)
    }
  })
}

/** SHA-256 of a file, hex. */
export function fileDigest(path: string): string {
  const hash = createHash('sha256')
  reading(path, (piece) => hash.update(piece))
  return hash.digest('hex')
}

function reading(path: string, take: (piece: Buffer) => void): void {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Refusal(code === 'ENOENT' ? 'file.missing' : 'file.unreadable', code === 'ENOENT' ? path : message)
  }
  try {
    if (!fstatSync(file).isFile()) throw new Refusal('file.unreadable', path)
    const piece = Buffer.alloc(pieceBytes)
    for (;;) {
      const length = readSync(file, piece)
      if (length === 0) return
      take(Buffer.from(piece.subarray(0, length)))
    }
  } finally {
    closeSync(file)
  }
}

/** A new file, for its owner only; gone again when it could not be finished. */
function writing(path: string, fill: (write: (bytes: Uint8Array) => void) => void): void {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Refusal(code === 'EEXIST' ? 'file.exists' : 'file.unwritable', code === 'EEXIST' ? path : message)
  }
  let isWhole = false
  try {
    fill((bytes) => {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    })
    isWhole = true
  } finally {
    closeSync(file)
    if (!isWhole) rmSync(path)
  }
}

const notOpened = (detail: string): VerificationError => new VerificationError('bid-file.not-opened', detail)
