/**
 * Rules 4 and 7: the first block of a term stands on base(t), is empty, and carries EC(t) — q VOTEs of distinct members for its leader on
 * that base, which the honest among them gave — and the certificate of the base, which the start of an epoch has not; a term goes on under
 * its leader alone.
 */
import type { Block } from '../../../src/chain/block.ts'
import type { Watch } from '../watch.ts'
import type { World } from '../world.ts'
import { alongTheChain } from './along-the-chain.ts'
import { evidenceOf } from './evidence.ts'

const name = 'first-block-of-term'

export function firstBlockOfTerm(world: World): Watch {
  const evidence = evidenceOf(world)
  const last = { term: 0, leader: '' }

  const checkFirst = ({ header, carried, batches }: Block, wrong: (what: string) => void): void => {
    const { epoch, term, leader, parent, height } = header
    const list = world.epochNumbered(epoch)!
    if (batches.length > 0) wrong('is the first of its term and not empty')
    const election = carried.election
    if (election === undefined) return wrong('begins a term without an election certificate')
    const { signed, signatures } = election
    if (signed.term !== term || signed.candidate !== leader || signed.base.id !== parent)
      wrong('carries the election of another term, leader or base')
    const voters = new Set(
      signatures.map(({ member }) => member).filter((id) => list.members.some((member) => member.id === id)),
    )
    if (voters.size < list.quorum) wrong(`carries an election by ${voters.size} members`)
    for (const id of voters) {
      if (evidence.isBound(id) && !evidence.hasVoted(id, epoch, term, leader, parent))
        wrong(`carries a vote that ${id} never gave`)
    }
    const base = carried.base?.signed.block
    if (height > list.start.block.height + 1 ? base?.id !== parent : base !== undefined)
      wrong('does not carry the certificate of its base')
    if (base !== undefined && !evidence.isCertified(base.id))
      wrong('carries a certificate of its base that nobody can have made')
  }

  return alongTheChain(({ block }) => {
    const { height, term, leader } = block.header
    const wrong = (what: string): void => world.violated(name, `block ${height} ${what}`)
    if (term > last.term) checkFirst(block, wrong)
    else if (term < last.term) wrong(`is of term ${term}, after ${last.term}`)
    else if (leader !== last.leader) wrong(`of term ${term} was sealed by ${leader}, and before it led ${last.leader}`)
    Object.assign(last, { term, leader })
  })
}
