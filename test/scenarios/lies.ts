/**
 * What a lying member can say, and honest code never would. Its signatures are real ones: whatever it signs is evidence against it. A
 * certificate it shows without q real signatures is a forgery, and thrown away by whoever checks.
 *
 *   lie xiamen seal 1.1x on genesis            lie xiamen send 1.1x to wuhan
 *   lie xiamen ACK 1.1x base genesis to wuhan  lie xiamen LOCK 1.1x to all  lie xiamen VOTE t3 wuhan base genesis to wuhan
 *   lie xiamen QC 1.1x base genesis to wuhan   lie xiamen CC 1.1x to wuhan  lie xiamen EC t3 xiamen base genesis to wuhan
 *   lie xiamen heartbeat t3 to wuhan           lie xiamen claim t900 to beijing   lie xiamen refuse 1.1 stale to beijing
 *   lie xiamen pre-vote t9 base 1.1 to wuhan   lie xiamen ask t9 base 1.1 to wuhan   lie xiamen hand-over t1 xiamen to wuhan
 *   lie xiamen read-reply 1 height 9 to wuhan
 */
import type { BlockCertificate, BlockRef, Certificate, Signable } from '../../src/chain/certificate.ts'
import { type Height, quorumOf, type Term } from '../../src/chain/numbers.ts'
import { type BlockMeta, type MemberId, type Message, signedMessage } from '../../src/consensus/message.ts'
import { ackOf, lockOf, refTo, signatureOf, voteFor } from '../consensus/facts.ts'
import { clauses } from './script.ts'
import type { Stage } from './stage.ts'

interface Lie {
  readonly stage: Stage
  readonly liar: MemberId
  readonly said: readonly string[]
  readonly base: BlockRef | undefined
  readonly blocks: readonly BlockMeta[]
  readonly tell: (message: Message) => void
}

export function lie(stage: Stage, liar: MemberId, [kind, ...words]: readonly string[]): void {
  if (!stage.evidence.isLiar(liar)) throw new Error(`${liar} is honest`)
  const { before, base, on, to } = clauses(words, ['base', 'on', 'to'])
  const listeners = to?.[0] === 'all' ? stage.members.filter((member) => member !== liar) : (to ?? [])
  if (kind === 'seal') return seal(stage, liar, before[0]!, blockNamed(stage, on?.[0]))
  if (kind === 'send') {
    const blocks = before.map((id) => blockNamed(stage, id))
    for (const listener of listeners) stage.send(liar, listener, { kind: 'blocks', blocks })
    return
  }
  const speak = lies[kind!]
  if (speak === undefined || listeners.length === 0) throw new Error(`nobody can lie "${kind}" to "${to}"`)
  speak({
    stage,
    liar,
    said: before,
    base: base === undefined ? undefined : blockNamed(stage, base[0]),
    blocks: before.filter((id) => stage.evidence.blocks.has(id)).map((id) => blockNamed(stage, id)),
    tell: (message) => {
      for (const listener of listeners) stage.send(liar, listener, { kind: 'message', message })
    },
  })
}

const lies: Readonly<Record<string, (lie: Lie) => void>> = {
  ACK: (lie) => sign(lie, ackOf(lie.base!, lie.blocks[0]!)),
  LOCK: (lie) => sign(lie, lockOf(lie.blocks[0]!)),
  VOTE: (lie) => sign(lie, voteFor(termOf(lie), lie.said[1]!, lie.base!)),
  QC: (lie) => lie.tell({ kind: 'certified', certificate: certificateOf(lie, ackOf(lie.base!, lie.blocks[0]!)) }),
  CC: (lie) => lie.tell({ kind: 'certified', certificate: certificateOf(lie, lockOf(lie.blocks[0]!)) }),
  EC: (lie) => {
    const election = certificateOf(lie, voteFor(termOf(lie), lie.said[1]!, lie.base!))
    lie.tell({ kind: 'elected', election, ...proofOf(lie) })
  },
  heartbeat: (lie) => {
    const height = Number(lie.said[1] ?? 0) as Height
    const term = termOf(lie)
    lie.tell({ kind: 'heartbeat', term, lock: { term, height }, commit: height, certified: height, round: 1 })
  },
  claim: (lie) => {
    const { stage, tell } = lie
    const term = stage.leader()?.core.term ?? (0 as Term)
    const nothing = { term: 0 as Term, height: 0 as Height }
    tell({ kind: 'heartbeat-reply', term, ownTerm: termOf(lie), lock: nothing, commit: 0 as Height, round: 1 })
  },
  refuse: ({ said, blocks, tell }) => tell({ kind: 'block-refused', ...refTo(blocks[0]!), code: said[1]! }),
  'pre-vote': (lie) => lie.tell({ kind: 'pre-vote', term: termOf(lie), base: refTo(lie.base!), handover: false }),
  ask: (lie) =>
    lie.tell({ kind: 'vote-request', term: termOf(lie), base: refTo(lie.base!), handover: false, ...proofOf(lie) }),
  'hand-over': (lie) => lie.tell({ kind: 'handover', term: termOf(lie), to: lie.said[1]! }),
  'read-reply': ({ said, tell }) =>
    tell({ kind: 'read-reply', context: Number(said[0]), height: Number(said[2]) as Height }),
}

function seal(stage: Stage, liar: MemberId, id: string, parent: BlockMeta): void {
  const [term, height] = /^(\d+)\.(\d+)/.exec(id)!.slice(1).map(Number)
  stage.evidence.sealed(liar, { term: term as Term, height: height as Height, id, parent: parent.id, bytes: 100 })
  stage.tell(`${liar} seals ${id} on ${parent.id}`)
}

function sign({ stage, liar, tell }: Lie, signable: Signable): void {
  stage.evidence.signed(liar, signable)
  stage.noteSigned(liar, signable)
  tell(signedMessage(signable, signatureOf(liar)))
}

/** Over those who did sign, if they are enough; else over names that never did. */
function certificateOf<S extends Signable>({ stage }: Lie, signed: S): Certificate<S> {
  const quorum = quorumOf(stage.members.length)
  const real = stage.members.filter((member) => stage.evidence.isSigned(member, signed))
  const names = real.length >= quorum ? real : stage.members.slice(0, quorum)
  return { signed, signatures: names.map((member) => ({ member, signature: signatureOf(member) })) }
}

/** A certificate for its base that the liar has kept, if there is one. */
function proofOf({ stage, liar, base }: Lie): { certificate?: BlockCertificate } {
  const { lock } = stage.node(liar).core
  return lock.certificate !== undefined && lock.block.id === base?.id ? { certificate: lock.certificate } : {}
}

const termOf = ({ said }: Lie): Term => Number(said[0]!.replace(/^t/, '')) as Term

function blockNamed(stage: Stage, id: string | undefined): BlockMeta {
  const block = stage.evidence.blocks.get(id ?? '')
  if (block === undefined) throw new Error(`there is no block ${id}`)
  return block
}
