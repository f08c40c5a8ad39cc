/**
 * One member lies: garbage, bad signatures, blocks and batches that no honest member makes, answers that do not hold. Nothing stops an
 * honest node, every refusal is by name, and the ledger goes on.
 */
import { describe, expect, it } from 'vitest'
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import {
  assembleBlock,
  type Block,
  type BlockHeader,
  batchesDigest,
  blockId,
  blockSealMessage,
  carriedDigest,
  decodeBlock,
} from '../../src/chain/block.ts'
import { fromHex } from '../../src/chain/bytes.ts'
import { encodeCbor } from '../../src/chain/cbor.ts'
import { type BlockCertificate, type Certificate, type Signable, signableMessage } from '../../src/chain/certificate.ts'
import { cosignatureMessage, formatCheckpoint } from '../../src/chain/checkpoint.ts'
import { encodeEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import { execute, itemReader, type Proposal } from '../../src/chain/execution.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { uncheckedBytesMax } from '../../src/node/limits.ts'
import { type Lane, laneCreditBytes } from '../../src/node/ports.ts'
import { encodeMessage, type WireMessage } from '../../src/node/wire.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import { type Impostor, ReplicaWorld } from './replica-world.ts'

const liar = 'wuhan'
const honest = ['beijing', 'guangzhou', 'hangzhou']

/** Three honest nodes with a few records, and a fourth member that the test plays. */
function attacked(parameters = {}): { world: ReplicaWorld; enemy: Impostor } {
  const world = new ReplicaWorld(4, { cheapSignatures: true, parameters })
  for (const id of honest) world.start(id)
  world.electLeader()
  for (let i = 0; i < 3; i++) world.submit(honest[i]!, world.statement('beijing', `k${i}`))
  world.settle()
  const enemy = world.impostor(liar)
  world.clock.advance(500)
  return { world, enemy }
}

function goesOn(world: ReplicaWorld): void {
  for (const id of honest) world.submit(id, world.statement('beijing', `after ${id}`))
  world.settle('the honest go on')
  expect(world.faults).toEqual([])
}

function certificate(world: ReplicaWorld, signed: Signable, members: readonly string[]): Certificate<Signable> {
  const message = signableMessage(world.rules.context, signed)
  return {
    signed,
    signatures: [...members].sort().map((member) => ({ member, signature: world.sign(member, 'seal', message) })),
  }
}

const batchOf = (
  world: ReplicaWorld,
  number: number,
  entries: readonly Uint8Array[],
  { member = liar, incarnation = 7, previous = zeroDigestHex, promised = true } = {},
): Batch => {
  const header = { member, incarnation, number, previous }
  const items = entries.map((entry) => batchItem(entry, promised))
  const message = batchMessage(world.rules.context, header, items)
  return assembleBatch(header, items, message, world.sign(member, 'seal', message))
}

const entryOf = (world: ReplicaWorld, key: string, member = liar, receivedAt = world.clock.wall()): Uint8Array =>
  encodeEntry({ member, receivedAt, statement: world.statement('beijing', key) })

/** Of which each has a signature that was not seen before. */
function flood(
  world: ReplicaWorld,
  kind: 'certified' | 'ack' | 'cosignature' | 'attestation' | 'batch',
  i: number,
  size: number,
): WireMessage {
  const signature = new Uint8Array(64)
  new DataView(signature.buffer).setUint32(0, i)
  const block = { term: term(9), height: height(99), id: '11'.repeat(32) }
  const root = '22'.repeat(32)
  switch (kind) {
    case 'certified': {
      const signatures = honest.map((member) => ({ member, signature }))
      return { kind, certificate: { signed: { kind: 'lock', block }, signatures } }
    }
    case 'ack':
      return { kind, base: block, block: { ...block, height: height(100) }, signature }
    case 'cosignature':
      return { kind, size, root, time: i, signature }
    case 'attestation':
      return {
        kind,
        attestation: { size, root, cosignatures: honest.map((member) => ({ member, time: i, signature })) },
      }
    case 'batch':
      return { kind, handOn: true, batch: batchOf(world, i, [entryOf(world, `flood ${i}`)]).bytes }
  }
}

describe('garbage', () => {
  it('of any kind on any lane is dropped', () => {
    const { world, enemy } = attacked()
    const draw = new SeededRandom(5)
    for (let i = 0; i < 300; i++) {
      const to = honest[i % 3]!
      enemy.sendBytes(to, draw.bytes(draw.below(200)), (['control', 'append', 'bulk'] as const)[i % 3]!)
    }
    for (const declared of [0x9b, 0x5b, 0x7b, 0x9a, 0xbb]) {
      enemy.sendBytes('beijing', Uint8Array.of(declared, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
    }
    enemy.sendBytes('beijing', new Uint8Array(100_000).fill(0x81))
    enemy.sendBytes('beijing', encodeCbor([1, 999]))
    enemy.sendBytes('beijing', encodeCbor([2, 6]))
    goesOn(world)
  })

  it('made of real messages with a bit flipped is dropped', () => {
    const { world, enemy } = attacked()
    const draw = new SeededRandom(6)
    const real = everyKind(world)
    for (let i = 0; i < 600; i++) {
      const bytes = encodeMessage(real[i % real.length]!).slice()
      bytes[draw.below(bytes.length)]! ^= 1 << draw.below(8)
      enemy.sendBytes(honest[i % 3]!, bytes)
      if (i % 50 === 0) world.clock.advance(20)
    }
    goesOn(world)
  })
})

/** One message of every kind, as this liar would send it with somebody else's signatures in it: none is good. */
function everyKind(world: ReplicaWorld): WireMessage[] {
  const { raft, store } = world.replica('beijing')
  const block = { term: term(raft.term + 5), height: height(raft.tail.height + 1), id: '77'.repeat(32) }
  const bad = (signed: Signable, count = 3): never =>
    ({
      signed,
      signatures: honest.slice(0, count).map((member) => ({ member, signature: new Uint8Array(64).fill(9) })),
    }) as never
  const qc = bad({ kind: 'ack', base: block, block }) as BlockCertificate
  const root = '55'.repeat(32)
  const attestation = {
    size: 9_999,
    root,
    cosignatures: honest.map((member) => ({ member, time: 1, signature: new Uint8Array(64) })),
  }
  const at = { term: block.term, height: block.height }
  const signature = new Uint8Array(64).fill(3)
  return [
    { kind: 'pre-vote', term: block.term, base: at, handover: true },
    { kind: 'pre-vote-reply', term: block.term, granted: true, ownTerm: block.term, lock: qc },
    { kind: 'vote-request', term: block.term, base: block, certificate: qc, handover: true },
    { kind: 'vote-reply', term: block.term, granted: true, ownTerm: block.term, lock: qc },
    {
      kind: 'vote-reply',
      term: raft.term,
      granted: true,
      ownTerm: block.term,
      vote: { signed: { kind: 'vote', term: raft.term, candidate: 'beijing', base: block }, signature },
    },
    {
      kind: 'elected',
      election: bad({ kind: 'vote', term: block.term, candidate: liar, base: block }),
      certificate: qc,
    },
    { kind: 'heartbeat', term: raft.term, lock: at, commit: height(10 ** 9), certified: height(10 ** 9), round: 1 },
    {
      kind: 'heartbeat-reply',
      term: raft.term,
      ownTerm: term(2 ** 48),
      position: block,
      lock: at,
      commit: height(2 ** 50),
      round: 10 ** 9,
    },
    { kind: 'ack', base: block, block, signature },
    { kind: 'lock', block, signature },
    { kind: 'certified', certificate: qc },
    { kind: 'certified', certificate: bad({ kind: 'lock', block }, 1) },
    {
      kind: 'certified',
      certificate: bad({ kind: 'lock', block: { term: raft.term, height: raft.commit, id: '11'.repeat(32) } }),
    },
    { kind: 'block-refused', term: raft.term, height: raft.tail.height, id: raft.tail.id, code: 'x', lock: qc },
    { kind: 'handover', term: raft.term, to: liar },
    { kind: 'read-request', context: 3 },
    { kind: 'read-reply', context: 1, height: height(10 ** 9) },
    {
      kind: 'hello',
      incarnation: 2 ** 52,
      nonce: new Uint8Array(16),
      term: term(2 ** 48),
      lock: at,
      registeredSize: 2 ** 52,
      epoch: 2 ** 52,
      node: world.member(liar).member.node.id,
    },
    { kind: 'hello-stored', incarnation: 1 },
    { kind: 'hello-refused', incarnation: 1, code: 'node.incarnation-reused' },
    { kind: 'batch', handOn: true, batch: new Uint8Array(100) },
    { kind: 'batch', handOn: true, batch: { ...batchOf(world, 0, [entryOf(world, 'x')]) }.bytes.fill(1, -64) },
    { kind: 'block', block: new Uint8Array(1000) },
    { kind: 'block', block: store.blockBytes(height(1))! },
    { kind: 'blocks-request', from: height(0) },
    { kind: 'blocks-request', from: height(2 ** 52) },
    { kind: 'blocks-response', from: height(0), blocks: [], attestation },
    { kind: 'blocks-response', from: height(raft.commit + 1), blocks: [store.blockBytes(height(2))!], certificate: qc },
    { kind: 'cosignature', size: 2 ** 52, root, time: 2 ** 52, signature },
    { kind: 'cosignature', size: 2, root, time: 0, signature },
    { kind: 'attestation', attestation },
  ]
}

describe('a message of every kind with signatures that are not good', () => {
  it('changes nothing', () => {
    const { world, enemy } = attacked()
    const leader = world.leader()
    for (const message of everyKind(world)) for (const to of honest) enemy.send(to, message)
    world.clock.advance(300)
    expect(world.leader()).toBe(leader)
    goesOn(world)
  })

  it('not even a hundred times in a row from each peer a minute long', () => {
    const { world, enemy } = attacked()
    for (let i = 0; i < 20; i++) {
      for (const message of everyKind(world)) enemy.send(honest[i % 3]!, message)
      world.clock.advance(100)
    }
    goesOn(world)
  })
})

/** The liar is elected by everybody's rules, and then seals what it likes. */
class LyingLeader {
  readonly world: ReplicaWorld
  readonly enemy: Impostor
  readonly term
  readonly first: Block

  constructor(world: ReplicaWorld, enemy: Impostor) {
    this.world = world
    this.enemy = enemy
    const { raft } = world.replica('beijing')
    this.term = term(raft.term + 1)
    const base = raft.lock.block
    // Its votes are genuine: two honest members could have been silent long enough.
    const election = certificate(world, { kind: 'vote', term: this.term, candidate: liar, base }, [
      'beijing',
      'guangzhou',
      liar,
    ]) as never
    this.first = this.seal({ carried: { election, base: raft.lock.certificate! } })
    for (const id of honest) enemy.send(id, { kind: 'block', block: this.first.bytes }, 'append')
    world.clock.advance(30)
    for (const id of honest) expect(world.replica(id).raft.tail.id).toBe(this.first.id)
  }

  /** A valid block on everybody's tail, then changed. */
  seal(change: Partial<Proposal> = {}, edit: (header: BlockHeader) => BlockHeader = (header) => header): Block {
    const { world } = this
    const { ledger, raft } = world.replica('beijing')
    const parent = ledger.point(raft.tail.id)!
    const proposal = {
      term: this.term,
      time: Math.max(world.clock.wall(), parent.time),
      leader: liar,
      carried: {},
      batches: [],
      ...change,
    }
    let header: BlockHeader
    try {
      header = execute(parent, proposal, world.rules, itemReader(world.genesis.ledger)).header
    } catch {
      header = {
        epoch: 0,
        term: proposal.term,
        height: height(parent.block.height + 1),
        parent: parent.block.id,
        time: proposal.time,
        leader: proposal.leader,
        batches: batchesDigest(proposal.batches),
        carried: carriedDigest(proposal.carried),
        size: parent.frontier.size,
        root: parent.root,
      }
    }
    header = edit(header)
    const seal = world.sign(liar, 'seal', blockSealMessage(world.rules.context, header))
    return assembleBlock(header, seal, proposal.carried, proposal.batches)
  }

  refusals(block: Block): string[] {
    this.enemy.received.length = 0
    for (const id of honest) this.enemy.send(id, { kind: 'block', block: block.bytes }, 'append')
    this.world.clock.advance(40)
    for (const id of honest) expect(this.world.replica(id).raft.tail.id).toBe(this.first.id)
    return this.enemy.received.flatMap(({ message }) =>
      message.kind === 'block-refused' && message.id === block.id ? [message.code] : [],
    )
  }
}

describe('a lying leader', () => {
  const setUp = (): LyingLeader => {
    const { world, enemy } = attacked()
    return new LyingLeader(world, enemy)
  }
  const all = (code: string): string[] => [code, code, code]

  it('is refused by name for every kind of block that is not valid', () => {
    const lie = setUp()
    const { world } = lie
    const good = batchOf(world, 0, [entryOf(world, 'good')])
    const malformed = batchOf(world, 0, [Buffer.from('{"member":"wuhan"}')])
    const unsigned = world.statement('beijing', 'unsigned').split('.')
    unsigned[2] = Buffer.from(new Uint8Array(64).fill(1)).toString('base64url')
    const badStatement = batchOf(world, 0, [
      encodeEntry({ member: liar, receivedAt: world.clock.wall(), statement: unsigned.join('.') }),
    ])
    const wrongSeal = lie.seal()
    expect(lie.refusals(assembleBlock(wrongSeal.header, new Uint8Array(64).fill(1), {}, []))).toEqual(
      all('block.bad-signature'),
    )
    expect(lie.refusals(lie.seal({ batches: [good] }, (h) => ({ ...h, root: '00'.repeat(32) })))).toEqual(
      all('block.wrong-root'),
    )
    expect(lie.refusals(lie.seal({ batches: [good] }, (h) => ({ ...h, size: h.size + 1 })))).toEqual(
      all('block.wrong-size'),
    )
    expect(lie.refusals(lie.seal({}, (h) => ({ ...h, height: height(h.height + 1) })))).toEqual(
      all('block.wrong-height'),
    )
    expect(lie.refusals(lie.seal({}, (h) => ({ ...h, epoch: 1 })))).toEqual(all('block.wrong-epoch'))
    const before = lie.first.header.time - 1
    expect(lie.refusals(lie.seal({ time: before }))).toEqual(all('block.time-decreases'))
    expect(lie.refusals(lie.seal({ batches: [badStatement] }))).toEqual(all('batch.malformed-item'))
    expect(lie.refusals(lie.seal({ batches: [malformed] }))).toEqual(all('batch.malformed-item'))
    expect(lie.refusals(lie.seal({ batches: [batchOf(world, 3, [entryOf(world, 'gap')])] }))).toEqual(
      all('batch.out-of-sequence'),
    )
    expect(lie.refusals(lie.seal({ batches: [batchOf(world, 0, [entryOf(world, 'foreign', 'beijing')])] }))).toEqual(
      all('batch.foreign-entry'),
    )
    const times = [world.clock.wall(), world.clock.wall() - 1].map((at, i) => entryOf(world, `t${i}`, liar, at))
    expect(lie.refusals(lie.seal({ batches: [batchOf(world, 0, times)] }))).toEqual(all('batch.time-decreases'))
    const { carried } = lie.first
    expect(lie.refusals(lie.seal({ carried }))).toEqual(all('block.stray-certificate'))
    const forged = { size: 9, root: '11'.repeat(32), cosignatures: [] }
    expect(lie.refusals(lie.seal({ carried: { attestation: forged } }))).toEqual(all('block.bad-signature'))
    const real = world.replica('beijing').attested!
    expect(lie.refusals(lie.seal({ carried: { attestation: { ...real, root: '11'.repeat(32) } } }))).toEqual(
      all('block.bad-signature'),
    )
    goesOn(world)
  })

  it('is ignored, not answered, for a broken link, an unknown parent or another’s block', () => {
    const lie = setUp()
    expect(lie.refusals(lie.seal({}, (h) => ({ ...h, parent: '12'.repeat(32) })))).toEqual([])
    expect(lie.refusals(lie.seal({ leader: 'beijing' }))).toEqual([])
    expect(lie.refusals(lie.seal({ term: term(lie.term + 3) }))).toEqual([])
    goesOn(lie.world)
  })

  it('gets no second block at a height acknowledged, and no honest key contradicts itself', () => {
    const lie = setUp()
    const one = lie.seal({ time: lie.world.clock.wall() + 1 })
    const two = lie.seal({ time: lie.world.clock.wall() + 2 })
    const send = (id: string, { bytes }: Block): void => lie.enemy.send(id, { kind: 'block', block: bytes }, 'append')
    for (const id of honest) send(id, id === honest[0] ? one : two)
    lie.world.clock.advance(30)
    for (const id of honest) send(id, id === honest[0] ? two : one)
    lie.world.clock.advance(30)
    expect(honest.map((id) => lie.world.replica(id).raft.tail.id)).toEqual([one.id, two.id, two.id])
    goesOn(lie.world)
  })

  it('whose first blocks of two terms come due in one instant, on a tail that both drop, stops nobody', () => {
    const lie = setUp()
    const { world, first } = lie
    const base = world.replica('beijing').raft.lock
    const inTerm = (above: number): Block => {
      const signed = { kind: 'vote', term: term(lie.term + above), candidate: liar, base: base.block } as const
      const election = certificate(world, signed, ['guangzhou', 'hangzhou', liar]) as never
      // A little too early, so that the one waits for its time with the other behind it.
      const time = world.clock.wall() + world.genesis.parameters.clockAheadMs + 150
      const { parent, height: at, size, root } = first.header
      const carried = { election, base: base.certificate! }
      return lie.seal({ term: signed.term, time, carried }, (h) => ({ ...h, parent, height: at, size, root }))
    }
    const blocks = [inTerm(1), inTerm(2)]
    for (const { bytes } of blocks) lie.enemy.send('beijing', { kind: 'block', block: bytes }, 'append')
    world.clock.advance(50)
    expect(world.replica('beijing').raft.tail.id).toBe(first.id)
    world.clock.advance(300)
    expect(world.replica('beijing').raft.tail.id).toBe(blocks[1]!.id)
    goesOn(world)
  })

  it('cannot keep a node searching for blocks of a chain that died', () => {
    const lie = setUp()
    const { world, enemy } = lie
    const base = world.replica('beijing').raft.lock.block
    let last = lie.first
    for (let i = 0; i < 4; i++) {
      last = lie.seal()
      for (const id of honest) enemy.send(id, { kind: 'block', block: last.bytes }, 'append')
      world.clock.advance(30)
    }
    for (const id of honest) expect(world.replica(id).raft.tail.id).toBe(last.id)
    // All acknowledged it, and nobody hears of that until the next term has begun on the base below.
    const { term: at, height: above } = last.header
    const block = { term: at, height: above, id: last.id }
    const lock = certificate(world, { kind: 'ack', base, block }, [...honest]) as BlockCertificate
    world.until(() => honest.every((id) => world.replica(id).raft.lock.block.term > at), 'another leader')
    enemy.send('beijing', { kind: 'pre-vote-reply', term: at, granted: false, ownTerm: at, lock })
    world.clock.advance(15_000)
    expect(world.replica('beijing').raft.commit).toBeLessThan(above)
    expect(world.replica('beijing').hindrances).toEqual([])
    goesOn(world)
  })

  const aheadAndWho = (line: string): string => `${line.split(' ')[1]} ${/"aheadMs":-/.test(line) ? 'behind' : 'ahead'}`

  it('rule 10: whose time is ahead is waited for, and late is answered stale', () => {
    const lie = setUp()
    expect(lie.refusals(lie.seal({ time: lie.world.clock.wall() + 6_000 }))).toEqual([])
    lie.world.clock.advance(200)
    const ahead = honest.map((id) => lie.world.replica(id).raft.tail.height)
    expect(new Set(ahead)).toEqual(new Set([lie.first.header.height]))
    const { world } = lie
    for (const id of honest) world.member(id).clockOffsetMs = 61_000
    const late = lie.seal({ time: world.clock.wall() })
    const another = setUp()
    for (const id of honest) another.world.member(id).clockOffsetMs = 61_000
    expect(another.refusals(another.seal({ time: another.world.clock.wall() }))).toEqual(all('stale'))
    // Each says it, and once: a block that waits is looked at again with every tick.
    const saidIn = ({ log }: typeof world) => log.filter((line) => line.includes(' clocks apart ')).map(aheadAndWho)
    expect(saidIn(world)).toEqual(expect.arrayContaining(honest.map((id) => `${id} ahead`)))
    expect(saidIn(world).filter((line) => line.endsWith(' ahead'))).toHaveLength(honest.length)
    expect(saidIn(another.world)).toEqual(expect.arrayContaining(honest.map((id) => `${id} behind`)))
    expect(late.header.term).toBe(lie.term)
    goesOn(lie.world)
    goesOn(another.world)
  })

  it('that sends blocks which never become due holds up nobody else’s', () => {
    const { world, enemy } = attacked()
    const { raft } = world.replica('beijing')
    for (let i = 1; i <= 80; i++) {
      const header: BlockHeader = {
        epoch: 0,
        term: term(2 ** 48 - i),
        height: raft.tail.height,
        parent: raft.tail.id,
        time: 8_000_000_000_000,
        leader: liar,
        batches: batchesDigest([]),
        carried: carriedDigest({}),
        size: 1,
        root: '00'.repeat(32),
      }
      const seal = world.sign(liar, 'seal', blockSealMessage(world.rules.context, header))
      const block = assembleBlock(header, seal, {}, [])
      expect(block.id).toBe(blockId(header))
      for (const id of honest) enemy.send(id, { kind: 'block', block: block.bytes }, 'append')
    }
    world.clock.advance(100)
    goesOn(world)
  })
})

describe('a lying follower', () => {
  it('alone cannot make a leader resign by refusing, rule 12', () => {
    const { world, enemy } = attacked()
    const leader = world.leader()!
    const { raft } = world.replica(leader)
    for (let i = 0; i < 20; i++) {
      enemy.send(leader, {
        kind: 'block-refused',
        term: raft.term,
        height: raft.tail.height,
        id: raft.tail.id,
        code: 'stale',
      })
    }
    world.clock.advance(200)
    expect(world.leader()).toBe(leader)
    goesOn(world)
  })

  it('rule 28: hands on batches that no leader could take in, and nobody suspects the leader', () => {
    const { world, enemy } = attacked()
    const leader = world.leader()!
    const batches = [
      batchOf(world, 5, [entryOf(world, 'gap')]),
      batchOf(world, 0, [entryOf(world, 'foreign', 'beijing')]),
      batchOf(world, 0, [Buffer.from('no entry')]),
      batchOf(world, 0, [entryOf(world, 'nobody', 'nobody')], { member: 'beijing', incarnation: 0 }),
    ]
    for (let round = 0; round < 10; round++) {
      for (const { bytes } of batches)
        for (const id of honest) enemy.send(id, { kind: 'batch', handOn: true, batch: bytes }, 'append')
      world.clock.advance(1_000)
    }
    expect(world.leader()).toBe(leader)
    expect(world.log.filter((line) => line.includes('"role":"candidate"') && !line.includes('"term":0'))).toEqual([])
    goesOn(world)
  })

  it('rule 28: cannot make its own next batch find no room, and so the leader suspected', () => {
    const { world, enemy } = attacked()
    const leader = world.leader()!
    const roles = (): string[] => world.log.filter((line) => line.includes('"role":"candidate"'))
    const before = roles()
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20; i++) {
        const { bytes } = batchOf(world, i + 10, [entryOf(world, `late ${round} ${i}`)], {
          incarnation: 7 + 10 * round,
        })
        enemy.send(leader, { kind: 'batch', handOn: false, batch: bytes }, 'append')
      }
      world.clock.advance(100)
      const next = batchOf(world, 0, [entryOf(world, `next ${round}`)], { incarnation: 7 + 10 * round + (round % 2) })
      for (const id of honest) enemy.send(id, { kind: 'batch', handOn: true, batch: next.bytes }, 'append')
      world.clock.advance(6_000)
    }
    expect(world.leader()).toBe(leader)
    expect(roles()).toEqual(before)
    goesOn(world)
  })

  it('fills no pool: batches without end, of strangers, or out of order', () => {
    const { world, enemy } = attacked()
    const leader = world.leader()!
    for (let i = 0; i < 200; i++) {
      enemy.send(
        leader,
        { kind: 'batch', handOn: false, batch: batchOf(world, i + 10, [entryOf(world, `n${i}`)]).bytes },
        'append',
      )
      const header = { member: `stranger-${i}`, incarnation: 1, number: 0, previous: zeroDigestHex }
      const items = [batchItem(entryOf(world, `s${i}`), true)]
      const message = batchMessage(world.rules.context, header, items)
      enemy.send(
        leader,
        { kind: 'batch', handOn: true, batch: assembleBatch(header, items, message, new Uint8Array(64)).bytes },
        'append',
      )
    }
    world.clock.advance(200)
    // A later start of the same member gets its statements in all the same.
    enemy.send(
      leader,
      {
        kind: 'batch',
        handOn: false,
        batch: batchOf(world, 0, [entryOf(world, 'honest again')], { incarnation: 8 }).bytes,
      },
      'append',
    )
    world.clock.advance(100)
    goesOn(world)
  })

  it('floods early cosignatures, and the real ones still count', () => {
    const { world, enemy } = attacked()
    for (let i = 0; i < 5_000; i++) {
      enemy.send('beijing', {
        kind: 'cosignature',
        size: 1_000 + i,
        root: '22'.repeat(32),
        time: 1,
        signature: new Uint8Array(64),
      })
    }
    world.clock.advance(50)
    goesOn(world)
  })

  it('claims a size with a cosignature: only a good signature binds its next start to it', () => {
    const { world, enemy } = attacked()
    const hello = (incarnation: number, registeredSize: number): string => {
      enemy.received.length = 0
      const nonce = new Uint8Array(16).fill(incarnation)
      const lock = { term: term(9), height: height(9) }
      enemy.send('beijing', {
        kind: 'hello',
        incarnation,
        nonce,
        term: term(9),
        lock,
        registeredSize,
        epoch: 0,
        node: world.member(liar).member.node.id,
      })
      world.until(() => answers().length > 0, 'an answer to the hello')
      return answers()[0]!
    }
    const answers = (): string[] =>
      enemy.received.flatMap(({ from, message }) => {
        if (from !== 'beijing') return []
        return message.kind === 'hello-refused' ? [message.code] : message.kind === 'hello-stored' ? ['stored'] : []
      })
    const cosign = (size: number, signature?: Uint8Array): void => {
      const root = '33'.repeat(32)
      const text = formatCheckpoint({ origin: world.genesis.origin, size, root: fromHex(root)! })
      signature ??= enemy.sign('cosign', cosignatureMessage(1, text))
      enemy.send('beijing', { kind: 'cosignature', size, root, time: 1, signature })
      world.clock.advance(300)
    }
    expect(hello(1, 0)).toBe('stored')
    cosign(1_000_000, new Uint8Array(64))
    expect(hello(2, 0)).toBe('stored')
    // Of a size attested before, and of one not committed here.
    cosign(2)
    expect(hello(3, 1)).toBe('node.register-rolled-back')
    expect(hello(4, 2)).toBe('stored')
    cosign(1_000)
    expect(hello(5, 999)).toBe('node.register-rolled-back')
    expect(hello(6, 1_000)).toBe('stored')
    goesOn(world)
  })

  it.each(['certified', 'ack', 'cosignature', 'attestation', 'batch'] as const)(
    'sends %s messages faster than they are checked, and piles up a bounded number',
    (kind) => {
      const { world, enemy } = attacked()
      const beijing = world.replica('beijing')
      const { size } = beijing.ledger.committed.frontier
      // A size that is committed at beijing and that nobody else cosigns.
      world.member('beijing').deafTo = new Set(['cosignature', 'attestation'])
      world.submit('hangzhou', world.statement('beijing', 'one more'))
      world.until(() => beijing.ledger.committed.frontier.size > size, 'the record is committed')
      for (const id of ['guangzhou', 'hangzhou']) world.kill(id)
      world.member('beijing').deafTo = new Set()
      // So slow that nothing is answered while the flood lasts.
      world.member('beijing').verifierMs = 100_000
      const lane: Lane = kind === 'batch' ? 'append' : 'control'
      let sentBytes = 0
      for (let i = 0; sentBytes < uncheckedBytesMax + 3 * laneCreditBytes; i++) {
        const message = flood(world, kind, i, beijing.ledger.committed.frontier.size)
        enemy.send('beijing', message, lane)
        sentBytes += encodeMessage(message).length
      }
      world.clock.advance(2_000)
      expect(enemy.unacknowledged('beijing', lane)).toBeGreaterThanOrEqual(2 * laneCreditBytes)
    },
  )

  it('asks for blocks without ever taking the answers', () => {
    const { world, enemy } = attacked()
    for (let i = 0; i < 500; i++) enemy.send('beijing', { kind: 'blocks-request', from: height(1) }, 'bulk')
    world.clock.advance(100)
    goesOn(world)
  })
})

describe('a lying server of blocks', () => {
  it('cannot make a node that is behind take or crash on what it says', () => {
    const world = new ReplicaWorld(4, { cheapSignatures: true })
    for (const id of honest) world.start(id)
    world.electLeader()
    for (let i = 0; i < 12; i++) {
      world.submit(honest[i % 3]!, world.statement('beijing', `k${i}`))
      world.settle()
    }
    const { store } = world.replica('beijing')
    const blocks = Array.from(
      { length: world.replica('beijing').raft.commit },
      (_, i) => store.blockBytes(height(i + 1))!,
    )
    const ref = (at: number) => {
      const { id, header } = store.block(height(at))!
      return { term: header.term, height: header.height, id }
    }
    const cc = (at: number): BlockCertificate =>
      certificate(world, { kind: 'lock', block: ref(at) }, honest) as BlockCertificate
    const lies: ((from: number) => { blocks: readonly Uint8Array[]; certificate?: BlockCertificate })[] = [
      () => ({ blocks: [] }),
      () => ({ blocks: [new Uint8Array(50)] }),
      (from) => ({ blocks: blocks.slice(from, from + 3) }), // one too high
      (from) => ({ blocks: [blocks[from - 1]!, blocks[from + 1]!] }), // a hole
      (from) => ({ blocks: [blocks[from - 1]!, blocks[from - 1]!] }), // the same twice
      () => ({ blocks: [blocks[0]!], certificate: cc(1) }), // an old one, with its own proof
      (from) => ({ blocks: [blocks[from - 1]!], certificate: cc(2) }), // a proof of another
      (from) => ({ blocks: blocks.slice(from - 1, from + 1).reverse() }),
      // One true block without a proof; then all of them again, well proven, but not what was asked for.
      (from) => (from === 1 ? { blocks: [blocks[0]!] } : { blocks: blocks.slice(0, 5), certificate: cc(5) }),
      (from) => ({ blocks: [blocks[from - 1]!] }), // true but without any proof, one by one
    ]
    for (const [at, lieAbout] of lies.entries()) {
      world.kill('hangzhou')
      world.member('hangzhou').medium.wipe()
      const enemy = world.impostor(liar)
      enemy.onMessage = (from, message) => {
        if (message.kind === 'blocks-request' && from === 'hangzhou') {
          enemy.send(
            from,
            {
              kind: 'blocks-response',
              from: message.from,
              ...lieAbout(Math.max(1, Math.min(message.from, blocks.length - 1))),
            },
            'bulk',
          )
        }
      }
      // Only the liar can be reached at first, and it shows a genuine certificate to fetch for.
      world.network.partition([
        ['hangzhou', liar],
        ['beijing', 'guangzhou'],
      ])
      world.start('hangzhou')
      // What it says before its own end of the connection is there is lost.
      world.until(() => enemy.received.length > 0, 'greeted')
      enemy.send('hangzhou', { kind: 'certified', certificate: cc(blocks.length) })
      world.clock.advance(8_000)
      expect(world.member('hangzhou').fatal, `lie ${at}`).toBeUndefined()
      expect(world.replica('hangzhou').hindrances, `lie ${at}`).not.toContain('node.halted')
      world.network.heal()
      world.until(() => world.replica('hangzhou').raft.commit >= blocks.length, `caught up after lie ${at}`)
      enemy.stop()
      expect(world.replica('hangzhou').store.block(height(blocks.length))!.id).toBe(ref(blocks.length).id)
    }
    expect(world.log.filter((line) => line.includes('FATAL'))).toEqual([])
    expect(decodeBlock(blocks[0]!, world.rules.context).header.height).toBe(1)
  })
})
