/** Everything that must hold in every run, each in a file of its own. A node is held to them while it is honest; `evidence.ts` counts the liars in. */
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { ackIsOnDisk } from './ack-is-on-disk.ts'
import { allAlikeAtTheEnd } from './all-alike-at-the-end.ts'
import { answersAreTrue } from './answers-are-true.ts'
import { attestationWindow } from './attestation-window.ts'
import { attestedIsCosigned } from './attested-is-cosigned.ts'
import { batchesInSequence } from './batches-in-sequence.ts'
import { blockTime } from './block-time.ts'
import { certifiedExtendsCommitted } from './certified-extends-committed.ts'
import { chainAddsUp } from './chain-adds-up.ts'
import { committedIsDurable } from './committed-is-durable.ts'
import { committedIsProven } from './committed-is-proven.ts'
import { cosignIsOnDisk } from './cosign-is-on-disk.ts'
import { cosignedIsCommitted } from './cosigned-is-committed.ts'
import { cosignedOnce } from './cosigned-once.ts'
import { diskNeverFalls } from './disk-never-falls.ts'
import { epochsFollow } from './epochs-follow.ts'
import { fenceHolds } from './fence-holds.ts'
import { firstBlockOfTerm } from './first-block-of-term.ts'
import { idsNeverReturn } from './ids-never-return.ts'
import { leaderIsComplete } from './leader-is-complete.ts'
import { leaderIsElected } from './leader-is-elected.ts'
import { lockIsOnDisk } from './lock-is-on-disk.ts'
import { lockNeverFalls } from './lock-never-falls.ts'
import { noBaseBelowLock } from './no-base-below-lock.ts'
import { noProcessDies } from './no-process-dies.ts'
import { nobodyHonestIsAccused } from './nobody-honest-is-accused.ts'
import { nothingInvalidIsSigned } from './nothing-invalid-is-signed.ts'
import { oneAckPerRank } from './one-ack-per-rank.ts'
import { oneBatchPerNumber } from './one-batch-per-number.ts'
import { oneBlockPerHeight } from './one-block-per-height.ts'
import { oneCertifiedPerRank } from './one-certified-per-rank.ts'
import { oneRecordPerStatement } from './one-record-per-statement.ts'
import { oneRootPerSize } from './one-root-per-size.ts'
import { oneSealPerRank } from './one-seal-per-rank.ts'
import { oneVotePerTerm } from './one-vote-per-term.ts'
import { onlyACloseChangesTheList } from './only-a-close-changes-the-list.ts'
import { onlyTheLeaderSeals } from './only-the-leader-seals.ts'
import { promisesAreFound } from './promises-are-found.ts'
import { signedByItsMembers } from './signed-by-its-members.ts'
import { silentUntilStored } from './silent-until-stored.ts'
import { silentWhileDamaged } from './silent-while-damaged.ts'
import { stateNeverFalls } from './state-never-falls.ts'
import { termsRiseByRight } from './terms-rise-by-right.ts'
import { voteIsOnDisk } from './vote-is-on-disk.ts'
import { windowsAreBounded } from './windows-are-bounded.ts'

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
  { name: 'nothing-invalid-is-signed', watch: nothingInvalidIsSigned },
  { name: 'nobody-honest-is-accused', watch: nobodyHonestIsAccused },
  // No word before its fsync.
  { name: 'vote-is-on-disk', watch: voteIsOnDisk },
  { name: 'ack-is-on-disk', watch: ackIsOnDisk },
  { name: 'lock-is-on-disk', watch: lockIsOnDisk },
  { name: 'cosign-is-on-disk', watch: cosignIsOnDisk },
  // What a restart finds, and the fence around it.
  { name: 'promises-are-found', watch: promisesAreFound },
  { name: 'disk-never-falls', watch: diskNeverFalls },
  { name: 'silent-until-stored', watch: silentUntilStored },
  { name: 'silent-while-damaged', watch: silentWhileDamaged },
  { name: 'fence-holds', watch: fenceHolds },
  // Who leads, and in which term.
  { name: 'leader-is-elected', watch: leaderIsElected },
  { name: 'leader-is-complete', watch: leaderIsComplete },
  { name: 'terms-rise-by-right', watch: termsRiseByRight },
  { name: 'only-the-leader-seals', watch: onlyTheLeaderSeals },
  // What is certified, committed and attested.
  { name: 'one-certified-per-rank', watch: oneCertifiedPerRank },
  { name: 'certified-extends-committed', watch: certifiedExtendsCommitted },
  { name: 'one-block-per-height', watch: oneBlockPerHeight },
  { name: 'committed-is-durable', watch: committedIsDurable },
  { name: 'committed-is-proven', watch: committedIsProven },
  { name: 'cosigned-is-committed', watch: cosignedIsCommitted },
  { name: 'cosigned-once', watch: cosignedOnce },
  { name: 'attested-is-cosigned', watch: attestedIsCosigned },
  // What the chain holds.
  { name: 'chain-adds-up', watch: chainAddsUp },
  { name: 'first-block-of-term', watch: firstBlockOfTerm },
  { name: 'block-time', watch: blockTime },
  { name: 'attestation-window', watch: attestationWindow },
  { name: 'batches-in-sequence', watch: batchesInSequence },
  { name: 'one-record-per-statement', watch: oneRecordPerStatement },
  // Who counts.
  { name: 'signed-by-its-members', watch: signedByItsMembers },
  { name: 'epochs-follow', watch: epochsFollow },
  { name: 'ids-never-return', watch: idsNeverReturn },
  { name: 'only-a-close-changes-the-list', watch: onlyACloseChangesTheList },
  // The process, and what it tells.
  { name: 'state-never-falls', watch: stateNeverFalls },
  { name: 'lock-never-falls', watch: lockNeverFalls },
  { name: 'windows-are-bounded', watch: windowsAreBounded },
  { name: 'answers-are-true', watch: answersAreTrue },
  { name: 'all-alike-at-the-end', watch: allAlikeAtTheEnd },
  { name: 'no-process-dies', watch: noProcessDies },
]
