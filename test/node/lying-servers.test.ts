/**
 * A node that catches up, and peers that are of no use to it on purpose: whatever they answer, it asks another before long. And a node that is
 * asked, and whose rows are not what they were.
 */
import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/chain/block.ts'
import type { BlockCertificate } from '../../src/chain/certificate.ts'
import { type Height, height, term } from '../../src/chain/numbers.ts'
import { CatchUp, type CatchUpDependencies } from '../../src/node/catch-up.ts'
import { catchUpTimeoutMs, catchUpUnprovenMax } from '../../src/node/limits.ts'
import { attestationKey, certificateKey } from '../../src/node/store-rows.ts'
import type { BlocksResponse, NodeMessage } from '../../src/node/wire.ts'
import { MadeLedger, rules } from './audit/made-ledger.ts'
import { ReplicaWorld } from './replica-world.ts'

const [liar, honest] = ['wuhan', 'beijing']

/** So many blocks, and of the last of them the certificate that the block above carries. */
function answerOf(made: MadeLedger, from: Height, count: number, proves: boolean): BlocksResponse {
  const blocks = made.blocks.slice(from - 1, from - 1 + count).map(({ bytes }) => bytes)
  const certificate = proves ? made.blocks[from - 1 + count]?.carried.base : undefined
  return { kind: 'blocks-response', from, blocks, ...(certificate === undefined ? {} : { certificate }) }
}

/** A node that lacks all but the first blocks of a chain. Its core adopts what is proven, unless `adopts` says otherwise. */
class Asking {
  readonly asked: { readonly peer: string; readonly from: Height }[] = []
  /** What came of answers, in order. */
  readonly came: string[] = []
  readonly catchUp: CatchUp
  commit = height(2)
  readonly #wanted: BlockCertificate
  #now = 0

  constructor(wanted: BlockCertificate, adopts: () => boolean = () => true) {
    this.#wanted = wanted
    const start = { term: term(0), height: height(0), id: '' }
    const held = new Set<string>()
    const raft = {
      leader: liar,
      lock: { block: start },
      tail: start,
      has: () => false,
      adopt: (blocks: readonly { height: Height }[]) => {
        if (!adopts()) return false
        this.commit = blocks.at(-1)!.height
        Object.assign(raft, { commit: this.commit })
        return true
      },
      commit: this.commit,
    }
    const dependencies: Partial<CatchUpDependencies> = {
      clock: { monotonic: () => this.#now } as never,
      raft: raft as never,
      ledger: {
        rules,
        committed: { block: start },
        check: ({ id }: Block) => void held.add(id),
        executed: (id: string) => (held.has(id) ? {} : undefined),
        forget: (id: string) => void held.delete(id),
      } as never,
      vouching: {
        checksOfBlock: () => [],
        checksOfCertificate: () => [],
        checksOfAttestation: () => [],
        check: (_: unknown, done: (good: boolean) => void) => done(true),
        checkItems: (_: unknown, done: (good: boolean) => void) => done(true),
      } as never,
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      turn: (event) => event(),
      peers: () => [liar, honest],
      follows: () => false,
      carryOut: () => void this.came.push(`committed ${this.commit}`),
      onAttestation: ({ size }) => void this.came.push(`attested ${size}`),
      send: (peer, message: NodeMessage) => {
        if (message.kind === 'blocks-request') this.asked.push({ peer, from: message.from })
      },
    }
    this.catchUp = new CatchUp(dependencies as CatchUpDependencies)
  }

  /** As the core does while it misses the block. */
  want(): void {
    this.catchUp.want(this.#wanted)
  }

  pass(ms: number): void {
    this.#now += ms
  }
}

/** A term of each block; the last only carries the certificate of the one below it, `top`. */
function longChain(): { readonly made: MadeLedger; readonly top: Height; readonly proven: BlockCertificate } {
  const made = new MadeLedger().add({ records: ['before'] })
  for (let i = 0; i < 400; i++) made.lead((i + 1) % 4)
  return { made, top: height(made.height - 1), proven: made.blocks.at(-1)!.carried.base! }
}

describe('a leader that lies is not what the way back depends on', () => {
  it('when it gives true blocks one by one, as slowly as it may, and proves none', () => {
    const { made, top, proven } = longChain()
    const node = new Asking(proven)
    node.want()
    for (let i = 0; i < catchUpUnprovenMax && node.commit < top; i++) {
      const to = node.asked.at(-1)!
      if (to.peer === liar) {
        node.pass(catchUpTimeoutMs - 1)
        node.catchUp.receive(liar, answerOf(made, to.from, 1, false), () => undefined)
      } else {
        node.catchUp.receive(honest, answerOf(made, to.from, Math.min(50, top - to.from + 1), true), () => undefined)
      }
      node.catchUp.tick()
    }
    expect(node.commit).toBe(top)
    expect(node.asked.filter((to) => to.peer === liar).length).toBeLessThanOrEqual(2)
  })

  it('when it gives what is certified and cannot be taken over', () => {
    const { made, proven } = longChain()
    const node = new Asking(proven, () => false)
    for (let i = 0; i < 4; i++) {
      node.want()
      const to = node.asked.at(-1)!
      node.catchUp.receive(to.peer, answerOf(made, to.from, 10, true), () => undefined)
      node.catchUp.tick()
    }
    expect(new Set(node.asked.map((to) => to.peer))).toEqual(new Set([liar, honest]))
  })
})

it('an answer that takes longer than a peer is waited for, over a slow line, is taken when it comes, and once', () => {
  const { made, proven } = longChain()
  const node = new Asking(proven)
  node.want()
  const { from } = node.asked.at(-1)!
  node.pass(catchUpTimeoutMs)
  node.catchUp.tick()
  node.want()
  node.catchUp.tick()
  expect(node.asked.map(({ peer }) => peer)).toEqual([liar, honest])
  node.catchUp.receive(liar, answerOf(made, from, 10, true), () => undefined)
  expect(node.commit).toBe(from + 9)
  const next = node.asked.at(-1)!
  expect(next.from).toBe(from + 10)
  let released = 0
  node.catchUp.receive(liar, answerOf(made, from, 10, true), () => released++)
  node.catchUp.receive(honest, answerOf(made, from, 5, true), () => released++)
  expect([released, node.commit]).toEqual([2, from + 9])
})

it('an attestation that came with blocks is taken when they are committed: before, its size is unknown', () => {
  const { made, proven } = longChain()
  const node = new Asking(proven)
  node.want()
  const { from } = node.asked.at(-1)!
  const attestation = made.attestation!
  node.catchUp.receive(liar, { ...answerOf(made, from, 10, true), attestation }, () => undefined)
  expect(node.came).toEqual([`committed ${from + 9}`, `attested ${attestation.size}`])
})

const present = ['beijing', 'guangzhou', 'hangzhou']
const away = 'wuhan'

function recorded(): ReplicaWorld {
  const world = new ReplicaWorld(4, { cheapSignatures: true })
  for (const id of present) world.start(id)
  world.electLeader()
  for (let i = 0; i < 6; i++) {
    world.submit('beijing', world.statement('beijing', `k${i}`))
    world.settle()
  }
  return world
}

/** All that proves a block, at all three that are there. */
function damage(world: ReplicaWorld, change: (value: Uint8Array) => Uint8Array): void {
  const kinds = [attestationKey(1)[0], certificateKey(height(1))[0]]
  for (const id of present) {
    const { medium } = world.member(id)
    for (const { key, value } of medium.rows) {
      if (kinds.includes(key[0]!)) medium.tamper({ key, value: change(value!) })
    }
  }
}

describe('whoever is asked for blocks', () => {
  it('does not end when a row that would prove them is no row of that kind any more', () => {
    const world = recorded()
    damage(world, () => Uint8Array.of(0xff, 1, 2))
    world.start(away)
    world.until(() => world.replica(away).isStarted, 'started')
    world.clock.advance(10_000)
    expect(world.faults).toEqual([])
    world.submit('beijing', world.statement('beijing', 'after'))
    world.settle('who was away has caught up')
    expect(world.faults).toEqual([])
  })
})
