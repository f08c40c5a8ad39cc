/**
 * Boxes under everything that happens to nodes: kills in the middle of a write, power cuts of all, leaders that change, disks that lose or
 * change rows behind a node's back. Drawn from seeds. Whatever happened, no honest node signs a close that its own receipts contradict — that
 * would convict it — and what stands outside the closes can be claimed by the receipts that were given.
 */
import { expect, it } from 'vitest'
import { boxKey, closersOf, closes } from '../../src/chain/catalogue/box-life.ts'
import { SectionTree } from '../../src/chain/quiet-box.ts'
import type { SignedBidReceipt } from '../../src/node/box-keeper.ts'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import { journalRange, metaKey } from '../../src/node/store-rows.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import { BoxStage } from './box-stage.ts'
import { ReplicaWorld } from './replica-world.ts'

const pace = { boxRoundMs: 4_000, boxFastRoundMs: 1_000 }
const deadlineMs = 30_000

/** A row of the journal or of the box is lost or changed while its node is down. */
function harm(world: ReplicaWorld, id: string, random: SeededRandom): boolean {
  const { medium } = world.member(id)
  const rows = [
    ...medium.select(journalRange),
    ...medium.select({ gte: metaKey('box'), lt: metaKey('boy') }),
    ...medium.select({ gte: metaKey('journal'), lt: metaKey('journam') }),
  ]
  if (rows.length === 0) return false
  const { key, value } = rows[random.below(rows.length)]!
  if (random.below(3) === 0) medium.makeUnreadable(key)
  else if (random.below(2) === 0) medium.tamper({ key })
  else {
    const changed = Uint8Array.from(value!)
    changed[random.below(changed.length)]! ^= 1 << random.below(8)
    medium.tamper({ key, value: changed })
  }
  return true
}

for (const harms of [false, true]) {
  for (let seed = 1; seed <= 5; seed++) {
    it(`seed ${seed}${harms ? ', with a disk that loses rows' : ''}: no receipt is contradicted by a close`, () => {
      const random = new SeededRandom(seed * 2 + (harms ? 1 : 0))
      const world = new ReplicaWorld(4, { cheapSignatures: true, parameters: pace, seed })
      world.startAll()
      world.electLeader()
      const stage = new BoxStage(world, `T-${seed}`, { deadlineMs, graceSeconds: 6, claimSeconds: 4 })
      const receipts: { readonly member: string; readonly receipt: SignedBidReceipt }[] = []
      const harmed = new Set<string>()
      const down = new Set<string>()
      const victim = world.ids[random.below(4)]!
      let leaves = 0
      const handIn = (): void => {
        const member = world.ids[random.below(4)]!
        if (down.has(member) || !world.replica(member).isStarted) return
        const { leaf } = stage.bid(`${random.below(8) === 0 ? random.below(leaves + 1) : leaves++}`)
        world.replica(member).deposit(stage.about, leaf, (result) => {
          if (result.kind === 'received') receipts.push({ member, receipt: result.receipt })
        })
      }
      const kill = (id: string): void => {
        if (down.has(id)) return
        world.kill(id, random.below(4) as PhaseCount)
        down.add(id)
        if (harms && id === victim && random.below(2) === 0 && harm(world, id, random)) harmed.add(id)
      }
      const start = (id: string): void => {
        world.start(id)
        down.delete(id)
      }
      while (world.clock.wall() < stage.deadline + 12_000) {
        world.clock.advance(random.below(400))
        const draw = random.below(20)
        if (draw < 14) handIn()
        else if (draw < 16) kill(world.ids[random.below(4)]!)
        else if (draw < 19) for (const id of [...down].slice(0, 1)) start(id)
        else if (random.below(4) === 0) for (const id of world.ids) kill(id)
        else if (world.leader() !== undefined) world.replica(world.leader()!).raft.handOver()
      }
      for (const id of [...down]) start(id)
      world.clock.advance(90_000)
      expect(world.faults).toEqual([])

      const key = boxKey(stage.about)
      const { state } = world.replica(world.ids[0]!).ledger.committed
      const closed = closersOf(state, key)
      for (const id of world.ids) if (!harmed.has(id)) expect(closed, `${id} has closed`).toContain(id)
      let later = 0
      for (const { member, receipt } of receipts) {
        if (!closed.includes(member)) continue
        const close = closes.read(state, [...key, member])!
        const list = world.replica(member).boxes.list(stage.about)
        if (list === undefined) continue // the disk has lost the list itself
        expect(new SectionTree(list).root).toBe(close.root)
        const isIn = list.some(({ leaf }) => leaf === receipt.leaf)
        if (receipt.round <= close.round) expect(isIn, `${member} closed over ${receipt.leaf}`).toBe(true)
        else if (!isIn) later++
      }
      expect(receipts.length).toBeGreaterThan(10)
      // Whoever was down through the whole of grace closes on an earlier round; that is the exception.
      if (harmed.size === 0) expect(later).toBeLessThan(receipts.length / 2)
    })
  }
}
