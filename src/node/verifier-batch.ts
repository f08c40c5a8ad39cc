/**
 * How signature checks travel to a worker thread: packed into one buffer that changes its owner instead of being copied field by
 * field, and back as one byte for each verdict. Both ends are ours, so a batch that does not parse is a bug.
 *
 *     count u32 | count × (lengths of key, signature and message: u32 each) | keys, signatures and messages in that order
 */
import { assert } from '../chain/assert.ts'
import type { SignatureCheck } from './ports.ts'

const countBytes = 4
const rowBytes = 12

export interface BatchRequest {
  readonly id: number
  readonly packed: ArrayBuffer
}

export interface BatchAnswer {
  readonly id: number
  /** 1 for a good signature, 0 for a bad one, in the order of the checks. */
  readonly verdicts: Uint8Array
}

export function packChecks(checks: readonly SignatureCheck[]): ArrayBuffer {
  let size = countBytes + checks.length * rowBytes
  for (const { publicKey, signature, message } of checks) size += publicKey.length + signature.length + message.length
  const out = new Uint8Array(size)
  const view = new DataView(out.buffer)
  view.setUint32(0, checks.length)
  let row = countBytes
  let offset = countBytes + checks.length * rowBytes
  for (const { publicKey, signature, message } of checks) {
    view.setUint32(row, publicKey.length)
    view.setUint32(row + 4, signature.length)
    view.setUint32(row + 8, message.length)
    row += rowBytes
    for (const part of [publicKey, signature, message]) {
      out.set(part, offset)
      offset += part.length
    }
  }
  return out.buffer
}

export function unpackChecks(packed: ArrayBuffer): SignatureCheck[] {
  const bytes = new Uint8Array(packed)
  const view = new DataView(packed)
  const count = view.getUint32(0)
  const checks: SignatureCheck[] = []
  let offset = countBytes + count * rowBytes
  const take = (length: number): Uint8Array => {
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  for (let row = countBytes; checks.length < count; row += rowBytes) {
    const publicKey = take(view.getUint32(row))
    const signature = take(view.getUint32(row + 4))
    checks.push({ publicKey, signature, message: take(view.getUint32(row + 8)) })
  }
  assert(offset === bytes.length, 'a batch is exactly its checks')
  return checks
}
