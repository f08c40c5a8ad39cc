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
      /** Tick at which `matched` last moved, or something was sent with nothing else in flight. */
      readonly movedAtTick: number
    }

export const probe: Progress = { kind: 'probe' }

export function replicateFrom(matched: Height, nowTick: number): Progress {
  return { kind: 'replicate', matched, next: (matched + 1) as Height, movedAtTick: nowTick }
}

export function onAcknowledged(progress: Progress, height: Height, nowTick: number): Progress {
  if (progress.kind === 'probe' || height <= progress.matched) return progress
  const next = Math.max(progress.next, height + 1) as Height
  return { kind: 'replicate', matched: height, next, movedAtTick: nowTick }
}

export function onSent(progress: Progress, through: Height, nowTick: number): Progress {
  if (progress.kind === 'probe') return progress
  const idle = progress.next === progress.matched + 1
  return { ...progress, next: (through + 1) as Height, movedAtTick: idle ? nowTick : progress.movedAtTick }
}

/** The peer reported its position in answer to a heartbeat; what was in flight without a move for `patienceTicks` is sent again. */
export function onPosition(progress: Progress, position: Height, nowTick: number, patienceTicks: number): Progress {
  if (progress.kind === 'probe') return replicateFrom(position, nowTick)
  if (position > progress.matched) return onAcknowledged(progress, position, nowTick)
  const idle = progress.next === progress.matched + 1
  return idle || nowTick - progress.movedAtTick < patienceTicks ? progress : replicateFrom(position, nowTick)
}
