/**
 * The unit in which the benchmarks count CPU: one Ed25519 verification by Node's own OpenSSL of a record-sized message, which every machine with
 * Node can measure. What the node itself uses may be faster (docs/decisions/0031); `here` says by how much.
 */
import { ed25519PublicKey } from '../../src/chain/crypto-native.ts'
import { type Ed25519Implementation, ed25519Native, openssl } from '../../src/chain/ed25519-native.ts'

const seed = new Uint8Array(32).fill(7)
const key = ed25519PublicKey(seed)
const message = new Uint8Array(700).fill(7)
const signature = openssl.sign(seed, message)

/** CPU microseconds of one verification, over `count` of them: wall time would count the neighbours' work as well. */
export function verificationMicros(count: number, { verify }: Ed25519Implementation = openssl): number {
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) verify(key, message, signature)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** Which implementation the nodes use, and what one verification costs with it. */
export function verificationHere(): { readonly by: string; readonly micros: number } {
  return { by: ed25519Native.name, micros: Math.round(verificationMicros(500, ed25519Native)) }
}
