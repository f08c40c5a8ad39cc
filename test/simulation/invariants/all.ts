/** Everything that must hold in every run, each in a file of its own. A node is held to them while it is honest; `evidence.ts` counts the liars in. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { ackIsOnDisk } from './ack-is-on-disk.ts'
import { attestedIsCosigned } from './attested-is-cosigned.ts'
import { committedIsDurable } from './committed-is-durable.ts'
import { committedIsProven } from './committed-is-proven.ts'
import { cosignIsOnDisk } from './cosign-is-on-disk.ts'
import { cosignedIsCommitted } from './cosigned-is-committed.ts'
import { lockIsOnDisk } from './lock-is-on-disk.ts'
import { noBaseBelowLock } from './no-base-below-lock.ts'
import { noProcessDies } from './no-process-dies.ts'
import { oneAckPerRank } from './one-ack-per-rank.ts'
import { oneBatchPerNumber } from './one-batch-per-number.ts'
import { oneBlockPerHeight } from './one-block-per-height.ts'
import { oneRootPerSize } from './one-root-per-size.ts'
import { oneSealPerRank } from './one-seal-per-rank.ts'
import { oneVotePerTerm } from './one-vote-per-term.ts'
import { voteIsOnDisk } from './vote-is-on-disk.ts'

export interface Invariant {
  readonly name: string
  readonly watch: (world: World) => Watch
}

export const invariants: readonly Invariant[] = [
  // What a key may say (rule 30).
  { name: 'one-vote-per-term', watch: oneVotePerTerm },
  { name: 'one-seal-per-rank', watch: oneSealPerRank },
  { name: 'one-ack-per-rank', watch: oneAckPerRank },
  { name: 'no-base-below-lock', watch: noBaseBelowLock },
  { name: 'one-batch-per-number', watch: oneBatchPerNumber },
  { name: 'one-root-per-size', watch: oneRootPerSize },
  // No word before its fsync.
  { name: 'vote-is-on-disk', watch: voteIsOnDisk },
  { name: 'ack-is-on-disk', watch: ackIsOnDisk },
  { name: 'lock-is-on-disk', watch: lockIsOnDisk },
  { name: 'cosign-is-on-disk', watch: cosignIsOnDisk },
  // What is committed and attested.
  { name: 'one-block-per-height', watch: oneBlockPerHeight },
  { name: 'committed-is-durable', watch: committedIsDurable },
  { name: 'committed-is-proven', watch: committedIsProven },
  { name: 'cosigned-is-committed', watch: cosignedIsCommitted },
  { name: 'attested-is-cosigned', watch: attestedIsCosigned },
  // The process.
  { name: 'no-process-dies', watch: noProcessDies },
]
