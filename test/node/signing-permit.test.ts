/** Rules 17, 18 and halt: what keeps a node from signing keeps it from signing also what it was about to. */
import { describe, expect, it } from 'vitest'
import { height } from '../../src/chain/numbers.ts'
import { rowsOfBlock } from '../../src/node/block-rows.ts'
import type { DepositResult } from '../../src/node/box-keeper.ts'
import { BoxStage } from './box-stage.ts'
import { ReplicaWorld } from './replica-world.ts'

const id = 'hangzhou'

function slowly(): ReplicaWorld {
  const world = new ReplicaWorld(4, {
    cheapSignatures: true,
    parameters: { boxRoundMs: 5_000, boxFastRoundMs: 1_000 },
  })
  world.startAll()
  world.until(() => world.ids.every((each) => world.replica(each).hindrances.length === 0), 'all are ready')
  if (world.leader() === id) world.replica(id).raft.handOver()
  world.settle()
  return world
}

/** A committed block of this node is damaged, and nobody is left to have it again from: the node signs nothing from now on. */
function forbidSigning(world: ReplicaWorld): void {
  const { store } = world.replica(id)
  for (const other of world.ids) if (other !== id) world.kill(other)
  for (const { key } of rowsOfBlock(height(1), store.blockBytes(height(1))!)) world.member(id).medium.tamper({ key })
  store.forgetAbove(height(0))
  world.replica(id).reportDamage(height(1))
  expect(world.replica(id).hindrances).toContain('node.recovering')
}

describe('while a node writes down what it is about to sign, a reason not to sign comes up', () => {
  it('rule 15: the checkpoint that it registers is not cosigned', () => {
    const world = slowly()
    world.member(id).diskMs = 2_000
    const { size } = world.replica(id).ledger.committed.frontier
    world.submit('beijing', world.statement('beijing', 'k'))
    world.until(() => world.replica(id).ledger.committed.frontier.size > size, 'the record is committed')
    forbidSigning(world)
    world.clock.advance(10_000)
    const cosigned = world.signed.wordsOf(id).flatMap((word) => (word.kind === 'COSIGN' ? [word.size] : []))
    expect(Math.max(...cosigned)).toBe(size)
  })

  it('a leaf of a sealed bid gets no receipt, and nobody waits for one in vain', () => {
    const world = slowly()
    const stage = new BoxStage(world)
    world.settle()
    world.member(id).diskMs = 2_000
    const answers: DepositResult[] = []
    const handIn = (name: string): void =>
      world.replica(id).deposit(stage.about, stage.bid(name).leaf, (answer) => answers.push(answer))
    handIn('in the middle of being written')
    world.clock.advance(1_100)
    handIn('before the next beat')
    forbidSigning(world)
    world.clock.advance(10_000)
    const refused = { kind: 'refused', code: 'node.not-ready' }
    expect(answers).toEqual([refused, refused])
  })
})
