/** What is particular to the simulator's disk: its scheduler decides, a crash leaves a prefix of the cycle, and faults come when told. */
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/chain/bytes.ts'
import { DiskReadFailed } from '../../src/node/disk-failure.ts'
import { type DiskFault, MemoryMedium, type PhaseCount } from '../../src/node/memory-disk.ts'
import type { DiskWrite } from '../../src/node/ports.ts'

/** A medium, and a disk on it whose completions wait in `waiting` until the test lets them run. */
function world(medium = new MemoryMedium()) {
  const waiting: { callback: () => void; kind: string }[] = []
  const fatal: string[] = []
  const faults: DiskFault[] = []
  const disk = medium.open({
    defer: (callback, kind) => void waiting.push({ callback, kind }),
    onFatal: (reason) => fatal.push(reason),
    fault: () => faults.shift(),
  })
  const run = () => {
    for (const { callback } of waiting.splice(0)) callback()
  }
  return { medium, disk, waiting, fatal, faults, run }
}

const cycle = (n: number): DiskWrite => ({
  vote: utf8(`v${n}`),
  rows: [{ key: utf8('a'), value: utf8(`a${n}`) }],
  head: utf8(`h${n}`),
})

/** `v1 a1 h1`, with `-` for what is not there. */
function contentOf(medium: MemoryMedium): string {
  const { vote, head } = medium.slots
  const [v, h] = [vote, head].map((slot) => (slot.kind === 'intact' ? Buffer.from(slot.bytes).toString() : '-'))
  const a = medium.get(utf8('a'))
  return `${v} ${a === undefined ? '-' : Buffer.from(a)} ${h}`
}

describe('completion', () => {
  test('nothing takes effect before the scheduler says so, then all of it does, then done', () => {
    const { medium, disk, waiting, run } = world()
    let seen = ''
    disk.write(cycle(1), () => {
      seen = contentOf(medium)
    })
    expect(waiting.map(({ kind }) => kind)).toEqual(['write'])
    expect(contentOf(medium)).toBe('- - -')
    run()
    expect(seen).toBe('v1 a1 h1')
  })
})

describe('crash', () => {
  test.each([
    [0, 'v1 a1 h1'],
    [1, 'v2 a1 h1'],
    [2, 'v2 a2 h1'],
    [3, 'v2 a2 h2'],
  ] as const)('with %i phases of the cycle in flight on the medium', (phases: PhaseCount, content) => {
    const { medium, disk, run } = world()
    disk.write(cycle(1), () => {})
    run()
    let acknowledged = false
    disk.write(cycle(2), () => {
      acknowledged = true
    })
    disk.crash(phases)
    run()
    expect(acknowledged).toBe(false)
    expect(contentOf(medium)).toBe(content)
    const restarted = world(medium)
    expect(restarted.disk.slots()).toEqual(medium.slots)
    restarted.disk.write(cycle(3), () => {})
    restarted.run()
    expect(contentOf(medium)).toBe('v3 a3 h3')
  })

  test('a scan under way is not heard of any more', () => {
    const { disk, run } = world()
    disk.scan(
      { gte: utf8('a'), lt: utf8('z') },
      () => true,
      () => expect.fail('done'),
    )
    disk.crash()
    run()
  })
})

describe('faults', () => {
  test('a full disk fails the rows and the head; the vote slot has its space', () => {
    const medium = new MemoryMedium({ capacityBytes: 20 })
    const { disk, fatal, run } = world(medium)
    disk.write(cycle(1), () => {})
    run()
    expect(disk.freeBytes()).toBe(17)
    disk.write({ ...cycle(2), rows: [{ key: utf8('b'), value: new Uint8Array(17) }] }, () => expect.fail('done'))
    run()
    expect(fatal).toEqual(['disk write: no space left on device'])
    expect(contentOf(medium)).toBe('v2 a1 h1')
    expect(() => medium.open({ defer: () => {}, onFatal: () => {} })).toThrow('disk.locked')
    disk.crash()
    expect(world(medium).disk.slots().vote).toEqual({ kind: 'intact', bytes: utf8('v2') })
  })

  test('overwriting and deleting give space back', () => {
    const { disk, run } = world(new MemoryMedium({ capacityBytes: 100 }))
    disk.write({ rows: [{ key: utf8('a'), value: new Uint8Array(50) }] }, () => {})
    run()
    disk.write({ rows: [{ key: utf8('a'), value: new Uint8Array(10) }] }, () => {})
    run()
    expect(disk.freeBytes()).toBe(89)
    disk.write({ rows: [{ key: utf8('a') }] }, () => {})
    run()
    expect(disk.freeBytes()).toBe(100)
  })

  test('a row that rots, vanishes, or cannot be read until it is written again', () => {
    const { medium, disk, fatal, run } = world()
    disk.write({ rows: [cycle(1).rows![0]!, { key: utf8('b'), value: utf8('b') }] }, () => {})
    run()
    medium.tamper({ key: utf8('a'), value: utf8('rotten') })
    expect(disk.get(utf8('a'))).toEqual(utf8('rotten'))
    medium.tamper({ key: utf8('a') })
    expect(disk.get(utf8('a'))).toBeUndefined()
    medium.makeUnreadable(utf8('b'))
    expect(() => disk.get(utf8('b'))).toThrow(DiskReadFailed)
    disk.write({ rows: [{ key: utf8('b'), value: utf8('again') }] }, () => {})
    run()
    expect(disk.get(utf8('b'))).toEqual(utf8('again'))
    medium.makeUnreadable(utf8('b'))
    disk.write({ rows: [{ key: utf8('c'), value: utf8('1') }] }, () => {})
    run()
    const seen: string[] = []
    disk.scan(
      { gte: utf8('a'), lt: utf8('z') },
      (key) => seen.push(Buffer.from(key).toString()) > 0,
      (whole) => seen.push(`whole: ${whole}`),
    )
    run()
    run()
    expect(seen).toEqual(['c', 'whole: false'])
    expect(fatal).toEqual([])
  })

  test('a wiped disk looks new; a lost slot file does not', () => {
    const { medium, disk, run } = world()
    disk.write(cycle(1), () => {})
    run()
    disk.crash()
    const backup = medium.copy()
    medium.damageSlot('head')
    expect(world(medium.copy()).disk.slots().head.kind).toBe('damaged')
    medium.wipe()
    expect(world(medium).disk.slots()).toEqual({ vote: { kind: 'absent' }, head: { kind: 'absent' } })
    expect(contentOf(backup)).toBe('v1 a1 h1')
  })
})
