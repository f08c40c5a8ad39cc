/** Four whole nodes: what becomes of a statement, whatever happens to the nodes it passes through. */
import { describe, expect, it } from 'vitest'
import { ReplicaWorld } from './replica-world.ts'

const cheap = { cheapSignatures: true }

function started(memberCount = 4, options = {}): ReplicaWorld {
  const world = new ReplicaWorld(memberCount, { ...cheap, ...options })
  world.startAll()
  world.electLeader()
  world.settle('the empty ledger is attested')
  return world
}

describe('a statement submitted to any member', () => {
  it('is attested by all, with real signatures', () => {
    const world = started(4, { cheapSignatures: false })
    for (const id of world.ids) world.submit(id, world.statement(id, `first of ${id}`))
    world.until(() => world.promised.length === 4, 'four receipts')
    world.settle()
    expect(world.promised.map(({ pending }) => pending.settlement?.kind)).toEqual([
      'record',
      'record',
      'record',
      'record',
    ])
    expect(world.faults).toEqual([])
  })

  it('becomes one record when two members take it in at the same moment', () => {
    const world = started()
    const jws = world.statement('wuhan', 'twice')
    world.submit('beijing', jws)
    world.submit('hangzhou', jws)
    world.until(() => world.promised.length === 2, 'two receipts')
    world.settle()
    const [one, two] = world.promised.map(({ pending }) => pending.settlement)
    expect(one).toMatchObject({ kind: 'record' })
    expect(two).toMatchObject({ kind: 'record', index: (one as { index: number }).index })
    expect([one, two].filter((s) => s?.kind === 'record' && s.duplicate)).toHaveLength(1)
    expect(world.faults).toEqual([])
  })
})
