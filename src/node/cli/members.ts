/**
 * Who the members of a ledger are and were, asked of nodes that are not trusted: each epoch counts as far as the members before it have signed
 * for it. A node that shows fewer epochs than there are leaves a caller with older members, whose word it may still have; none can add one.
 */
import { type Client, ConnectionError, ProblemError } from '../../api/client/client.ts'
import type { Epoch } from '../../chain/epoch.ts'
import type { FoundedLedger } from '../../chain/founding.ts'
import { epochOfFounding, epochsFrom, epochsMax } from '../../chain/membership.ts'
import { VerificationError } from '../../chain/verification-error.ts'

/** The proofs of the epochs after the founding, in order, as this member shows them; believed by nobody yet. */
export async function epochProofsOf(client: Client, upTo = epochsMax): Promise<readonly Uint8Array[]> {
  let epochs: readonly unknown[] = []
  try {
    epochs = (await client.epochs()).epochs
  } catch (error) {
    // Software of before there were any.
    if (!(error instanceof ProblemError && error.problem.status === 404)) throw error
  }
  const proofs: Uint8Array[] = []
  for (let number = 1; number < Math.min(epochs.length, upTo + 1); number++)
    proofs.push(await client.epochProof(number))
  return proofs
}

/** The newest epoch that any of these members can prove. */
export async function newestEpochOf(
  founded: FoundedLedger,
  genesis: Uint8Array,
  clients: readonly Client[],
): Promise<Epoch> {
  let newest = epochOfFounding(founded, genesis)
  for (const client of clients) {
    try {
      const shown = epochsFrom(founded, genesis, await epochProofsOf(client))
      if (shown.number > newest.number) newest = shown
    } catch (error) {
      if (!(error instanceof VerificationError || error instanceof ProblemError || error instanceof ConnectionError)) {
        throw error
      }
    }
  }
  return newest
}
