/**
 * How the members of a world change: one by one or all at once by the record of a closing (in production no record type does yet), or by a
 * certificate of governance where a quorum is gone (rule 22).
 */
import type { Height } from '../../src/chain/numbers.ts'
import { height } from '../../src/chain/numbers.ts'
import type { Refounding } from '../../src/chain/refounding.ts'
import type { Ready } from '../../src/node/replica.ts'
import { refoundingBy } from '../chain/refounding-fixture.ts'
import { type FoundedMember, refoundedMember } from '../simulation/founding.ts'
import type { ReplicaWorld } from './replica-world.ts'

/** A node that is not in the list starts, follows, and says when it is ready. */
export function readied(world: ReplicaWorld, id: string): Ready {
  if (world.member(id).replica === undefined) world.start(id)
  let ready: Ready | undefined
  world.until(() => {
    const { replica } = world.member(id)
    if (replica?.isStarted === true) replica.signReady((signed) => (ready = signed))
    return ready !== undefined
  }, `${id} is ready`)
  return ready!
}

/** Submits, at this member, the statement whose record makes these the members. */
export function change(
  world: ReplicaWorld,
  at: string,
  members: readonly string[],
  ready: readonly Ready[],
  key = 'close',
): void {
  world.closings.set(key, {
    members: members.map((id) => world.member(id).member),
    ready: new Map(ready.map(({ node, block }): [string, Height] => [node, block.height])),
  })
  world.submit(at, world.statement('beijing', key))
}

export function inEpoch(world: ReplicaWorld, number: number, ids: readonly string[]): void {
  world.until(
    () => ids.every((id) => world.member(id).replica?.isStarted === true && world.replica(id).epoch.number === number),
    `${ids.join(', ')} in epoch ${number}`,
  )
}

/** What these organisations sign off-line: that these go on from the newest head that this member has an attestation of. */
export function refounding(
  world: ReplicaWorld,
  at: string,
  by: readonly string[],
  members: readonly FoundedMember[],
): Refounding {
  const { store, attested, epoch } = world.replica(at)
  const { size, root } = attested!
  let start = epoch.start.block
  for (let n = 1; ; n++) {
    const block = store.block(height(n))
    if (block === undefined) break
    if (block.header.size !== size) continue
    start = { term: block.header.term, height: block.header.height, id: block.id }
    break
  }
  const terms = {
    ledger: world.genesis.ledger,
    epoch: epoch.number + 1,
    start: { block: start, size, root },
    members: members.map(({ member }) => member),
  }
  return refoundingBy(
    terms,
    attested!,
    by.map((id) => world.member(id).founded),
  )
}

/** Whoever was a member has another cosign key and log key from then on. */
export const goingOn = (world: ReplicaWorld, ids: readonly string[]): FoundedMember[] =>
  ids.map((id) => {
    const { founded } = world.member(id)
    return world.ids.includes(id) ? refoundedMember(founded, 1) : founded
  })

/** The old nodes are stopped, and the operators of those that go on put the certificate into their homes. */
export function take(world: ReplicaWorld, shown: Refounding, going: readonly string[], gone: readonly string[]): void {
  for (const id of [...gone, ...going]) world.kill(id)
  for (const id of going) {
    if (world.ids.includes(id)) world.refound(id, 1)
    const held = world.member(id)
    held.refoundings = [shown]
    world.signed.comesAfterRefounding(held.cosigner ?? held.signer)
  }
  world.forgetAttestedAbove(shown.start.size)
}

/** Two of the first four are gone for good; two go on, with two that join, from what is attested. */
export function refoundedWith(world: ReplicaWorld, joining: readonly [string, string]): readonly string[] {
  const going = ['beijing', 'guangzhou', ...joining]
  const shown = refounding(world, 'beijing', world.ids.slice(0, 3), goingOn(world, going))
  take(world, shown, going, ['hangzhou', 'wuhan'])
  for (const id of going) world.start(id)
  inEpoch(world, 1, going)
  for (const id of going) world.until(() => world.replica(id).hindrances.length === 0, `${id} works`)
  return going
}
