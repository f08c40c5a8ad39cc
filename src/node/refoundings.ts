/**
 * Certificates of re-foundings (protocol.md, rule 22) as a node keeps them. One that was shown here and holds is kept for good, and written
 * before anything that relies on it: from then on this disk never goes on with the epoch that it ended, whatever a later start is given.
 */
import { CborError } from '../chain/cbor.ts'
import { type ChainRules, refoundedAfter } from '../chain/execution.ts'
import { decodeRefounding, type Refounding } from '../chain/refounding.ts'
import type { DiskCycle } from './disk-cycle.ts'
import { DiskReadFailed } from './disk-failure.ts'
import { metaKey } from './store-rows.ts'

const namePrefix = 'refounding/'
const rowOf = ({ epoch }: Refounding): Uint8Array => metaKey(`${namePrefix}${epoch}`)

/**
 * Those of the disk, and those given that do not contradict it: a ledger that has gone on by itself into that epoch, or beyond, is not
 * re-founded any more by the keys of the one before.
 */
export function refoundingsHeld(
  given: readonly Refounding[],
  cycle: Pick<DiskCycle, 'get'>,
  epoch: number | undefined,
): readonly Refounding[] {
  const held = new Map<number, Refounding>()
  for (const refounding of given) if (refounding.epoch > (epoch ?? 0)) held.set(refounding.epoch, refounding)
  // There is none where there was none: the numbers have no gaps but for epochs that ended by themselves.
  const newest = Math.max(epoch ?? 0, ...given.map((refounding) => refounding.epoch)) + 1
  for (let number = 1; number <= newest; number++) {
    const row = cycle.get(metaKey(`${namePrefix}${number}`))
    if (row !== undefined) held.set(number, readRow(row))
  }
  return [...held.values()]
}

/** @throws {DiskReadFailed} it cannot be made again, and without it this node does not know in which epoch it is */
function readRow(row: Uint8Array): Refounding {
  try {
    return decodeRefounding(row)
  } catch (error) {
    if (error instanceof CborError) throw new DiskReadFailed(`a re-founding: ${error.message}`)
    throw error
  }
}

/** Shown while the node runs: it holds for the epoch after this one. @throws {CborError | Refusal} */
export function refoundingFrom(bytes: Uint8Array, rules: ChainRules): Refounding {
  const refounding = decodeRefounding(bytes)
  refoundedAfter({ ...rules, refoundings: [refounding] })
  return refounding
}

export function keepRefounding(refounding: Refounding, cycle: DiskCycle): void {
  cycle.put(rowOf(refounding), refounding.bytes)
}
