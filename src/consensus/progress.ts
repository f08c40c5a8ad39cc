/**
 * What a leader knows of one peer, as a closed union with its transitions in this file:
 *
 *   probe ──position──▶ replicate ──connection lost, gap──▶ probe
 *
 * In `probe` nothing is sent until the peer says which block of ours it holds; in `replicate` blocks flow, bounded in bytes. A peer
 * that is further behind than the log in memory fetches by itself (it is shown a certificate) and then names its new position.
 */
import type { Height } from '../chain/numbers.ts'

export type Progress =
  | { readonly kind: 'probe' }
  | {
      readonly kind: 'replicate'
      /** Highest block the peer holds on this leader's chain. */
      readonly matched: Height
      /** Next block to send. */
      readonly next: Height
      /** Heartbeats answered since `matched` last moved while something was in flight. */
      readonly silentRounds: number
    }

/** A peer that answers this many heartbeats without moving on, with blocks in flight, has lost some of them. */
const silentRoundsMax = 5

export const probe: Progress = { kind: 'probe' }

export function replicateFrom(matched: Height): Progress {
  return { kind: 'replicate', matched, next: (matched + 1) as Height, silentRounds: 0 }
}

export function onAcknowledged(progress: Progress, height: Height): Progress {
  if (progress.kind === 'probe') return progress
  if (height <= progress.matched) return progress
  return {
    kind: 'replicate',
    matched: height,
    next: Math.max(progress.next, height + 1) as Height,
    silentRounds: 0,
  }
}

export function onSent(progress: Progress, through: Height): Progress {
  return progress.kind === 'replicate' ? { ...progress, next: (through + 1) as Height } : progress
}

/** The peer reported its position in answer to a heartbeat. */
export function onPosition(progress: Progress, position: Height): Progress {
  if (progress.kind === 'probe') return replicateFrom(position)
  if (position > progress.matched) return onAcknowledged(progress, position)
  if (progress.next === progress.matched + 1) return progress
  if (progress.silentRounds + 1 >= silentRoundsMax) return replicateFrom(position)
  return { ...progress, silentRounds: progress.silentRounds + 1 }
}
