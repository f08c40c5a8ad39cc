/**
 * Rule 30, at a node: what one key signed against itself is noticed, kept, handed on and reported, and the key is frozen on every member. And
 * the attacks on it: nobody honest is ever frozen, and nobody makes a node remember, or check, without bound.
 */
import { describe, expect, it } from 'vitest'
import { assembleBatch, type Batch, batchItem, batchMessage } from '../../src/chain/batch.ts'
import { assembleBlock, batchesDigest, blockSealMessage, carriedDigest } from '../../src/chain/block.ts'
import { fromHex, utf8 } from '../../src/chain/bytes.ts'
import { frozenKey, frozenNode } from '../../src/chain/catalogue/fault-report.ts'
import { type Signable, type SigningContext, signableMessage } from '../../src/chain/certificate.ts'
import { cosignatureMessage, formatCheckpoint } from '../../src/chain/checkpoint.ts'
import { encodeEntry, zeroDigestHex } from '../../src/chain/entry.ts'
import { type FaultKind, type FaultProof, formatFault, parseFault, verifyFault } from '../../src/chain/fault.ts'
import { kidOf } from '../../src/chain/keys.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { signedMessage } from '../../src/consensus/message.ts'
import type { KeptFault } from '../../src/node/evidence.ts'
import type { Ready } from '../../src/node/replica.ts'
import { faultKey } from '../../src/node/store-rows.ts'
import { type Impostor, ReplicaWorld } from './replica-world.ts'

const liar = 'wuhan'
const honest = ['beijing', 'guangzhou', 'hangzhou']

function attacked(): { world: ReplicaWorld; enemy: Impostor } {
  const world = new ReplicaWorld(4)
  for (const id of honest) world.start(id)
  world.electLeader()
  world.submit('beijing', world.statement('beijing', 'first'))
  world.settle()
  const enemy = world.impostor(liar)
  world.clock.advance(500)
  return { world, enemy }
}

const sealKid = (world: ReplicaWorld, id = liar): string => kidOf(world.members.get(id)!.keys.seal.publicKey)
const cosignKid = (world: ReplicaWorld, id = liar): string => kidOf(world.members.get(id)!.keys.cosign.publicKey)

/** What every honest node keeps, as `member kind`, and that it is the same everywhere. */
function known(world: ReplicaWorld): readonly string[] {
  const [first, ...others] = honest
    .filter((id) => world.members.get(id)!.replica !== undefined)
    .map((id) => world.replica(id).faults.map(({ member, fault }) => `${member} ${fault.kind}`))
  for (const other of others) expect(other).toEqual(first)
  return first!
}

const isFrozen = (world: ReplicaWorld, kid: string): boolean =>
  honest.every((id) => frozenKey(world.replica(id).ledger.committed.state, kid) !== undefined)

/** All of it: found, the same everywhere, checked by a stranger, on the ledger once. */
function convicted(world: ReplicaWorld, kid: string, kind: FaultKind): void {
  world.until(() => isFrozen(world, kid), `${kind} is reported`)
  world.settle()
  expect(known(world)).toEqual([`${liar} ${kind}`])
  const [{ file, frozen } = { file: '', frozen: undefined }] = world.replica('hangzhou').faults
  expect(verifyFault(parseFault(file))).toMatchObject({ kid, kind })
  expect(frozen).toMatchObject({ kid, kind, member: liar })
  expect(reports(world)).toHaveLength(1)
  expect(world.faults.filter((line) => !line.startsWith(liar))).toEqual([])
}

function reports(world: ReplicaWorld): readonly string[] {
  const { store, ledger } = world.replica('beijing')
  return Array.from({ length: ledger.committed.frontier.size }, (_, index) =>
    Buffer.from(store.leaf(index)!.bytes).toString(),
  ).filter((text) => {
    const { statement } = JSON.parse(text) as { statement?: string }
    return statement !== undefined && Buffer.from(statement.split('.')[1]!, 'base64url').includes('fault.report@1')
  })
}

const batchOf = (
  world: ReplicaWorld,
  entries: readonly Uint8Array[],
  number = 0,
  context = world.rules.context,
): Batch => {
  const header = { member: liar, incarnation: 7, number, previous: zeroDigestHex }
  const items = entries.map((entry) => batchItem(entry, false))
  const message = batchMessage(context, header, items)
  return assembleBatch(header, items, message, world.sign(liar, 'seal', message))
}
const entryOf = (world: ReplicaWorld, key: string): Uint8Array =>
  encodeEntry({ member: liar, receivedAt: world.clock.wall(), statement: world.statement('beijing', key) })
const sendBatch = (enemy: Impostor, to: string, { bytes }: Batch): void =>
  enemy.send(to, { kind: 'batch', handOn: true, batch: bytes }, 'append')

const cosignature = (world: ReplicaWorld, size: number, root: string, member = liar) => {
  const checkpoint = formatCheckpoint({ origin: world.genesis.origin, size, root: fromHex(root)! })
  const time = Math.floor(world.clock.wall() / 1000)
  return {
    kind: 'cosignature' as const,
    size,
    root,
    time,
    signature: world.sign(member, 'cosign', cosignatureMessage(time, checkpoint)),
  }
}

const words = (world: ReplicaWorld, context: SigningContext = world.rules.context) => {
  const { raft } = world.replica('beijing')
  const sign = (signable: Signable) => {
    const signature = world.sign(liar, 'seal', signableMessage(context, signable))
    return signedMessage(signable as never, signature)
  }
  const at = (t: number, h: number, fill: string) => ({ term: term(t), height: height(h), id: fill.repeat(32) })
  return {
    now: raft.term,
    vote: (t: number, base: ReturnType<typeof at>, candidate = 'beijing') =>
      sign({ kind: 'vote', term: term(t), candidate, base }),
    ack: (base: ReturnType<typeof at>, block: ReturnType<typeof at>) => sign({ kind: 'ack', base, block }),
    lock: (block: ReturnType<typeof at>) => sign({ kind: 'lock', block }),
    at,
  }
}

describe('what one key signs against itself is found, handed on and reported', () => {
  it('two acknowledgements', () => {
    const { world, enemy } = attacked()
    const { ack, at, now } = words(world)
    enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, 'aa')))
    enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, 'bb')))
    convicted(world, sealKid(world), 'two-acks')
  })

  it('a vote below what it had locked, also when the lock was too late to matter', () => {
    const { world, enemy } = attacked()
    const { vote, lock, at, now } = words(world)
    enemy.send('guangzhou', vote(now + 3, at(0, 0, 'aa')))
    world.clock.advance(50)
    enemy.send('guangzhou', lock(at(1, 1, 'bb')))
    convicted(world, sealKid(world), 'vote-below-lock')
  })

  it('a vote below its highest lock, whatever lower one it sent after that', () => {
    const { world, enemy } = attacked()
    const { vote, lock, at, now } = words(world)
    for (const locked of [at(1, 5, 'bb'), at(1, 2, 'cc')]) enemy.send('guangzhou', lock(locked))
    world.clock.advance(50)
    enemy.send('guangzhou', vote(now + 3, at(1, 3, 'aa')))
    convicted(world, sealKid(world), 'vote-below-lock')
  })

  it('a lock above the lowest base that it acknowledged on in a later term, whatever higher one came before and after', () => {
    const { world, enemy } = attacked()
    const { ack, lock, at, now } = words(world)
    for (const [i, base] of [at(1, 4, 'aa'), at(1, 2, 'aa'), at(1, 5, 'aa')].entries()) {
      enemy.send('guangzhou', ack(base, at(now + 3, 90 + i, 'dd')))
    }
    world.clock.advance(50)
    enemy.send('guangzhou', lock(at(1, 3, 'bb')))
    convicted(world, sealKid(world), 'ack-below-lock')
  })

  it('two batches under one number', () => {
    const { world, enemy } = attacked()
    sendBatch(enemy, 'beijing', batchOf(world, [entryOf(world, 'one')]))
    sendBatch(enemy, 'guangzhou', batchOf(world, [entryOf(world, 'another')]))
    // Each saw one; the leader, to whom both pass them on, sees both.
    convicted(world, sealKid(world), 'two-batches')
  })

  it('two roots for a size, each told to others, long after the size was attested', () => {
    const { world, enemy } = attacked()
    const { size, root } = world.replica('beijing').attested!
    enemy.send('beijing', cosignature(world, size, root))
    world.submit('beijing', world.statement('beijing', 'second'))
    world.settle()
    enemy.send('beijing', cosignature(world, size, '12'.repeat(32)))
    convicted(world, cosignKid(world), 'two-heads')
  })

  it('a root beside the one that it cosigned before this node started', () => {
    const world = new ReplicaWorld(4)
    world.startAll()
    world.electLeader()
    world.submit('beijing', world.statement('beijing', 'first'))
    world.settle()
    const { size, cosignatures } = world.replica('hangzhou').attested!
    const { member } = cosignatures.find((each) => each.member !== 'hangzhou')!
    world.kill(member)
    world.kill('hangzhou', 3)
    world.start('hangzhou')
    world.settle()
    const enemy = world.impostor(member)
    world.clock.advance(500)
    // Nothing of it is in hangzhou's memory; what is on its disk is not said again.
    enemy.send('hangzhou', cosignature(world, size, '12'.repeat(32), member))
    world.until(() => world.replica('hangzhou').faults.length === 1, 'hangzhou finds it')
    expect(world.replica('hangzhou').faults).toMatchObject([{ member, fault: { kind: 'two-heads' } }])
  })

  it('a batch with a forged statement', () => {
    const { world, enemy } = attacked()
    const jws = world.statement('beijing', 'forged')
    const statement = `${jws.slice(0, jws.lastIndexOf('.') + 1)}${'A'.repeat(86)}`
    const entry = encodeEntry({ member: liar, receivedAt: world.clock.wall(), statement })
    sendBatch(enemy, 'guangzhou', batchOf(world, [entryOf(world, 'good'), entry]))
    convicted(world, sealKid(world), 'invalid-batch')
  })
})

describe('a frozen node', () => {
  it('finds none of its batches taken, and no leader suspected for leaving them out', () => {
    const { world, enemy } = attacked()
    const { ack, at, now } = words(world)
    enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, 'aa')))
    enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, 'bb')))
    convicted(world, sealKid(world), 'two-acks')
    const { term: before } = world.replica('beijing').raft
    for (const to of honest) sendBatch(enemy, to, batchOf(world, [entryOf(world, 'late')]))
    world.clock.advance(60_000)
    expect(world.replica('beijing').raft.term).toBe(before)
    world.submit('guangzhou', world.statement('beijing', 'goes on'))
    world.settle()
    expect(reports(world)).toHaveLength(1)
  })

  it('says so, takes nothing in, and still counts', () => {
    const { world, enemy } = attacked()
    const { ack, at, now } = words(world)
    for (const fill of ['aa', 'bb']) enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, fill)))
    convicted(world, sealKid(world), 'two-acks')
    enemy.stop()
    world.start(liar)
    world.until(() => world.replica(liar).isStarted, 'it starts')
    world.until(() => world.replica(liar).hindrances.join() === 'node.key-frozen', 'it says so')
    const answer = world.submit(liar, world.statement('beijing', 'to the frozen one'))
    world.until(() => answer.result !== undefined, 'an answer')
    expect(answer.result).toMatchObject({ kind: 'refused', code: 'node.key-frozen' })
    // One of four is gone: what commits now needs the frozen one's signature.
    world.kill('hangzhou')
    const pending = world.submit('beijing', world.statement('beijing', 'with its help'))
    world.until(() => pending.result?.kind === 'taken' && pending.result.pending.settlement !== undefined, 'it counts')
  })
})

describe('evidence outlives', () => {
  it('a restart, and is handed to whoever was away', () => {
    const { world, enemy } = attacked()
    world.kill('hangzhou')
    world.kill('guangzhou')
    const { ack, at, now } = words(world)
    for (const fill of ['aa', 'bb']) enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, fill)))
    world.until(() => world.replica('beijing').faults.length === 1, 'beijing finds it')
    world.clock.advance(1_000)
    world.kill('beijing', 3)
    enemy.stop()
    world.start('beijing')
    world.until(() => world.replica('beijing').isStarted && world.replica('beijing').faults.length === 1, 'it is kept')
    world.start('guangzhou')
    world.start('hangzhou')
    convicted(world, sealKid(world), 'two-acks')
  })
})

describe('nobody honest is frozen by', () => {
  const proofFile = (
    world: ReplicaWorld,
    kid: string,
    pair: readonly [Uint8Array, Uint8Array],
    member = liar,
  ): string => {
    const [first, second] = pair.map((message) => ({ message, signature: world.sign(member, 'seal', message) }))
    return formatFault({ kid, form: 'sealed', first: first!, second: second! } as FaultProof)
  }
  const nothing = (world: ReplicaWorld): void => {
    world.clock.advance(30_000)
    expect(known(world)).toEqual([])
    world.submit('beijing', world.statement('beijing', 'after'))
    world.settle()
    expect(reports(world)).toEqual([])
  }

  it('the same bytes twice, from anybody', () => {
    const { world, enemy } = attacked()
    const { ack, vote, at, now } = words(world)
    for (let i = 0; i < 3; i++) {
      enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, 'aa')))
      enemy.send('beijing', vote(now + 2, at(0, 0, '00')))
      sendBatch(enemy, 'beijing', batchOf(world, [entryOf(world, 'same')]))
    }
    nothing(world)
  })

  it('what it signed in another epoch or on another ledger', () => {
    const { world, enemy } = attacked()
    const { context } = world.rules
    for (const other of [
      { ...context, epoch: 1 },
      { ledger: 'cd'.repeat(32), epoch: 0 },
    ]) {
      const { ack, at, now } = words(world, other)
      enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, other.epoch === 1 ? 'aa' : 'bb')))
      sendBatch(enemy, 'beijing', batchOf(world, [entryOf(world, `on ${other.ledger}`)], 0, other))
    }
    const { ack, at, now } = words(world)
    enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, 'cc')))
    const elsewhere = ['aa', 'bb'].map((id) =>
      signableMessage(
        { ledger: 'cd'.repeat(32), epoch: 0 },
        { kind: 'ack', base: at(0, 0, '00'), block: at(now, 90, id) },
      ),
    )
    const file = proofFile(world, sealKid(world), [elsewhere[0]!, elsewhere[1]!])
    enemy.send('guangzhou', { kind: 'fault', proof: utf8(file) }, 'bulk')
    nothing(world)
  })

  it('proofs that do not convict, or convict somebody else', () => {
    const { world, enemy } = attacked()
    const { at, now } = words(world)
    const messages = ['aa', 'bb'].map((id) =>
      signableMessage(world.rules.context, { kind: 'ack', base: at(0, 0, '00'), block: at(now, 90, id) }),
    ) as [Uint8Array, Uint8Array]
    const good = proofFile(world, sealKid(world), messages)
    // By the liar's key, said to be beijing's; the same signature twice; a flipped byte; no JSON; a stranger's key.
    const bad = [
      proofFile(world, sealKid(world, 'beijing'), messages),
      proofFile(world, sealKid(world), [messages[0], messages[0]]),
      good.replace(/"message":"(.)/, (_, first: string) => `"message":"${first === 'A' ? 'B' : 'A'}`),
      good.replace('sealed', 'Sealed'),
      '{}',
    ]
    for (const file of bad) {
      enemy.send('guangzhou', { kind: 'fault', proof: utf8(file) }, 'bulk')
      world.clock.advance(11_000)
    }
    nothing(world)
  })

  it('a cosignature that another member passes on as its own, or with another’s root', () => {
    const { world, enemy } = attacked()
    const { size, root } = world.replica('beijing').attested!
    const real = cosignature(world, size, root)
    enemy.send('beijing', real)
    enemy.send('beijing', { ...real, root: '12'.repeat(32) })
    enemy.send('beijing', { ...real, size: size + 1 })
    // The key of beijing, by bytes from a checkpoint with its cosignature.
    const [other] = world.replica('guangzhou').attested!.cosignatures
    enemy.send('hangzhou', { ...real, time: other!.time, signature: other!.signature, root: '12'.repeat(32) })
    nothing(world)
  })

  it('its crash at any moment, and what it says after it again', () => {
    const world = new ReplicaWorld(4)
    world.startAll()
    world.electLeader()
    for (let round = 0; round < 8; round++) {
      const id = world.ids[round % 4]!
      world.submit(id, world.statement('beijing', `k${round}`))
      world.clock.advance(round * 7)
      world.kill(id, (round % 4) as 0 | 1 | 2 | 3)
      world.clock.advance(1_500)
      world.start(id)
      world.clock.advance(1_500)
    }
    world.settle()
    for (const id of world.ids) expect(world.replica(id).faults).toEqual([])
    expect(world.faults).toEqual([])
  })
})

describe('a member whose node was frozen', () => {
  it('goes on with a new node, whom nothing that the old one signed touches', () => {
    const { world, enemy } = attacked()
    const { ack, at, now } = words(world)
    for (const fill of ['aa', 'bb']) enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, fill)))
    convicted(world, sealKid(world), 'two-acks')
    const { size, root } = world.replica('beijing').attested!
    // Cosigned by the old node, twice at one size: before its removal, and heard after it.
    const late = [cosignature(world, size, root), cosignature(world, size, '12'.repeat(32))] as const
    enemy.stop()
    world.renew(liar)
    world.start(liar)
    let ready: Ready | undefined
    world.until(() => {
      const { replica } = world.members.get(liar)!
      if (replica?.isStarted === true) replica.signReady((signed) => (ready = signed))
      return ready !== undefined
    }, 'the new node is ready')
    const members = world.ids.map((id) => world.members.get(id)!.member)
    world.closings.set('close', { members, ready: new Map([[ready!.node, ready!.block.height]]) })
    world.submit('beijing', world.statement('beijing', 'close'))
    world.until(() => world.ids.every((id) => world.replica(id).epoch.number === 1), 'the next epoch')
    world.until(() => world.replica(liar).hindrances.length === 0, 'the new node works')
    world.kill(liar)
    const again = world.impostor(liar)
    world.clock.advance(500)
    for (const message of late) again.send('guangzhou', message)
    again.stop()
    world.start(liar)
    world.until(() => world.replica(liar).hindrances.length === 0, 'the new node works again')
    world.submit(liar, world.statement('beijing', 'by the new node'))
    world.settle()
    for (const id of world.ids) {
      const { state } = world.replica(id).ledger.committed
      expect(frozenNode(state, world.members.get(liar)!.member.node), id).toBeUndefined()
    }
    expect(world.faults).toEqual([])
  })
})

describe('a damaged disk', () => {
  it('that changed a proof makes nobody guilty and stops nothing; the others have it', () => {
    const { world, enemy } = attacked()
    const { ack, at, now } = words(world)
    for (const fill of ['aa', 'bb']) enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, fill)))
    convicted(world, sealKid(world), 'two-acks')
    world.kill('hangzhou', 3)
    const { medium } = world.members.get('hangzhou')!
    const file = utf8(world.replica('beijing').faults[0]!.file)
    file[file.length - 40]! ^= 1
    medium.apply({ rows: [{ key: faultKey(sealKid(world)), value: file }] }, 3)
    medium.apply({ rows: [{ key: faultKey(sealKid(world, 'beijing')), value: file }] }, 3)
    world.start('hangzhou')
    world.settle()
    expect(world.log.filter((line) => line.includes('hangzhou fault proof damaged'))).toHaveLength(2)
    expect(world.replica('hangzhou').faults).toEqual([])
    expect(frozenKey(world.replica('hangzhou').ledger.committed.state, sealKid(world))).toBeDefined()
  })
})

describe('the evidence store is not flooded by', () => {
  it('a key that contradicts itself a thousand times: the first proof stays', () => {
    const { world, enemy } = attacked()
    const { ack, at, now } = words(world)
    for (let i = 0; i < 500; i++) {
      enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90 + i, 'aa')))
      enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90 + i, 'bb')))
      if (i % 100 === 0) world.clock.advance(20)
    }
    convicted(world, sealKid(world), 'two-acks')
  })

  it('proofs that are none: their sender is not listened to for a while, and others are', () => {
    const { world, enemy } = attacked()
    for (let i = 0; i < 150; i++)
      enemy.send('guangzhou', { kind: 'fault', proof: new Uint8Array(100_000).fill(i) }, 'bulk')
    world.clock.advance(2_000)
    expect(world.log.filter((line) => line.includes('guangzhou fault proof bad'))).toHaveLength(1)
    const { ack, at, now } = words(world)
    for (const fill of ['aa', 'bb']) enemy.send('beijing', ack(at(0, 0, '00'), at(now, 90, fill)))
    convicted(world, sealKid(world), 'two-acks')
  })
})

describe('a block with a forged entry', () => {
  it('convicts the leader by its seal, and the node of the batch by its own', () => {
    const { world, enemy } = attacked()
    world.kill('hangzhou')
    const { raft, ledger } = world.replica('beijing')
    const { committed } = ledger
    const jws = world.statement('beijing', 'forged')
    const statement = `${jws.slice(0, jws.lastIndexOf('.') + 1)}${'A'.repeat(86)}`
    const place = { member: 'hangzhou', incarnation: 7, number: 0, previous: zeroDigestHex }
    const items = [batchItem(encodeEntry({ member: 'hangzhou', receivedAt: world.clock.wall(), statement }), true)]
    const message = batchMessage(world.rules.context, place, items)
    const bad = assembleBatch(place, items, message, world.sign('hangzhou', 'seal', message))
    const header = {
      epoch: 0,
      term: raft.term,
      height: height(committed.block.height + 1),
      parent: committed.block.id,
      time: world.clock.wall(),
      leader: liar,
      batches: batchesDigest([bad]),
      carried: carriedDigest({}),
      size: committed.frontier.size,
      root: committed.root,
    }
    const seal = world.sign(liar, 'seal', blockSealMessage(world.rules.context, header))
    enemy.send('guangzhou', { kind: 'block', block: assembleBlock(header, seal, {}, [bad]).bytes }, 'append')
    world.until(() => world.replica('beijing').faults.length === 2, 'both are known')
    expect(world.replica('beijing').faults.map(({ member, fault }) => `${member} ${fault.kind}`)).toEqual([
      'hangzhou invalid-batch',
      'wuhan invalid-seal',
    ])
  })

  it('beside another of its leader at one height convicts by the two seals, one of them on the disk', () => {
    const { world, enemy } = attacked()
    const chain = world.replica('guangzhou')
    const leader = chain.raft.leader!
    const block = chain.store.block(chain.raft.commit)!
    expect(block.header.leader).toBe(leader)
    const other = { ...block.header, time: block.header.time + 1 }
    // What the leader's key would have signed; sent by itself, after a start that remembers nothing.
    world.kill('hangzhou', 3)
    world.start('hangzhou')
    world.settle()
    enemy.stop()
    world.kill(leader)
    const twice = world.impostor(leader)
    world.clock.advance(100)
    const seal = world.sign(leader, 'seal', blockSealMessage(world.rules.context, other))
    const { bytes } = assembleBlock(other, seal, block.carried, block.batches)
    twice.send('hangzhou', { kind: 'block', block: bytes }, 'append')
    world.until(() => world.replica('hangzhou').faults.length === 1, 'hangzhou finds it')
    const [{ member, fault }] = world.replica('hangzhou').faults as [KeptFault]
    expect(`${member} ${fault.kind}`).toBe(`${leader} two-seals`)
  })
})
