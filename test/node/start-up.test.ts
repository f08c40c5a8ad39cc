/** What a start finds on the disk, and what it makes of it (protocol.md rules 17 and 18; consensus.md section 4). */
import { describe, expect, it } from 'vitest'
import { assembleBlock } from '../../src/chain/block.ts'
import { height } from '../../src/chain/numbers.ts'
import { parseStatement } from '../../src/chain/statement.ts'
import { blockKey, rowsOfBlock } from '../../src/node/block-rows.ts'
import { decodeHeadFile } from '../../src/node/durable-state.ts'
import type { MemoryMedium, PhaseCount } from '../../src/node/memory-disk.ts'
import type { Slot } from '../../src/node/ports.ts'
import { Queries } from '../../src/node/queries.ts'
import { derivedPrefixes, journalRange, metaKey, prefixRange } from '../../src/node/store-rows.ts'
import { ReplicaWorld } from './replica-world.ts'

function grown(records = 6): ReplicaWorld {
  const world = new ReplicaWorld(4, { cheapSignatures: true })
  world.startAll()
  world.electLeader()
  for (let i = 0; i < records; i++) {
    world.submit(world.ids[i % 4]!, world.statement('wuhan', `k${i}`))
    world.settle()
  }
  world.clock.advance(2_000)
  return world
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = bytes.slice()
  copy[at]! ^= 1
  return copy
}

function queriesOf(world: ReplicaWorld, id: string): Queries {
  return new Queries(
    { rules: world.rules, member: id, node: world.member(id).member.node.id, version: 'test' },
    {
      clock: world.clock,
      signer: {
        publicKey: (purpose) => world.publicKey(id, purpose),
        sign: (purpose, message, done) => done(world.sign(id, purpose, message)),
      },
      replica: world.replica(id),
      metrics: () => Promise.resolve(''),
    },
  )
}

function rowsOf(world: ReplicaWorld, id: string): Map<string, string> {
  const rows = new Map<string, string>()
  for (const first of derivedPrefixes) {
    for (const { key, value } of world.member(id).medium.select(prefixRange(first))) {
      rows.set(Buffer.from(key).toString('hex'), Buffer.from(value!).toString('hex'))
    }
  }
  return rows
}

describe('the first start', () => {
  for (const phases of [0, 1, 2, 3] as const) {
    it(`cut off after ${phases} phases of its first write is made again`, () => {
      const world = new ReplicaWorld(4, { cheapSignatures: true })
      world.startAll()
      world.kill('beijing', phases)
      world.start('beijing')
      world.electLeader()
      world.submit('beijing', world.statement('beijing', 'one'))
      world.settle()
      expect(world.faults).toEqual([])
    })
  }
})

describe('a crash at any phase of any write', () => {
  for (const phases of [0, 1, 2, 3] as const satisfies readonly PhaseCount[]) {
    it(`is survived when ${phases} phases of it reached the disk`, () => {
      const world = grown(1)
      // A write cycle takes long, so every kill below hits one in flight.
      for (let i = 0; i < 8; i++) {
        const id = world.ids[i % 4]!
        world.member(id).diskMs = 3
        world.submit(id, world.statement('wuhan', `c${i}`))
        world.submit(world.ids[(i + 1) % 4]!, world.statement('wuhan', `d${i}`))
        world.clock.advance(4 + i)
        world.kill(id, phases)
        world.start(id)
        world.settle(`after crash ${i}`)
      }
      expect(world.faults).toEqual([])
      expect(world.unanswered('beijing')).toEqual([])
    })
  }
})

describe('rule 18: damage at or below the watermark', () => {
  it('in a block not folded yet: recovering, no signature, fetched again', () => {
    const world = grown()
    const last = world.replica('hangzhou').raft.commit
    world.kill('hangzhou')
    const { medium } = world.member('hangzhou')
    // Derived rows vanish with a block from the middle: the blocks are walked from genesis.
    medium.tamper({ key: metaKey('applied') })
    medium.tamper({ key: blockKey(height(3)), value: flipped(medium.get(blockKey(height(3)))!, 40) })
    const before = world.signed.totalOf('hangzhou')
    world.start('hangzhou')
    world.until(() => world.replica('hangzhou').isStarted, 'started')
    expect(world.replica('hangzhou').hindrances).toContain('node.recovering')
    expect(world.replica('hangzhou').ledger.committed.block.height).toBe(2)
    expect(world.signed.totalOf('hangzhou')).toBe(before)
    world.until(() => !world.replica('hangzhou').hindrances.includes('node.recovering'), 'recovered')
    expect(world.replica('hangzhou').raft.commit).toBeGreaterThanOrEqual(last)
    world.submit('hangzhou', world.statement('wuhan', 'after'))
    world.settle()
    expect(world.faults).toEqual([])
  })

  it('is found again by the next start if this one did not get far enough', () => {
    const world = grown()
    world.kill('hangzhou')
    const { medium } = world.member('hangzhou')
    medium.tamper({ key: metaKey('applied') })
    medium.tamper({ key: blockKey(height(3)) })
    world.network.partition([['hangzhou'], ['beijing', 'guangzhou', 'wuhan']])
    for (let start = 0; start < 3; start++) {
      world.start('hangzhou')
      world.clock.advance(3_000)
      expect(world.replica('hangzhou').hindrances).toContain('node.recovering')
      world.kill('hangzhou', start as PhaseCount)
    }
    world.network.heal()
    world.start('hangzhou')
    world.settle()
    expect(world.faults).toEqual([])
  })

  it('in the last block: found in the background, and fetched again', () => {
    const world = grown()
    for (const id of world.ids) world.kill(id, 3)
    const { medium } = world.member('hangzhou')
    const rows = medium.select(prefixRange(0x62))
    medium.makeUnreadable(rows.at(-1)!.key)
    for (const id of world.ids) world.start(id)
    world.settle()
    world.clock.advance(2_000)
    world.settle('looked at in the background')
    expect(world.faults).toEqual([])
  })

  it('in a block long applied is repaired when a peer asks for it, and stops nothing', () => {
    const world = grown()
    world.kill('beijing')
    world.member('beijing').medium.wipe()
    for (const id of ['hangzhou', 'wuhan']) {
      world.kill(id)
      const { medium } = world.member(id)
      medium.tamper({ key: blockKey(height(4)), value: flipped(medium.get(blockKey(height(4)))!, 60) })
      medium.makeUnreadable(blockKey(height(2)))
      world.start(id)
    }
    // A new node would be another member; what matters here is who is asked for the blocks.
    const asking = world.impostor('beijing')
    world.clock.advance(500)
    for (const id of ['hangzhou', 'wuhan', 'guangzhou'])
      asking.send(id, { kind: 'blocks-request', from: height(1) }, 'bulk')
    world.clock.advance(500)
    expect(world.faults.filter((fault) => fault.includes('stopped'))).toEqual([])
    const answers = asking.received.filter(({ message }) => message.kind === 'blocks-response')
    expect(answers.map(({ from }) => from).sort()).toEqual(['guangzhou', 'hangzhou', 'wuhan'])
    // What was not reached is found in the background.
    world.clock.advance(30_000)
    asking.stop()
    for (const id of ['hangzhou', 'wuhan']) {
      for (const at of [2, 4]) expect(world.replica(id).store.block(height(at))?.header.height).toBe(at)
    }
  })
})

describe('rule 18: a block in many pieces', () => {
  const ways = {
    changed: (medium: MemoryMedium, key: Uint8Array) => medium.tamper({ key, value: flipped(medium.get(key)!, 60) }),
    lost: (medium: MemoryMedium, key: Uint8Array) => medium.tamper({ key }),
    torn: (medium: MemoryMedium, key: Uint8Array) => medium.tamper({ key, value: medium.get(key)!.slice(0, 90) }),
    unreadable: (medium: MemoryMedium, key: Uint8Array) => medium.makeUnreadable(key),
  }
  for (const [how, damage] of Object.entries(ways)) {
    it(`one of which is ${how}: fetched again, whether it is read or walked at a start`, async () => {
      const world = grown()
      for (let i = 0; i < 40; i++) world.submit('wuhan', world.statement('wuhan', `many ${i}`))
      world.settle()
      const { store, ledger } = world.replica('wuhan')
      const heights = Array.from({ length: ledger.committed.block.height }, (_, i) => height(i + 1))
      const at = heights.find((each) => store.blockKeys(each).length > 2)!
      const last = height(store.block(at)!.header.size - 1)
      world.kill('hangzhou', 3)
      damage(world.member('hangzhou').medium, blockKey(at, 1))
      world.start('hangzhou')
      world.until(() => world.replica('hangzhou').isStarted, 'started')
      const answers = queriesOf(world, 'hangzhou')
      expect(() => answers.block(at)).toThrow(expect.objectContaining({ name: 'Refusal', code: 'node.recovering' }))
      world.settle()
      world.until(() => world.replica('hangzhou').hindrances.length === 0, 'fetched')
      expect(answers.block(at)?.bytes).toEqual(store.blockBytes(at))
      const [record, same] = [answers, queriesOf(world, 'wuhan')].map((each) => each.recordByIndex(last)!)
      expect(record!.entry).toEqual(same!.entry)
      expect(record!.payload).toEqual(same!.payload)
      world.kill('hangzhou', 3)
      damage(world.member('hangzhou').medium, blockKey(at, 1))
      world.member('hangzhou').medium.tamper({ key: metaKey('applied') })
      world.start('hangzhou')
      world.until(() => world.replica('hangzhou').isStarted, 'started')
      expect(world.replica('hangzhou').ledger.committed.block.height).toBe(at - 1)
      world.settle()
      expect(queriesOf(world, 'hangzhou').block(at)?.bytes).toEqual(store.blockBytes(at))
      expect(world.faults).toEqual([])
    })
  }
})

describe('the block that was cosigned last', () => {
  const damages = {
    unreadable: (medium: MemoryMedium, at: number) => medium.makeUnreadable(blockKey(height(at))),
    lost: (medium: MemoryMedium, at: number) => medium.tamper({ key: blockKey(height(at)) }),
    // In the header's time: a whole block, and another one.
    changed: (medium: MemoryMedium, at: number) =>
      medium.tamper({ key: blockKey(height(at)), value: flipped(medium.get(blockKey(height(at)))!, 55) }),
  }
  for (const [how, damage] of Object.entries(damages)) {
    it(`is fetched again when the disk has it ${how}, and cosigning goes on`, () => {
      const world = grown()
      // Empty blocks stand above it, so that a start does not have it in memory.
      const { register } = decodeHeadFile(intact(world.member('wuhan').medium.slots.head))
      expect(register.height).toBeLessThan(world.replica('wuhan').raft.commit)
      world.kill('wuhan', 3)
      damage(world.member('wuhan').medium, register.height)
      world.start('wuhan')
      world.submit('hangzhou', world.statement('hangzhou', 'after'))
      world.until(
        () => world.member('wuhan').fatal !== undefined || isAhead(world, register.size),
        'a cosignature or an end',
      )
      world.settle()
      expect(world.faults).toEqual([])
      expect(world.replica('wuhan').store.block(register.height)?.id).toBe(register.id)
    })
  }

  const intact = (slot: Slot): Uint8Array => (slot.kind === 'intact' ? slot.bytes : new Uint8Array())
  const isAhead = (world: ReplicaWorld, size: number): boolean =>
    decodeHeadFile(intact(world.member('wuhan').medium.slots.head)).register.size > size
})

describe('derived rows', () => {
  it('that were changed or vanished are made again, the same', () => {
    const world = grown()
    const before = rowsOf(world, 'wuhan')
    const root = world.replica('wuhan').ledger.committed.root
    const { medium } = world.member('wuhan')
    for (const change of ['flip', 'vanish', 'add'] as const) {
      for (const first of derivedPrefixes) {
        world.kill('wuhan', 3)
        const rows = medium.select(prefixRange(first))
        const row = rows[Math.floor(rows.length / 2)]
        if (row !== undefined && change === 'flip')
          medium.tamper({ key: row.key, value: flipped(row.value!, row.value!.length >> 1) })
        if (row !== undefined && change === 'vanish') medium.tamper({ key: row.key })
        if (change === 'add') medium.tamper({ key: Uint8Array.of(first, 1, 2, 3), value: Uint8Array.of(1) })
        world.start('wuhan')
        world.settle(`${change} ${first}`)
        expect(rowsOf(world, 'wuhan')).toEqual(before)
        expect(world.replica('wuhan').ledger.committed.root).toBe(root)
      }
    }
    expect(world.log.filter((line) => line.includes('derived rows damaged')).length).toBeGreaterThan(12)
    expect(world.faults).toEqual([])
  })

  it('that cannot be read are made again, the same', () => {
    const world = grown()
    const before = rowsOf(world, 'wuhan')
    const { medium } = world.member('wuhan')
    for (const first of [...derivedPrefixes, 0x6d]) {
      const rows = medium.select(prefixRange(first))
      const row = first === 0x6d ? { key: metaKey('applied') } : rows[rows.length >> 1]
      if (row === undefined) continue
      world.kill('wuhan', 3)
      medium.makeUnreadable(row.key)
      world.start('wuhan')
      world.settle(`unreadable ${first}`)
      expect(rowsOf(world, 'wuhan')).toEqual(before)
    }
    expect(world.log.filter((line) => line.includes('derived rows damaged')).length).toBeGreaterThan(4)
    expect(world.faults).toEqual([])
  })

  it('are not believed when the row that vouches for them was changed', () => {
    const world = grown()
    const before = rowsOf(world, 'wuhan')
    const { medium } = world.member('wuhan')
    const length = medium.get(metaKey('applied'))!.length
    for (let at = 0; at < length; at += 7) {
      world.kill('wuhan', 3)
      medium.tamper({ key: metaKey('applied'), value: flipped(medium.get(metaKey('applied'))!, at) })
      world.start('wuhan')
      world.settle(`byte ${at}`)
      expect(rowsOf(world, 'wuhan')).toEqual(before)
    }
    expect(world.faults).toEqual([])
  })

  it('of attestations and of the journal may be damaged without stopping a start', () => {
    const world = grown()
    const { medium } = world.member('wuhan')
    world.kill('wuhan', 3)
    for (const { key, value } of medium.select(prefixRange(0x61)))
      medium.tamper({ key, value: flipped(value!, value!.length - 3) })
    medium.tamper({ key: Uint8Array.of(0x6a, 0, 0, 0, 0, 0, 0, 0, 1), value: Uint8Array.of(1, 2, 3) })
    world.start('wuhan')
    world.settle()
    expect(world.faults).toEqual([])
    expect(medium.select(journalRange)).toEqual([])
  })
})

describe('a block without leaves', () => {
  it('whose header was changed on the disk is not taken for the one that was committed', () => {
    const world = grown()
    const { store, ledger } = world.replica('wuhan')
    const heights = Array.from({ length: ledger.committed.block.height - 1 }, (_, i) => height(i + 1))
    const sizeAt = (at: number): number => (at === 0 ? 1 : store.block(height(at))!.header.size)
    const at = heights.find((each) => sizeAt(each) === sizeAt(each - 1))!
    const { header, seal, carried, batches } = store.block(at)!
    const changed = assembleBlock({ ...header, time: header.time + 1 }, seal, carried, batches)
    world.kill('hangzhou', 3)
    const { medium } = world.member('hangzhou')
    for (const row of rowsOfBlock(at, changed.bytes)) medium.tamper(row)
    medium.tamper({ key: metaKey('applied') })
    world.start('hangzhou')
    world.until(() => world.replica('hangzhou').isStarted, 'started')
    expect(world.replica('hangzhou').ledger.committed.block.height).toBe(at - 1)
    world.settle()
    expect(queriesOf(world, 'hangzhou').block(at)?.id).toBe(store.block(at)!.id)
    expect(world.faults).toEqual([])
  })
})

describe('a node that has lost what it had committed', () => {
  it('answers nothing from its state, and takes nothing in, until it has it again', async () => {
    const world = grown()
    const last = world.replica('hangzhou').raft.commit
    for (const id of world.ids) world.kill(id, 3)
    const { medium } = world.member('hangzhou')
    medium.tamper({ key: metaKey('applied') })
    medium.tamper({ key: blockKey(height(4)) })
    // Two of four are down: the blocks come back from the one peer, but nobody can say what of them is committed.
    for (const id of ['hangzhou', 'beijing']) world.start(id)
    const statement = parseStatement(world.statement('wuhan', 'k5'), world.genesis.ledger)
    const replica = world.replica('hangzhou')
    const answers = queriesOf(world, 'hangzhou')
    const refused = expect.objectContaining({ name: 'Refusal', code: 'node.recovering' })
    for (let start = 0; start < 2; start++) {
      world.until(() => world.replica('hangzhou').isStarted, 'started')
      world.clock.advance(3_000)
    }
    expect(replica.isBehindItself).toBe(true)
    expect(replica.hindrances).toContain('node.recovering')
    expect(() => answers.standing(statement.id)).toThrow(refused)
    expect(() => answers.recordByStatement(statement.id)).toThrow(refused)
    expect(() => answers.recordByIndex(1)).toThrow(refused)
    expect(() => answers.block(last)).toThrow(refused)
    await expect(answers.records({}, null, 10)).rejects.toEqual(refused)
    await expect(answers.checkpoint(3)).rejects.toEqual(refused)
    world.submit('hangzhou', statement.jws)
    world.clock.advance(100)
    expect(replica.pendingCount).toBe(0)
    for (const id of ['guangzhou', 'wuhan']) world.start(id)
    world.settle('all are back')
    expect(answers.standing(statement.id)).toMatchObject({ kind: 'record' })
    world.submit('hangzhou', world.statement('wuhan', 'after'))
    world.settle()
    expect(world.faults).toEqual([])
  })

  it('does not say of a single lost block that there is none, and fetches it', () => {
    const world = grown()
    world.kill('hangzhou', 3)
    world.member('hangzhou').medium.tamper({ key: blockKey(height(3)) })
    world.start('hangzhou')
    world.settle()
    const answers = queriesOf(world, 'hangzhou')
    expect(() => answers.block(3)).toThrow(expect.objectContaining({ name: 'Refusal', code: 'node.recovering' }))
    world.until(() => world.replica('hangzhou').hindrances.length === 0, 'fetched')
    expect(answers.block(3)?.id).toBe(queriesOf(world, 'wuhan').block(3)?.id)
    expect(world.faults).toEqual([])
  })

  it('fetches it also when only a record of it was asked for', () => {
    const world = grown()
    const { size } = world.replica('wuhan').store.block(height(3))!.header
    world.kill('hangzhou', 3)
    world.member('hangzhou').medium.tamper({ key: blockKey(height(3)) })
    world.start('hangzhou')
    world.until(() => world.replica('hangzhou').hindrances.length === 0, 'started')
    const answers = queriesOf(world, 'hangzhou')
    const isRecord = (index: number): boolean => world.replica('wuhan').store.heightOfLeaf(index) === height(3)
    const index = [size - 1, size - 2].find((each) => isRecord(each) && each > 0)!
    expect(() => answers.recordByIndex(index)).toThrow(
      expect.objectContaining({ name: 'Refusal', code: 'node.recovering' }),
    )
    expect(world.replica('hangzhou').hindrances).toContain('node.recovering')
    world.until(() => world.replica('hangzhou').hindrances.length === 0, 'fetched')
    expect(answers.recordByIndex(index)?.entry).toEqual(queriesOf(world, 'wuhan').recordByIndex(index)?.entry)
    expect(world.faults).toEqual([])
  })

  it('still knows that after another start', () => {
    const world = grown()
    for (const id of world.ids) world.kill(id, 3)
    const { medium } = world.member('hangzhou')
    medium.tamper({ key: metaKey('applied') })
    medium.tamper({ key: blockKey(height(4)) })
    world.start('beijing')
    for (let start = 0; start < 3; start++) {
      world.start('hangzhou')
      world.clock.advance(4_000)
      world.kill('hangzhou', 3)
    }
    // By now the blocks are there, and the head file still says how far they were committed.
    world.start('hangzhou')
    world.until(() => world.replica('hangzhou').isStarted, 'started')
    expect(world.replica('hangzhou').isBehindItself).toBe(false)
    expect(
      world
        .replica('hangzhou')
        .store.indexOfStatement(parseStatement(world.statement('wuhan', 'k5'), world.genesis.ledger).id),
    ).toBeDefined()
  })
})

describe('a receipt that the disk has lost', () => {
  const receiptsLost = (world: ReplicaWorld): readonly string[] =>
    world.log.filter((line) => line.includes('receipts lost'))

  /** A node cut off from all others, with three receipts for what is on no ledger. */
  function cutOff(): ReplicaWorld {
    const world = grown(2)
    world.network.partition([['wuhan'], ['beijing', 'guangzhou', 'hangzhou']])
    for (let i = 0; i < 3; i++) world.submit('wuhan', world.statement('wuhan', `promised ${i}`))
    world.clock.advance(100)
    expect(world.replica('wuhan').pendingCount).toBe(3)
    return world
  }

  it('from the middle is said', () => {
    const world = cutOff()
    const { medium } = world.member('wuhan')
    world.kill('wuhan', 3)
    medium.tamper({ key: medium.select(journalRange)[1]!.key })
    world.start('wuhan')
    world.until(() => world.log.at(-1) === 'wuhan started', 'started')
    expect(receiptsLost(world)).toEqual([expect.stringContaining('"rows":1,"changes":0')])
    expect(world.replica('wuhan').pendingCount).toBe(2)
  })

  it('from the end, with all that was written with it, is said', () => {
    const world = cutOff()
    const older = world.member('wuhan').medium.select({ gte: Uint8Array.of(1), lt: Uint8Array.of(0xff) })
    world.submit('wuhan', world.statement('wuhan', 'promised last'))
    world.clock.advance(100)
    world.kill('wuhan', 3)
    const { medium } = world.member('wuhan')
    for (const { key } of medium.select({ gte: Uint8Array.of(1), lt: Uint8Array.of(0xff) })) medium.tamper({ key })
    for (const row of older) medium.tamper(row)
    world.start('wuhan')
    world.until(() => world.log.at(-1) === 'wuhan started', 'started')
    expect(receiptsLost(world)).toEqual([expect.stringContaining('"rows":0,"changes":1')])
    expect(world.replica('wuhan').pendingCount).toBe(3)
    world.network.heal()
    world.settle()
    // It goes on from there: the next start has nothing to say.
    world.kill('wuhan', 3)
    world.start('wuhan')
    world.settle()
    expect(receiptsLost(world)).toHaveLength(1)
  })

  it('that cannot be read is said', () => {
    const world = cutOff()
    const { medium } = world.member('wuhan')
    world.kill('wuhan', 3)
    medium.makeUnreadable(medium.select(journalRange)[1]!.key)
    world.start('wuhan')
    world.until(() => world.log.at(-1) === 'wuhan started', 'started')
    expect(receiptsLost(world)).toEqual([expect.stringContaining('"unreadable":true')])
  })

  it('is never said after a crash, at whichever phase of a write', () => {
    for (const phases of [0, 1, 2, 3] as const) {
      const world = grown(1)
      for (let i = 0; i < 6; i++) {
        world.member('wuhan').diskMs = 3
        for (let n = 0; n < 3; n++) world.submit('wuhan', world.statement('wuhan', `c${i} ${n}`))
        world.clock.advance(3 + i)
        world.kill('wuhan', phases)
        world.start('wuhan')
        world.settle()
      }
      expect(receiptsLost(world), `${phases} phases`).toEqual([])
    }
  })
})

describe('rule 18: a vote or head file', () => {
  for (const name of ['vote', 'head'] as const) {
    it(`damaged in both slots (${name}) retires the node`, () => {
      const world = grown()
      world.kill('wuhan', 3)
      const before = world.signed.totalOf('wuhan')
      world.member('wuhan').medium.damageSlot(name)
      world.start('wuhan')
      expect(world.member('wuhan').fatal).toMatch(/node\.retired/)
      expect(world.signed.totalOf('wuhan')).toBe(before)
    })
  }
})

describe('rule 17: a disk that is older than the word of its node', () => {
  it('is refused by its peers, never signs, and stays retired', () => {
    const world = grown(2)
    const backup = world.member('wuhan').medium.copy()
    for (let i = 0; i < 4; i++) {
      world.submit('beijing', world.statement('wuhan', `later${i}`))
      world.settle()
    }
    world.kill('wuhan', 3)
    const before = world.signed.totalOf('wuhan')
    world.member('wuhan').medium = backup
    world.start('wuhan')
    world.until(() => world.replica('wuhan').hindrances.includes('node.retired'), 'retired')
    world.submit('wuhan', world.statement('wuhan', 'never taken'))
    world.submit('beijing', world.statement('wuhan', 'others go on'))
    world.clock.advance(10_000)
    expect(world.signed.totalOf('wuhan')).toBe(before)
    expect(world.replica('beijing').store.indexOfStatement(world.promised.at(-1)!.statement)).toBeDefined()
    world.kill('wuhan', 3)
    world.start('wuhan')
    expect(world.member('wuhan').fatal).toMatch(/node\.retired/)
    expect(world.signed.contradictions).toEqual([])
  })

  it('is refused also when the backup was taken while this very start was running', () => {
    const world = grown(2)
    world.kill('wuhan', 3)
    world.start('wuhan')
    world.settle()
    const backup = world.member('wuhan').medium.copy()
    for (let i = 0; i < 3; i++) {
      world.submit('beijing', world.statement('wuhan', `later${i}`))
      world.settle()
      // What peers have seen of a start survives a reconnect, and a restart of theirs.
      world.network.breakConnection('wuhan', world.ids[i]!)
      world.clock.advance(500)
      world.kill(world.ids[i]!, 3)
      world.start(world.ids[i]!)
      world.settle()
    }
    world.kill('wuhan', 3)
    const before = world.signed.totalOf('wuhan')
    world.member('wuhan').medium = backup
    world.start('wuhan')
    world.clock.advance(10_000)
    expect(world.replica('wuhan').hindrances).toContain('node.retired')
    expect(world.signed.totalOf('wuhan')).toBe(before)
  })

  it('one refusing liar among four retires nobody', () => {
    const world = new ReplicaWorld(4, { cheapSignatures: true })
    const liar = world.impostor('wuhan')
    for (const id of ['beijing', 'guangzhou', 'hangzhou']) world.start(id)
    liar.onMessage = (from, message) => {
      if (message.kind === 'hello') {
        liar.send(from, { kind: 'hello-refused', incarnation: message.incarnation, code: 'node.incarnation-reused' })
      }
    }
    world.electLeader()
    world.submit('beijing', world.statement('wuhan', 'one'))
    world.settle()
    expect(world.faults).toEqual([])
  })

  it('a second copy that runs beside the first is refused by whoever knows the first', () => {
    const world = grown(2)
    const copy = world.member('wuhan').medium.copy()
    world.kill('wuhan', 3)
    world.start('wuhan')
    world.settle()
    // The first copy's connection is taken over by the second, which starts from the same disk.
    world.kill('wuhan', 3)
    const before = world.signed.totalOf('wuhan')
    world.member('wuhan').medium = copy
    world.start('wuhan')
    world.clock.advance(5_000)
    expect(world.replica('wuhan').hindrances).toContain('node.retired')
    expect(world.signed.totalOf('wuhan')).toBe(before)
  })

  it('a ledger whose disks are all wiped but one stops that one: it is the others that are new', () => {
    const world = grown(2)
    world.kill('wuhan', 3)
    world.member('wuhan').medium.wipe()
    const before = world.signed.totalOf('wuhan')
    world.start('wuhan')
    world.clock.advance(5_000)
    expect(world.replica('wuhan').hindrances).toContain('node.retired')
    expect(world.signed.totalOf('wuhan')).toBe(before)
  })
})
