/**
 * The numbers of the ledger, branded so that a height is never taken for a term, and the two formulas that
 * every quorum rests on.
 */

declare const brand: unique symbol
type Branded<Name extends string> = number & { readonly [brand]: Name }

/** A leader's period of office; 0 is the term of the genesis block. At most 2^48 (protocol rule 6). */
export type Term = Branded<'Term'>
/** Position of a block in the chain = index in the Raft log; 0 is the genesis block. */
export type Height = Branded<'Height'>

export const TERM_MAX = 2 ** 48

export const term = (value: number): Term => natural(value, TERM_MAX, 'term') as Term
export const height = (value: number): Height => natural(value, Number.MAX_SAFE_INTEGER, 'height') as Height

/** q = ⌈2N/3⌉: how many members serve for every kind of certificate (protocol.md, N=3→2, 4→3, 7→5, 10→7). */
export const quorumOf = (memberCount: number): number => Math.ceil((2 * memberCount) / 3)

/** f = ⌊(N−1)/3⌋: how many members may lie without breaking safety. */
export const faultsOf = (memberCount: number): number => Math.floor((memberCount - 1) / 3)

function natural(value: number, max: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError(`not a ${what}: ${value}`)
  return value
}
