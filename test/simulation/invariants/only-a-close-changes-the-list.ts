/**
 * Rule 21: nothing but the record that closes an epoch ever changes N, q or who counts — no fault, no report, no silence, no time. Each process
 * counts by the list that the chain gave its epoch, and leaves it for the next one only, once that one's start can have been attested.
 */
import type { Epoch } from '../../../src/chain/epoch.ts'
import { canonicalJson, type JsonValue } from '../../../src/chain/json.ts'
import { faultsOf, quorumOf } from '../../../src/chain/numbers.ts'
import type { NodeProcess } from '../node-process.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { evidenceOf } from './evidence.ts'

const name = 'only-a-close-changes-the-list'

export function onlyACloseChangesTheList(world: World): Watch {
  const evidence = evidenceOf(world)
  const seen = new WeakMap<NodeProcess, Epoch>()

  const check = ({ member }: NodeProcess, now: Epoch, before: Epoch | undefined): void => {
    const wrong = (what: string): void => world.violated(name, `${member} in epoch ${now.number} ${what}`)
    const { length } = now.members
    if (now.quorum !== quorumOf(length) || now.faults !== faultsOf(length))
      wrong(`counts ${now.quorum} of ${length} for a quorum`)
    const given = world.epochNumbered(now.number)
    if (given === undefined) return wrong('is where no record led')
    if (given !== now && textOf(given) !== textOf(now)) wrong('counts by another list than the chain gave it')
    if (before !== undefined && now.number !== before.number && now.number !== before.number + 1)
      wrong(`came from epoch ${before.number}`)
    if (now.number > 0 && !evidence.isAttested(now.start.size, now.start.root))
      wrong('has begun it, and nobody can have attested its start')
  }

  return {
    turned(process) {
      if (!process.isStarted) return
      const { epoch } = process.replica
      const before = seen.get(process)
      if (before === epoch) return
      seen.set(process, epoch)
      check(process, epoch, before)
    },
  }
}

/** One that was read back from its row has the same members in another spelling. */
const textOf = ({ members, start }: Epoch): string => canonicalJson([members, start] as unknown as JsonValue)
