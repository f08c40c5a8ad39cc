/** The quiet box in whole nodes: from a leaf that is handed in to an opening that accounts for it, with crashes and outages on the way. */
import { describe, expect, it } from 'vitest'
import type { PhaseCount } from '../../src/node/memory-disk.ts'
import { journalRange } from '../../src/node/store-rows.ts'
import { BoxStage, type BoxTimes } from './box-stage.ts'
import { ReplicaWorld } from './replica-world.ts'

const pace = { boxRoundMs: 5_000, boxFastRoundMs: 1_000 }

function staged(times: BoxTimes = {}, cheapSignatures = true): BoxStage {
  const world = new ReplicaWorld(4, { cheapSignatures, parameters: pace })
  world.startAll()
  world.electLeader()
  world.settle('the empty ledger is attested')
  return new BoxStage(world, 'T-1', times)
}

const opened = (numbers: Partial<Record<string, number>>) => ({
  leaves: 0,
  bids: 0,
  replaced: 0,
  withdrawn: 0,
  notRevealed: 0,
  ...numbers,
})

describe('a sealed bid', () => {
  it('handed in to any member is opened, and every leaf is accounted for', () => {
    const stage = staged()
    const { world } = stage
    const [a, b, c] = world.ids as [string, string, string]
    const bids = [a, b, c, a].map((door, i) => ({ door, bid: stage.bid(`bidder ${i}`, String(100 + i)) }))
    for (const { door, bid } of bids) stage.handIn(door, bid.leaf)
    const later = stage.bid('bidder 0 again', '99', bids[0]!.bid)
    stage.handIn(b, later.leaf)
    stage.handIn(c, stage.withdrawal(bids[1]!.bid).leaf)
    stage.untilClosed()
    expect(stage.outcome('bid.reveal@1', stage.reveal(bids[2]!.bid, stage.place(c, bids[2]!.bid.leaf)))).toBe(
      'bid.not-open-yet',
    )
    world.clock.advance(5_000)
    const replaced = { bid: bids[0]!.bid, place: stage.place(a, bids[0]!.bid.leaf) }
    expect(stage.outcome('bid.reveal@1', stage.reveal(later, stage.place(b, later.leaf), replaced))).toBe('record')
    expect(stage.outcome('bid.reveal@1', stage.reveal(bids[2]!.bid, stage.place(c, bids[2]!.bid.leaf)))).toBe('record')
    const withdrawal = stage.withdrawal(bids[1]!.bid)
    expect(
      stage.outcome(
        'bid.withdrawal@1',
        stage.withdrawn(bids[1]!.bid, stage.place(c, withdrawal.leaf), stage.place(b, bids[1]!.bid.leaf)),
      ),
    ).toBe('record')
    const tender = { ...stage.about.tender }
    const numbers = opened({ leaves: 6, bids: 2, replaced: 1, withdrawn: 1, notRevealed: 1 })
    expect(stage.outcome('bid.opened@1', { tender, ...numbers })).toBe('bid.reveals-due')
    expect(stage.outcome('bid.reveal@1', stage.reveal(bids[3]!.bid, stage.place(a, bids[3]!.bid.leaf)))).toBe('record')
    expect(stage.outcome('bid.opened@1', { tender, ...numbers })).toBe('bid.count-differs')
    expect(stage.outcome('bid.opened@1', { tender, ...numbers, bids: 3, notRevealed: 0 })).toBe('record')
    world.settle()
    expect(world.faults).toEqual([])
  })

  it('is answered alike however often it comes, and not at all after the deadline', () => {
    const stage = staged()
    const { world } = stage
    const [a] = world.ids as [string]
    const { leaf } = stage.bid('bidder')
    const first = stage.handIn(a, leaf)
    world.clock.advance(3_000)
    expect(stage.handIn(a, leaf)).toEqual(first)
    expect(stage.deposit(a, stage.bid('nobody').leaf).kind).toBe('received')
    world.clock.advance(stage.deadline - world.clock.wall() + 1)
    expect(stage.deposit(a, stage.bid('late').leaf)).toEqual({ kind: 'refused', code: 'box.not-open' })
    expect(stage.handIn(a, leaf)).toEqual(first)
  })
})

describe('a receipt is kept', () => {
  for (const phases of [0, 1, 2, 3] as const satisfies readonly PhaseCount[]) {
    it(`when its member is killed at any moment, ${phases} phases of a write done`, () => {
      const stage = staged({ deadlineMs: 120_000 })
      const { world } = stage
      const [, door] = world.ids as [string, string]
      const leaves: string[] = []
      for (let delay = 0; delay < 12; delay++) {
        const { leaf } = stage.bid(`bidder ${delay}`)
        let received = false
        world.replica(door).deposit(stage.about, leaf, ({ kind }) => {
          received = kind === 'received'
        })
        // Around the beat with which it is taken in.
        world.clock.advance(1_000 - (world.clock.wall() % 1_000) + delay * 10)
        world.kill(door, phases)
        if (received) leaves.push(leaf)
        world.start(door)
        world.until(() => world.replica(door).hindrances.length === 0, 'ready')
        world.clock.advance(700)
      }
      expect(leaves.length).toBeGreaterThan(3)
      stage.untilClosed()
      const list = world
        .replica(door)
        .boxes.list(stage.about)!
        .map(({ leaf }) => leaf)
      expect(leaves.filter((leaf) => !list.includes(leaf))).toEqual([])
      expect(world.faults).toEqual([])
    })
  }

  it('when the quorum is out from ten seconds before to twenty after the deadline', () => {
    const stage = staged()
    const { world } = stage
    const [a, b, c, d] = world.ids as [string, string, string, string]
    world.clock.advance(stage.deadline - world.clock.wall() - 10_000)
    for (const id of [c, d]) world.kill(id)
    const bids = Array.from({ length: 40 }, (_, i) => stage.bid(`bidder ${i}`))
    let receipts = 0
    for (const [i, { leaf }] of bids.entries()) {
      world.replica(i % 2 === 0 ? a : b).deposit(stage.about, leaf, ({ kind }) => {
        receipts += kind === 'received' ? 1 : 0
      })
      world.clock.advance(100)
    }
    world.until(() => receipts === bids.length, 'every receipt')
    world.clock.advance(26_000)
    for (const id of [c, d]) world.start(id)
    stage.untilClosed()
    const held = [a, b].flatMap((id) =>
      world
        .replica(id)
        .boxes.list(stage.about)!
        .map(({ leaf }) => leaf),
    )
    expect(held.toSorted()).toEqual(bids.map(({ leaf }) => leaf).toSorted())
    world.clock.advance(8_000)
    for (const [i, bid] of bids.slice(0, 4).entries()) {
      expect(stage.outcome('bid.reveal@1', stage.reveal(bid, stage.place(i % 2 === 0 ? a : b, bid.leaf)))).toBe(
        'record',
      )
    }
  })

  it('by whoever holds it, when its member is gone for good', () => {
    // The rules check the receipt's signature: real ones.
    const stage = staged({ deadlineMs: 20_000 }, false)
    const { world } = stage
    const [a, b, c, d] = world.ids as [string, string, string, string]
    const bid = stage.bid('bidder')
    const { leaf, receivedAt, round, epoch, signature } = stage.handIn(d, bid.leaf)
    world.kill(d)
    const tender = { ...stage.about.tender }
    const receipt = { member: d, epoch, leaf, receivedAt, round, signature: Buffer.from(signature).toString('hex') }
    expect(stage.outcome('bid.claim@1', { tender, receipt }, b)).toBe('box.too-early')
    stage.untilClosed([a, b, c])
    expect(stage.outcome('bid.claim@1', { tender, receipt: { ...receipt, receivedAt: receivedAt + 1 } }, b)).toBe(
      'bid.receipt-forged',
    )
    expect(stage.outcome('bid.claim@1', { tender, receipt }, b)).toBe('record')
    expect(stage.outcome('bid.claim@1', { tender, receipt }, c)).toBe('bid.claimed-already')
    world.clock.advance(8_000)
    expect(stage.outcome('bid.reveal@1', stage.reveal(bid, { member: d, receivedAt }))).toBe('record')
    expect(stage.outcome('bid.opened@1', { tender, ...opened({ leaves: 1, bids: 1 }) })).toBe('record')
  })
})

describe('a disk that lost leaves', () => {
  it('closes over no round of theirs and takes nothing more in; whoever has a receipt is opened by it', () => {
    const stage = staged({ deadlineMs: 40_000, claimSeconds: 30 }, false)
    const { world } = stage
    const [a, b, c, d] = world.ids as [string, string, string, string]
    const bid = stage.bid('bidder')
    const { leaf, receivedAt, round, epoch, signature } = stage.handIn(d, bid.leaf)
    world.clock.advance(10_000)
    world.kill(d)
    const { medium } = world.member(d)
    const [row] = medium.select(journalRange).filter(({ value }) => isLeafRow(value!))
    medium.tamper({ key: row!.key })
    world.start(d)
    world.until(() => world.replica(d).hindrances.length === 0, 'ready')
    expect(world.log.filter((line) => line.includes(`${d} receipts lost`))).toHaveLength(1)
    expect(stage.deposit(d, stage.bid('another').leaf)).toEqual({ kind: 'refused', code: 'node.box-damaged' })
    stage.untilClosed([a, b, c])
    world.clock.advance(5_000)
    expect(world.replica(d).boxes.list(stage.about)).toBeUndefined()
    const tender = { ...stage.about.tender }
    const receipt = { member: d, epoch, leaf, receivedAt, round, signature: Buffer.from(signature).toString('hex') }
    expect(stage.outcome('bid.claim@1', { tender, receipt }, b)).toBe('record')
    world.clock.advance(30_000)
    expect(stage.outcome('bid.reveal@1', stage.reveal(bid, { member: d, receivedAt }))).toBe('record')
    expect(world.replica(d).boxes.list(stage.about)).toBeUndefined()
    expect(world.faults).toEqual([])
  })

  it('is as good as any for a box that is opened later, through further starts', () => {
    const stage = staged({ deadlineMs: 40_000 })
    const { world } = stage
    const d = world.ids[3]!
    stage.handIn(d, stage.bid('bidder').leaf)
    world.kill(d)
    const { medium } = world.member(d)
    medium.tamper({ key: medium.select(journalRange).find(({ value }) => isLeafRow(value!))!.key })
    const restart = (): void => {
      world.start(d)
      world.until(() => world.replica(d).hindrances.length === 0, 'ready')
    }
    restart()
    const later = new BoxStage(world, 'T-2', { deadlineMs: 60_000 })
    expect(later.deposit(d, later.bid('later').leaf).kind).toBe('received')
    world.kill(d)
    restart()
    expect(later.deposit(d, later.bid('last').leaf).kind).toBe('received')
    expect(stage.deposit(d, stage.bid('another').leaf)).toEqual({ kind: 'refused', code: 'node.box-damaged' })
    later.untilClosed()
    expect(world.replica(d).boxes.list(later.about)).toHaveLength(2)
    expect(world.replica(d).boxes.list(stage.about)).toBeUndefined()
    expect(world.faults).toEqual([])
  })
})

/** The first element of a leaf's row in the journal is 4 (an array of eight: 88). */
const isLeafRow = (value: Uint8Array): boolean => value[0] === 0x88 && value[1] === 4

describe('the pace', () => {
  it('of rounds is the same whatever comes in', () => {
    const pattern = (leaves: number): readonly string[] => {
      const stage = staged()
      const { world } = stage
      for (let i = 0; i < leaves; i++) {
        stage.handIn(world.ids[i % 4]!, stage.bid(`bidder ${i}`).leaf)
      }
      world.clock.advance(stage.deadline - world.clock.wall())
      const { store } = world.replica(world.ids[0]!)
      const size = world.replica(world.ids[0]!).attested!.size
      return Array.from({ length: size - 1 }, (_, i) => {
        const { bytes } = store.leaf(i + 1)!
        const entry = JSON.parse(Buffer.from(bytes).toString())
        return `${entry.member ?? 'system'} ${entry.receivedAt ?? entry.system?.time} ${bytes.length}`
      })
    }
    expect(pattern(60)).toEqual(pattern(0))
  })
})

describe('a leader whose clock is fast', () => {
  for (const [aheadMs, what] of [
    [4_500, 'within the bound: grace ends for nobody before its time by more than that'],
    [60_000, 'beyond it: nobody takes its blocks, and another leads'],
  ] as const) {
    it(`by ${aheadMs} ms, ${what}`, () => {
      const stage = staged()
      const { world } = stage
      const leader = world.leader()!
      const [door] = world.followers()
      const { leaf } = stage.bid('bidder')
      stage.handIn(door!, leaf)
      world.member(leader).clockOffsetMs = aheadMs
      const { clockAheadMs } = world.genesis.parameters
      const graceEnds = stage.deadline + 5_000
      // A leaf in the last second before the deadline, by the clocks of all others.
      world.clock.advance(stage.deadline - world.clock.wall() - 900)
      const late = stage.bid('late')
      stage.handIn(door!, late.leaf)
      let closedAt: number | undefined
      world.until(() => {
        const isClosed = world.replica(door!).boxes.list(stage.about) !== undefined
        if (isClosed) closedAt ??= world.clock.wall()
        return isClosed
      }, 'the door has closed')
      expect(closedAt).toBeGreaterThanOrEqual(graceEnds - clockAheadMs)
      const held = world
        .replica(door!)
        .boxes.list(stage.about)!
        .map((each) => each.leaf)
      expect(held.toSorted()).toEqual([leaf, late.leaf].toSorted())
      expect(world.faults).toEqual([])
    })
  }
})
