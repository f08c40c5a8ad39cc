import { describe, expect, it } from 'vitest'
import { roundSlotsMax } from '../../../src/chain/catalogue/box.ts'
import { attestedEnd, boxKey, boxLife, opensAt, revealsDueAt } from '../../../src/chain/catalogue/box-life.ts'
import { RoundTree, slotHash } from '../../../src/chain/quiet-box.ts'
import { formatTime } from '../../../src/chain/time.ts'
import {
  about,
  BoxWorld,
  bidOf,
  claimMs,
  closing,
  deadline,
  digestOf,
  due,
  graceMs,
  memberIds,
  minute,
  notice,
  openBox,
  opening,
  second,
  tender,
  withNotice,
} from './box-world.ts'
import { keyOf } from './founded-ledger.ts'
import { base, owner, platform, stranger } from './tender-fixture.ts'

const codeOf = (world: BoxWorld, statement: ReturnType<BoxWorld['says']>, member = 'guangzhou'): string =>
  world.ledger.submit(statement, { member })

describe('opening a box', () => {
  it('is refused without a notice, for a section that is none, and for a tender that is over', () => {
    expect(base.fork().submit(openBox(base))).toBe('box.no-tender')
    expect(withNotice.fork().submit(openBox(withNotice, { section: 'B1' }))).toBe('box.no-tender')
    const over = withNotice.fork()
    over.take(about(over, 'tender.terminate', { reason: '项目取消' }))
    expect(over.submit(openBox(over))).toBe('box.no-tender')
  })

  it('is refused without a deadline, or after it', () => {
    const without = base.fork()
    without.take(about(without, 'tender.notice', { kind: 'tender', profile: 'construction', region: '440100' }))
    expect(without.submit(openBox(without))).toBe('box.no-deadline')
    const late = withNotice.fork()
    late.blockTime = deadline
    expect(late.submit(openBox(late))).toBe('box.no-deadline')
  })

  it('is for whoever speaks for the tender, once for each section', () => {
    const ledger = withNotice.fork()
    const by = (name: string, party: string) =>
      ledger.statement('box.open@1', party, keyOf(name), {
        tender,
        graceSeconds: 60,
        claimSeconds: 60,
        revealSeconds: 60,
      })
    expect(ledger.fork().submit(by('tender owner', owner))).toBe('accepted')
    expect(ledger.fork().submit(by('tender platform', platform))).toBe('accepted')
    expect(ledger.submit(by('tender stranger', stranger))).toBe('tender.not-entitled')
    ledger.take(openBox(ledger))
    expect(ledger.submit(openBox(ledger))).toBe('box.exists')
  })

  it('gives grace and claims at least two of the rounds around a deadline', () => {
    for (const name of ['graceSeconds', 'claimSeconds']) {
      expect(withNotice.fork().submit(openBox(withNotice, { [name]: 59 }))).toBe('box.too-short')
      expect(withNotice.fork().submit(openBox(withNotice, { [name]: 60 }))).toBe('accepted')
      expect(withNotice.fork().submit(openBox(withNotice, { [name]: 0 }))).toBe('schema.violation')
    }
  })

  it('numbers boxes one after the other', () => {
    const ledger = base.fork()
    ledger.take(notice(ledger, { sections: [{ code: 'B1' }, { code: 'B2' }] }))
    for (const section of ['B2', 'B1', undefined])
      ledger.take(openBox(ledger, section === undefined ? {} : { section }))
    const numberOf = (section: string) =>
      boxLife.at(ledger.state, boxKey({ tender, section }), ledger.blockTime)!.row.number
    expect(['B2', 'B1', ''].map(numberOf)).toEqual([0, 1, 2])
  })
})

describe('a round', () => {
  it('follows the one before of the same member, and nobody else’s', () => {
    const world = new BoxWorld()
    const { guangzhou } = world
    expect(codeOf(world, guangzhou.round({ round: 2 }))).toBe('box.round-out-of-order')
    expect(codeOf(world, guangzhou.round({ round: 0 }))).toBe('box.round-out-of-order')
    expect(codeOf(world, guangzhou.round({ previous: digestOf('x') }))).toBe('box.round-out-of-order')
    const first = guangzhou.round()
    world.ledger.take(first)
    expect(codeOf(world, first)).toBe('box.round-out-of-order')
    expect(codeOf(world, guangzhou.round({ previous: '0'.repeat(64) }))).toBe('box.round-out-of-order')
    expect(codeOf(world, guangzhou.round())).toBe('accepted')
    expect(codeOf(world, world.wuhan.round(), 'wuhan')).toBe('accepted')
  })

  it('has a slot for boxes that are there, whatever the numbers', () => {
    const world = new BoxWorld()
    const { guangzhou } = world
    const largest = Number.MAX_SAFE_INTEGER
    for (const fields of [
      { from: 0, slots: 2 },
      { from: 1, slots: 1 },
      { from: largest, slots: 0 },
      { from: largest, slots: roundSlotsMax },
      { from: largest - roundSlotsMax + 1, slots: roundSlotsMax },
    ]) {
      expect(codeOf(world, guangzhou.round(fields)), JSON.stringify(fields)).toBe('box.round-out-of-order')
    }
    expect(codeOf(world, guangzhou.round({ slots: roundSlotsMax + 1 }))).toBe('schema.violation')
    expect(codeOf(world, guangzhou.round({ round: largest }))).toBe('box.round-out-of-order')
  })

  it('is signed by the seal key of the member that brings it, in its own name', () => {
    const world = new BoxWorld()
    const { guangzhou, wuhan } = world
    expect(codeOf(world, guangzhou.round(), 'wuhan')).toBe('key.not-of-the-node')
    expect(codeOf(world, wuhan.round(), 'guangzhou')).toBe('key.not-of-the-node')
    const { ledger } = world
    const fields = { round: 1, previous: '0'.repeat(64), from: 0, slots: 0, root: digestOf('x') }
    const of = (party: string, key: string) => ledger.statement('box.round@1', party, keyOf(key), fields)
    expect(codeOf(world, of(ledger.member('guangzhou').party, 'guangzhou centre'))).toBe('key.not-of-the-node')
    expect(codeOf(world, of(ledger.member('wuhan').party, 'guangzhou seal'))).toBe('key.wrong-party')
  })

  it('says the same whatever came in: one length, and nothing that repeats from round to round', () => {
    const quiet = new BoxWorld()
    const busy = new BoxWorld()
    const payloads = [quiet, busy].map((world) => {
      const sizes: number[] = []
      const roots = new Set<unknown>()
      for (let round = 0; round < 8; round++) {
        if (world === busy) for (let at = 0; at < 200; at++) world.guangzhou.receive(digestOf(`${round} ${at}`))
        const statement = world.guangzhou.round()
        sizes.push(statement.jws.length)
        roots.add((statement.payload as { readonly root: string }).root)
        world.ledger.take(statement)
      }
      expect(roots.size).toBe(8)
      return sizes
    })
    expect(payloads[0]).toEqual(payloads[1])
  })
})

describe('a close', () => {
  it('waits for the end of grace, to the millisecond', () => {
    const world = new BoxWorld().eve()
    world.run(closing - 1)
    expect(codeOf(world, world.guangzhou.close())).toBe('box.too-early')
    world.ledger.blockTime = closing
    expect(codeOf(world, world.guangzhou.close())).toBe('accepted')
  })

  it('happens once for each member', () => {
    const world = new BoxWorld().eve()
    world.run(closing)
    world.close()
    for (const id of memberIds) expect(codeOf(world, world.box(id).close(), id)).toBe('box.closed-already')
    expect(world.state).toBe('closed')
  })

  it('stands on the last round within grace: neither an older nor a later one, nor one that is not there', () => {
    const world = new BoxWorld().eve()
    world.run(closing)
    const last = world.guangzhou.newest
    world.run(closing + minute)
    for (const round of [last - 1, last + 1, last + 2, 0, 1, Number.MAX_SAFE_INTEGER]) {
      expect(codeOf(world, world.guangzhou.close({ round }, last)), `${round}`).toBe('box.not-the-last-round')
    }
    expect(codeOf(world, world.guangzhou.close({}, last))).toBe('accepted')
  })

  it('is what was committed to: not another count, root, salt, section, member or path', () => {
    const world = new BoxWorld().eve()
    const { guangzhou, ledger } = world
    guangzhou.receive(bidOf('a').leaf)
    world.run(closing)
    const huge = Array.from({ length: 64 }, () => digestOf('x'))
    for (const fields of [
      { count: 0 },
      { count: 2 },
      { count: 100_000 },
      { root: digestOf('x') },
      { salt: digestOf('x') },
      { path: [digestOf('x')] },
      { path: huge },
    ]) {
      expect(codeOf(world, guangzhou.close(fields)), JSON.stringify(fields).slice(0, 40)).toBe('box.not-as-committed')
    }
    expect(codeOf(world, guangzhou.close({ path: [...huge, digestOf('x')] }))).toBe('schema.violation')
    expect(codeOf(world, guangzhou.close({ count: 100_001 }))).toBe('schema.violation')
    // The same content in another member's name.
    const { count, root, salt } = guangzhou.slot(guangzhou.newest)
    expect(codeOf(world, world.wuhan.close({ count, root, salt }), 'wuhan')).toBe('box.not-as-committed')
    expect(ledger.submit(guangzhou.close(), { member: 'wuhan' })).toBe('key.not-of-the-node')
    expect(codeOf(world, guangzhou.close())).toBe('accepted')
  })

  it('is not possible over a round that left the box out', () => {
    const world = new BoxWorld().eve()
    const { guangzhou } = world
    world.run(deadline)
    for (const fields of [
      { from: 0, slots: 0 },
      { from: 1, slots: 0 },
    ]) {
      const without = world.ledger.fork()
      without.take(guangzhou.round(fields))
      without.blockTime = closing - 40 * second
      without.take(world.wuhan.round(), { member: 'wuhan' })
      without.blockTime = closing
      const round = guangzhou.newest + 1
      expect(without.submit(guangzhou.close({ round }, round))).toBe('box.not-as-committed')
    }
  })

  it('of a member that committed to nothing in time is none', () => {
    const world = new BoxWorld()
    world.ledger.blockTime = deadline - 5 * minute
    world.rounds(['wuhan'])
    world.run(closing, ['wuhan'])
    expect(codeOf(world, world.guangzhou.close({ round: 1 }))).toBe('box.not-the-last-round')
    world.ledger.blockTime += second
    world.rounds(['guangzhou'])
    expect(codeOf(world, world.guangzhou.close({ round: 1 }))).toBe('box.not-the-last-round')
  })

  it('that comes when bids are being opened is in, and named late', () => {
    const world = new BoxWorld().eve()
    const bid = bidOf('a')
    world.guangzhou.receive(bid.leaf)
    world.toOpening(['guangzhou'])
    expect(world.found(world.wuhan.close({}, world.guangzhou.newest - 10), 'wuhan')).toEqual([])
    world.ledger.take(world.reveal(bid))
    expect(world.found(world.box('beijing').close({}, world.guangzhou.newest - 10), 'beijing')).toEqual([
      'box.closed-late',
    ])
  })

  it('is fixed by the deadline in force when the first came; a deadline that moved before moves it', () => {
    const world = new BoxWorld()
    const { ledger } = world
    ledger.blockTime = deadline - 5 * minute
    world.rounds()
    const moved = formatTime(deadline + 60 * minute)
    const fields = { deadline: moved, openingTime: moved }
    ledger.take(about(ledger, 'tender.amend', fields))
    world.run(closing)
    expect(codeOf(world, world.guangzhou.close())).toBe('box.too-early')
    world.run(closing + 60 * minute)
    expect(codeOf(world, world.guangzhou.close())).toBe('accepted')
    expect(boxLife.at(ledger.state, boxKey({ tender }), ledger.blockTime)!.row).toMatchObject({
      deadline: deadline + 60 * minute,
      closedAt: closing + 60 * minute,
      openingTime: deadline + 60 * minute,
    })
  })
})

describe('grace in attested time', () => {
  const graceOf = (world: BoxWorld): number => {
    const { state, blockTime, genesis } = world.ledger
    return attestedEnd(deadline, graceMs, { state, blockTime, genesis })
  }

  it('is so many minutes after the deadline while rounds come', () => {
    const world = new BoxWorld().eve()
    world.run(closing + minute)
    expect(graceOf(world)).toBe(closing)
  })

  it('is not moved by what happened before the deadline, nor by long idleness before the box', () => {
    const world = new BoxWorld()
    expect(world.ledger.blockTime).toBeLessThan(deadline - 19 * 86_400_000)
    world.ledger.blockTime = deadline - 2 * minute
    world.rounds()
    world.run(closing)
    expect(graceOf(world)).toBe(closing)
  })

  it('stands still while the ledger does: from ten minutes before the deadline to twenty after', () => {
    const world = new BoxWorld()
    const { ledger } = world
    ledger.blockTime = deadline - 30 * minute
    world.rounds()
    world.run(deadline - 10 * minute)
    ledger.blockTime = deadline + 20 * minute
    // Before any round came again, and after: the whole of grace is still ahead.
    expect(graceOf(world)).toBe(deadline + 20 * minute + graceMs)
    expect(codeOf(world, world.guangzhou.close())).toBe('box.too-early')
    world.rounds()
    expect(graceOf(world)).toBe(deadline + 20 * minute + graceMs)
    world.run(deadline + 20 * minute + graceMs)
    expect(graceOf(world)).toBe(ledger.blockTime)
    expect(codeOf(world, world.guangzhou.close())).toBe('accepted')
  })

  it('a ledger that stood still from the first minute of its first box on costs no grace', () => {
    const world = new BoxWorld()
    world.ledger.blockTime = deadline + 60 * minute
    expect(graceOf(world)).toBe(deadline + 60 * minute + graceMs)
    world.rounds()
    expect(graceOf(world)).toBe(deadline + 60 * minute + graceMs)
  })

  it('counts several pauses, each from the last round plus three that may be missed', () => {
    const world = new BoxWorld().eve()
    const { ledger } = world
    world.run(deadline + minute)
    ledger.blockTime += 11.5 * minute // 90 s of them are no pause
    world.rounds()
    // A minute of grace was used, and the minute and a half before the pause is more than what was left of it.
    expect(graceOf(world)).toBe(closing)

    const often = new BoxWorld().eve()
    const at = often.ledger
    often.run(deadline)
    for (let pause = 0; pause < 3; pause++) {
      at.blockTime += 30 * second
      often.rounds()
      at.blockTime += 90 * second // as long as may be
      often.rounds()
    }
    expect(graceOf(often)).toBe(closing)
    const long = new BoxWorld().eve()
    long.run(deadline - minute)
    for (let pause = 0; pause < 3; pause++) {
      long.ledger.blockTime += 100 * second
      long.rounds()
    }
    // Pauses of ten seconds, from 30, 130 and 230 seconds after the deadline: by the second one grace is over.
    expect(graceOf(long)).toBe(closing + 10 * second)
  })

  it('once over stays over, whatever does not come afterwards', () => {
    const world = new BoxWorld().eve()
    world.run(closing)
    const { ledger } = world
    for (const later of [0, second, 89 * second, 91 * second, 10 * minute, 86_400_000]) {
      const then = ledger.fork()
      then.blockTime += later
      const { state, blockTime, genesis } = then
      expect(attestedEnd(deadline, graceMs, { state, blockTime, genesis })).toBe(closing)
    }
  })

  it('claims stand still likewise; the time to reveal goes on at the ordinary pace of rounds', () => {
    const world = new BoxWorld().eve()
    world.run(closing)
    world.close()
    const { ledger } = world
    const context = () => ({ state: ledger.state, blockTime: ledger.blockTime, genesis: ledger.genesis })
    expect(opensAt({ tender }, context())).toBe(opening)
    ledger.blockTime += 30 * minute
    world.rounds()
    expect(opensAt({ tender }, context())).toBe(closing + 28.5 * minute + claimMs)
    world.run(opensAt({ tender }, context()))
    const opens = ledger.blockTime
    for (let round = 0; round < 6; round++) {
      ledger.blockTime += 10 * minute
      world.rounds(['guangzhou'])
    }
    expect(opensAt({ tender }, context())).toBe(opens)
    expect(revealsDueAt({ tender }, context())).toBe(opens + (due - opening))
    ledger.blockTime += 60 * minute
    expect(revealsDueAt({ tender }, context())).toBe(opens + (due - opening))
  })

  it('the time to reveal stands still in an outage too', () => {
    const world = new BoxWorld().eve().toOpening()
    const { ledger } = world
    ledger.blockTime += 120 * minute
    const context = { state: ledger.state, blockTime: ledger.blockTime, genesis: ledger.genesis }
    // Three ordinary rounds may be missed: 30 of the 120 minutes count.
    expect(revealsDueAt({ tender }, context)).toBe(due + 90 * minute)
  })
})

it('a deadline at the end of all time stops nobody: what is refused is spelled all the same', () => {
  const ledger = base.fork()
  const last = '9999-12-31T23:59:59Z'
  ledger.take(notice(ledger, { deadline: last, openingTime: last }))
  ledger.take(openBox(ledger))
  const world = new BoxWorld(ledger)
  world.rounds()
  expect(codeOf(world, world.guangzhou.close())).toBe('box.too-early')
  const receipt = world.guangzhou.receipt(digestOf('x'), 1, 1)
  expect(codeOf(world, world.claim(receipt))).toBe('box.too-early')
})

it('two contents for one section: a second slot in the round serves nothing', () => {
  // Two boxes, so that a round has two slots; the member puts another content for the first box where the second's slot belongs.
  const ledger = base.fork()
  ledger.take(notice(ledger, { sections: [{ code: 'B1' }] }))
  ledger.take(openBox(ledger))
  ledger.take(openBox(ledger, { section: 'B1' }))
  const world = new BoxWorld(ledger)
  const { guangzhou } = world
  ledger.blockTime = deadline
  const empty = guangzhou.slot(1)
  guangzhou.receive(bidOf('a').leaf)
  const full = { ...guangzhou.slot(1), salt: digestOf('another salt') }
  const tree = new RoundTree([slotHash(full), slotHash(empty)])
  ledger.take(guangzhou.round({ slots: 2, root: tree.root }))
  world.run(closing, ['wuhan'])
  const say = ({ count, root, salt }: typeof full, index: number, section = '') => {
    const path = [...tree.path(index)]
    return guangzhou.close({ round: 1, count, root, salt, path, ...(section === '' ? {} : { section }) })
  }
  expect(codeOf(world, say(empty, 0))).toBe('box.not-as-committed')
  expect(codeOf(world, say(empty, 1))).toBe('box.not-as-committed')
  // Nor does it serve for the box whose place it took: what is hashed names the section.
  expect(codeOf(world, say(empty, 1, 'B1'))).toBe('box.not-as-committed')
  expect(codeOf(world, say(full, 0))).toBe('accepted')
})
