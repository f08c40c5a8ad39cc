/**
 * The store against a plain list of the blocks folded: whatever they write, whenever the node crashes, is started again, loses rows or makes
 * everything anew, each name is read as the last block wrote it, what no block wrote is not there, and the rows on the disk add up to the sum.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256 } from '#crypto'
import { concat, equalBytes, toHex, utf8 } from '../../src/chain/bytes.ts'
import type { Leaf } from '../../src/chain/execution.ts'
import { leafHash, TreeFrontier } from '../../src/chain/merkle-tree.ts'
import { height, term } from '../../src/chain/numbers.ts'
import { BlockStore } from '../../src/node/block-store.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { MemoryMedium, type PhaseCount } from '../../src/node/memory-disk.ts'
import { StateSum } from '../../src/node/state-sum.ts'
import { derivedPrefixes } from '../../src/node/store-rows.ts'

const names = ['idem/a', 'idem/北京', 'idem/\u{1f4dc}', 'key/\u0000', 'party/武汉', 'frozen/é', 'frozen/e\u0301']
const ids = Array.from({ length: 6 }, (_, i) => toHex(sha256(utf8(`statement ${i}`))))

/** What a block writes, by place in the lists above. */
interface Written {
  readonly states: readonly number[]
  readonly records: readonly number[]
  readonly refusals: readonly number[]
}

interface Start {
  /** Of the cycle in flight, what the crash leaves. */
  readonly phases: PhaseCount
  readonly damage: 'none' | 'lost' | 'changed' | 'unreadable'
  readonly rows: readonly number[]
  /** A start before this one gets so many events far, and crashes. */
  readonly cutOffAfter: number
  /** So many of the newest blocks do not count any more. */
  readonly void: number
}

type Step = { readonly fold: Written } | { readonly diskEvents: number } | { readonly start: Start } | 'count'

const someOf = (list: readonly unknown[]) => fc.array(fc.nat(list.length - 1), { maxLength: 4 })
const anyWritten = fc.record({ states: someOf(names), records: someOf(ids), refusals: someOf(ids) })
const anyStart = fc.record({
  phases: fc.constantFrom<PhaseCount[]>(0, 1, 2, 3),
  damage: fc.constantFrom<Start['damage'][]>('none', 'none', 'lost', 'changed', 'unreadable'),
  rows: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 5 }),
  cutOffAfter: fc.constantFrom(0, 0, 1, 5, 10, 11, 12, 13, 14),
  void: fc.constantFrom(0, 0, 0, 1, 3),
})
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ fold: anyWritten }) },
  { weight: 3, arbitrary: fc.record({ diskEvents: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ start: anyStart }) },
  { weight: 1, arbitrary: fc.constant('count' as const) },
)

class World {
  readonly #medium = new MemoryMedium()
  #events: (() => void)[] = []
  #disk = this.#medium.open({ defer: (event) => void this.#events.push(event), onFatal: () => {} })
  #cycle = new DiskCycle({}, { disk: this.#disk })
  #store = this.#storeOfNow()
  /** The first is the genesis. */
  readonly #blocks: Written[] = [{ states: [0, 3], records: [], refusals: [] }]
  #frontier = new TreeFrontier()
  #folded = 0

  constructor() {
    this.#store.forgetDerived(() => this.#foldRest())
    this.#settle()
  }

  take(step: Step): void {
    if (step === 'count') this.#count()
    else if ('diskEvents' in step) this.#run(step.diskEvents)
    else if ('fold' in step) {
      this.#blocks.push(step.fold)
      this.#foldRest()
    } else this.#restart(step.start)
  }

  /** What is read is what the blocks say. */
  look(): void {
    const states = new Map<number, unknown>()
    const records = new Map<number, number>()
    const refusals = new Map<number, number>()
    let index = 0
    this.#blocks.forEach((written, at) => {
      for (const name of written.states) states.set(name, [at])
      for (const id of written.records) records.set(id, index++)
      for (const id of written.refusals) {
        // The first one stands.
        if (!refusals.has(id)) refusals.set(id, index)
        index++
      }
    })
    for (const [i, name] of names.entries()) expect(this.#store.state.get(name), name).toEqual(states.get(i))
    for (const [i, id] of ids.entries()) {
      expect(this.#store.indexOfStatement(id), id).toBe(records.get(i))
      expect(this.#store.indexOfRefusal(id, 'wuhan'), id).toBe(refusals.get(i))
    }
  }

  /** Whatever lies in the way of a whole count is left over from before. */
  #count(): void {
    this.#settle()
    const sum = new StateSum()
    for (const { key, value } of this.#derived()) if (this.#medium.isReadable(key)) sum.add(key, value!)
    expect(sum.bytes).toEqual(this.#store.applied()!.sum)
    this.#store.recount(() => undefined)
    this.#settle()
  }

  #restart({ phases, damage, rows, cutOffAfter, void: voided }: Start): void {
    this.#disk.crash(phases)
    const derived = this.#derived()
    for (const row of damage === 'none' || derived.length === 0 ? [] : rows) {
      const { key, value } = derived[row % derived.length]!
      if (damage === 'unreadable') this.#medium.makeUnreadable(key)
      else if (damage === 'lost') this.#medium.tamper({ key })
      else this.#medium.tamper({ key, value: value!.with(-1, value!.at(-1)! ^ 1) })
    }
    this.#blocks.length = Math.max(1, this.#blocks.length - voided)
    if (cutOffAfter > 0) {
      this.#start()
      this.#run(cutOffAfter)
      this.#disk.crash(phases)
    }
    this.#start()
    this.#settle()
  }

  /** As start-up does it. */
  #start(): void {
    this.#events = []
    this.#disk = this.#medium.open({ defer: (event) => void this.#events.push(event), onFatal: () => {} })
    this.#cycle = new DiskCycle({}, { disk: this.#disk })
    this.#store = this.#storeOfNow()
    this.#store.recount((sum) => {
      const applied = this.#store.applied()
      if (applied !== undefined && sum !== undefined && equalBytes(sum, applied.sum)) {
        // Whoever looks whether blocks are void reads the state that may go.
        for (const name of names) this.#store.state.get(name)
        if (applied.block.height < this.#blocks.length) {
          this.#frontier = this.#store.resume(applied)
          this.#folded = applied.block.height + 1
          return this.#foldRest()
        }
      }
      this.#store.forgetDerived(() => {
        this.#cycle.whenDurable(() => {
          this.#frontier = new TreeFrontier()
          this.#folded = 0
          this.#foldRest()
        })
        this.#cycle.flush()
      })
    })
  }

  #storeOfNow(): BlockStore {
    return new BlockStore({ cycle: this.#cycle, disk: this.#disk, context: { ledger: '1'.repeat(64), epoch: 0 } })
  }

  #foldRest(): void {
    while (this.#folded < this.#blocks.length) this.#fold(this.#folded++)
    this.#cycle.flush()
  }

  #fold(at: number): void {
    const { states, records, refusals } = this.#blocks[at]!
    const firstIndex = this.#frontier.size
    const leaves = [
      ...records.map((id, i) => leafOf('record', ids[id]!, firstIndex + i)),
      ...refusals.map((id, i) => leafOf('refusal', ids[id]!, firstIndex + records.length + i)),
    ]
    for (const { hash } of leaves) this.#frontier.append(hash)
    const { state } = this.#store
    const root = toHex(this.#frontier.root())
    this.#store.fold(
      { term: term(1), height: height(at), id: '2'.repeat(64) },
      concat(...leaves.map(({ bytes }) => bytes)),
      {
        leaves,
        firstIndex,
        writes: new Map(states.map((name) => [names[name]!, [at]])),
        point: { leader: 'wuhan', time: at, frontier: this.#frontier, root, state, unattested: [] },
      },
    )
  }

  #derived() {
    return this.#medium.rows.filter(({ key }) => derivedPrefixes.includes(key[0]!))
  }

  #run(events: number): void {
    for (let i = 0; i < events; i++) this.#events.shift()?.()
  }

  #settle(): void {
    while (this.#events.length > 0) this.#run(1)
  }
}

function leafOf(kind: 'record' | 'refusal', id: string, index: number): Leaf {
  const bytes = utf8(`${kind} ${index};`)
  const statement = { id, type: 'attest.hash@1', kid: 'key', party: 'uscc:1' }
  return { kind, bytes, hash: leafHash(bytes), statement, entry: { member: 'wuhan' } } as unknown as Leaf
}

test('reads what the blocks wrote, through every crash, damage and new beginning', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 5, maxLength: 40 }), (steps) => {
      const world = new World()
      for (const step of steps) {
        world.take(step)
        world.look()
      }
      world.take('count')
      world.look()
    }),
    { numRuns: 150 },
  )
})
