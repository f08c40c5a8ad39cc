/**
 * The byte half of the ledger's Ed25519 rule, shared by both crypto twins: A and R are canonical (y < p) and not of small order,
 * S < L. No library decides this for us: of the 914 edge-case vectors of C2SP/CCTV OpenSSL 3.0 accepts 208, OpenSSL 3.5 43 and
 * noble 826 or 212. What is left after these checks is the cofactorless equation, on which all of them agree.
 * The comparisons are not constant-time: everything they look at is public.
 */

export const publicKeyBytes = 32
const signatureBytes = 64

/** True when the lengths, the encodings of A and R, and S < L allow the equation to be tried at all. */
export function isEncodingAllowed(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === publicKeyBytes &&
    signature.length === signatureBytes &&
    isPointAllowed(publicKey, 0) &&
    isPointAllowed(signature, 0) &&
    isScalarBelowOrder(signature, 32)
  )
}

/** Canonical (y < p) and none of the encodings of a point of order 1, 2, 4 or 8. Does not say that the point is on the curve. */
export function isPointAllowed(bytes: Uint8Array, offset: number): boolean {
  return isCanonical(bytes, offset) && !isSmallOrder(bytes, offset)
}

/** y < p = 2^255 − 19, little-endian, sign bit ignored: only 19 values of y fail, all of them ff…ff but for the lowest byte. */
function isCanonical(bytes: Uint8Array, offset: number): boolean {
  if ((bytes[offset + 31]! & 0x7f) !== 0x7f || bytes[offset]! < 0xed) return true
  for (let i = 1; i < 31; i++) if (bytes[offset + i] !== 0xff) return true
  return false
}

/**
 * The y of the eight points of small order, little-endian: order 4 (y = 0), order 1 (y = 1), order 2 (y = p − 1) and the two of
 * order 8. With either sign bit, so that "negative zero" x (non-canonical, though y < p) is refused with them.
 */
const smallOrderY: readonly Uint8Array[] = [
  Uint8Array.of(0, ...new Array<number>(31).fill(0)),
  Uint8Array.of(1, ...new Array<number>(31).fill(0)),
  Uint8Array.of(0xec, ...new Array<number>(30).fill(0xff), 0x7f),
  // biome-ignore format: one value a line
  Uint8Array.of(0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05),
  // biome-ignore format: one value a line
  Uint8Array.of(0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a),
]

function isSmallOrder(bytes: Uint8Array, offset: number): boolean {
  next: for (const y of smallOrderY) {
    if ((bytes[offset + 31]! & 0x7f) !== y[31]) continue
    for (let i = 0; i < 31; i++) if (bytes[offset + i] !== y[i]) continue next
    return true
  }
  return false
}

/** L = 2^252 + 27742317777372353535851937790883648493: the low 16 bytes of L, little-endian. */
const orderLow = Uint8Array.of(
  ...[0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14],
)

function isScalarBelowOrder(bytes: Uint8Array, offset: number): boolean {
  const top = bytes[offset + 31]!
  if (top !== 0x10) return top < 0x10
  for (let i = 30; i >= 16; i--) if (bytes[offset + i] !== 0) return false
  for (let i = 15; i >= 0; i--) if (bytes[offset + i] !== orderLow[i]) return bytes[offset + i]! < orderLow[i]!
  return false // S = L
}
