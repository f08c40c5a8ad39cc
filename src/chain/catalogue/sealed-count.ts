/**
 * The count of an opening: which leaves are public and what became of them, which places are accounted for, and what is left. A leaf is the
 * content, a place is where it stands: the same leaf may stand in several members' boxes, and then is one bid. What is left is
 * all places less those that are accounted for, so it is never below nothing, in whatever order things are shown.
 */
import { Refusal } from '../refusal.ts'
import type { StateReader } from '../state.ts'
import { closersOf, closes } from './box-life.ts'
import type { Place } from './sealed-fields.ts'
import type { RuleContext } from './statement-type.ts'
import { type Key, natural, table, text } from './table.ts'

/** What became of a bid: it stands, another took its place, or it was withdrawn; or the leaf is none, but a withdrawal. */
type Status = 'bid' | 'replaced' | 'withdrawn' | 'withdrawal'

/** A leaf whose content is public, by box and leaf. */
const leaves = table('sealed-leaf', {
  status: text,
  /** Index of the record that showed it first, and of the one that ended it. */
  index: natural,
  /** In how many places it was shown to stand. */
  places: natural,
  /** The leaf that replaced or withdrew it; empty while none did. */
  endedBy: text,
})

/** A place that is accounted for, by box, member and leaf. `by` is `path` or `receipt`. */
const places = table('sealed-place', { index: natural, by: text })

/** A receipt that was brought, by box, member and leaf. */
export const claims = table('sealed-claim', { receivedAt: natural })

const tallies = table('sealed-tally', {
  /** Brought by receipt, and not shown to be in a close. */
  claimed: natural,
  /** Places that are accounted for. */
  accounted: natural,
  /** Leaves by what became of them, of those that were shown to stand anywhere. */
  bid: natural,
  replaced: natural,
  withdrawn: natural,
  withdrawal: natural,
})
const nothingYet = { claimed: 0, accounted: 0, bid: 0, replaced: 0, withdrawn: 0, withdrawal: 0 }

export interface Tally {
  /** Places: in all closed boxes together, and by receipt. */
  readonly leaves: number
  readonly bids: number
  readonly replaced: number
  readonly withdrawn: number
  /** Places of which nobody has shown what stands there. */
  readonly notRevealed: number
}

/** What is accounted for so far. */
export function tallyOf(state: StateReader, key: Key): Tally {
  const { claimed, accounted, bid, replaced, withdrawn } = tallies.read(state, key) ?? nothingYet
  const inBoxes = closersOf(state, key).reduce((sum, member) => sum + closes.read(state, [...key, member])!.count, 0)
  const all = inBoxes + claimed
  return { leaves: all, bids: bid, replaced, withdrawn, notRevealed: all - accounted }
}

export const isByPath = ({ path }: Place): boolean => path !== undefined

/** What the ledger knows of a leaf. */
export const leafAt = (state: StateReader, key: Key, leaf: string) => leaves.read(state, [...key, leaf])

/** Whether a place is accounted for, so that showing it again says nothing new. A claimed one may turn out to be in the close all the same. */
export function isAccounted(state: StateReader, key: Key, leaf: string, place: Place): boolean {
  const before = places.read(state, [...key, place.member, leaf])
  return before !== undefined && (before.by === 'path' || !isByPath(place))
}

/** @throws {Refusal} bid.claimed-already */
export function refuseSecondClaim(state: StateReader, key: Key, member: string, leaf: string): void {
  if (claims.read(state, [...key, member, leaf]) === undefined) return
  throw new Refusal('bid.claimed-already', `the leaf ${leaf} was claimed before`)
}

/** A receipt was brought: one more place, until the close turns out to have it. */
export function countClaim(context: RuleContext, key: Key, member: string, leaf: string, receivedAt: number): void {
  claims.write(context.state, [...key, member, leaf], { receivedAt })
  add(context, key, 'claimed', 1)
}

/** A leaf becomes public. @returns whether it was not yet */
export function showLeaf({ state, index }: RuleContext, key: Key, leaf: string, status: 'bid' | 'withdrawal'): boolean {
  if (leafAt(state, key, leaf) !== undefined) return false
  leaves.write(state, [...key, leaf], { status, index, places: 0, endedBy: '' })
  return true
}

/** A public leaf is shown to stand there. @returns in how many places it now stands */
export function countPlace(context: RuleContext, key: Key, leaf: string, place: Place): number {
  const { state, index } = context
  const name = [...key, place.member, leaf]
  const before = places.read(state, name)
  const known = leafAt(state, key, leaf)!
  if (isAccounted(state, key, leaf, place)) return known.places
  const by = isByPath(place) ? 'path' : 'receipt'
  places.write(state, name, { index, by })
  // Claimed by receipt, and in the close all the same: it is one.
  if (by === 'path' && claims.read(state, name) !== undefined) add(context, key, 'claimed', -1)
  if (before !== undefined) return known.places
  add(context, key, 'accounted', 1)
  leaves.write(state, [...key, leaf], { ...known, places: known.places + 1 })
  if (known.places === 0) add(context, key, known.status as Status, 1)
  return known.places + 1
}

/** A public bid is no longer one. @returns the record that ended it before, when something else did */
export function endLeaf(
  context: RuleContext,
  key: Key,
  leaf: string,
  status: 'replaced' | 'withdrawn',
  endedBy: string,
): number | undefined {
  const before = leafAt(context.state, key, leaf)!
  if (before.status !== 'bid') return before.endedBy === endedBy ? undefined : before.index
  leaves.write(context.state, [...key, leaf], { ...before, status, endedBy, index: context.index })
  if (before.places === 0) return undefined
  add(context, key, 'bid', -1)
  add(context, key, status, 1)
  return undefined
}

function add({ state }: RuleContext, key: Key, column: keyof typeof nothingYet, more: number): void {
  const tally = tallies.read(state, key) ?? nothingYet
  tallies.write(state, key, { ...tally, [column]: tally[column] + more })
}
