/** Group commit: what goes together, what waits for what, and what a crash between any two cycles leaves (on the memory disk). */
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/chain/bytes.ts'
import { DiskCycle } from '../../src/node/disk-cycle.ts'
import { type MemoryDisk, MemoryMedium, type PhaseCount } from '../../src/node/memory-disk.ts'

let medium: MemoryMedium
let disk: MemoryDisk
let cycle: DiskCycle
let waiting: (() => void)[]
let events: string[]

beforeEach(restart)

function restart(): void {
  medium = new MemoryMedium()
  waiting = []
  events = []
  disk = medium.open({
    defer: (callback) => void waiting.push(callback),
    onFatal: (reason) => events.push(`fatal ${reason}`),
    // Not a fault: notes what each cycle holds, at the moment it becomes durable.
    fault: (write) => {
      const rows = (write.rows ?? []).map(({ key, value }) =>
        value === undefined ? `-${text(key)}` : `${text(key)}=${text(value)}`,
      )
      const slot = (name: 'vote' | 'head') => (write[name] === undefined ? [] : [`${name} ${text(write[name])}`])
      events.push(`[${[...slot('vote'), ...rows, ...slot('head')].join(' ')}]`)
      return undefined
    },
  })
  cycle = new DiskCycle({ pendingBytesMax: 1000 }, { disk })
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const put = (key: string, value: string) => cycle.put(utf8(key), utf8(value))
const get = (key: string) => {
  const value = cycle.get(utf8(key))
  const copied = new Uint8Array(100)
  expect(cycle.getInto(utf8(key), copied), 'both ways to read say the same').toBe(value?.length)
  expect(copied.subarray(0, value?.length ?? 0)).toEqual(value ?? new Uint8Array())
  return value && text(value)
}
const note = (event: string) => cycle.whenDurable(() => events.push(event))
/** The disk completes the cycle in flight. */
const complete = () => waiting.shift()!()
const completeAll = () => {
  while (waiting.length > 0) complete()
}

describe('gathering', () => {
  test('nothing is written before flush', () => {
    put('a', '1')
    cycle.vote(utf8('t1'))
    note('durable')
    expect(waiting).toHaveLength(0)
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[vote t1 a=1]', 'durable'])
  })

  test('everything written while a cycle is in flight goes into the next one, which starts by itself', () => {
    put('a', '1')
    cycle.flush()
    put('b', '1')
    cycle.flush()
    cycle.head(utf8('h1'))
    put('c', '1')
    cycle.flush()
    expect(waiting).toHaveLength(1)
    completeAll()
    expect(events).toEqual(['[a=1]', '[b=1 c=1 head h1]'])
    expect(cycle.idle).toBe(true)
  })

  test('the last vote, head and value of a key are what is written', () => {
    for (const n of ['1', '2']) {
      cycle.vote(utf8(`t${n}`))
      cycle.head(utf8(`h${n}`))
      put('a', n)
    }
    put('b', '1')
    cycle.del(utf8('b'))
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[vote t2 a=2 -b head h2]'])
  })

  test('flush with nothing to do does nothing', () => {
    cycle.flush()
    expect(waiting).toHaveLength(0)
    expect(cycle.idle).toBe(true)
  })
})

describe('putLater', () => {
  const putLater = (key: string, value: string): void => cycle.putLater(utf8(key), utf8(value))

  test('begins no cycle, is read back at once, and goes with the next', () => {
    putLater('a', '1')
    cycle.flush()
    expect(waiting).toHaveLength(0)
    expect(cycle.idle).toBe(false)
    expect(cycle.get(utf8('a'))).toEqual(utf8('1'))
    put('b', '1')
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[a=1 b=1]'])
  })

  test('goes alone when somebody waits for it', () => {
    putLater('a', '1')
    note('a is durable')
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[a=1]', 'a is durable'])
    expect(cycle.idle).toBe(true)
  })

  test('what is written in a callback waits for the next cycle, too', () => {
    put('a', '1')
    cycle.whenDurable(() => putLater('b', '1'))
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[a=1]'])
  })
})

describe('whenDurable', () => {
  test('waits for the cycle with what was written before it, not for an earlier one', () => {
    put('a', '1')
    cycle.flush()
    put('b', '1')
    note('b is durable')
    cycle.flush()
    complete()
    expect(events).toEqual(['[a=1]'])
    complete()
    expect(events).toEqual(['[a=1]', '[b=1]', 'b is durable'])
  })

  test('with nothing new waits for the cycle in flight', () => {
    put('a', '1')
    note('first')
    cycle.flush()
    note('second')
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[a=1]', 'first', 'second'])
  })

  test('with nothing written at all comes as the next event, never inside the call', () => {
    note('at once')
    expect(events).toEqual([])
    cycle.flush()
    expect(events).toEqual([])
    complete()
    expect(events).toEqual(['[]', 'at once'])
  })

  test('callbacks run in the order of their registration', () => {
    note('1')
    put('a', '1')
    note('2')
    cycle.flush()
    note('3')
    put('b', '1')
    note('4')
    cycle.truncate(utf8('low'), [utf8('a')])
    note('5')
    cycle.flush()
    completeAll()
    expect(events.filter((event) => !event.startsWith('['))).toEqual(['1', '2', '3', '4', '5'])
  })

  test('what callbacks write goes in one cycle, after all of them ran', () => {
    put('a', '1')
    cycle.whenDurable(() => {
      put('b', '1')
      cycle.flush()
    })
    cycle.whenDurable(() => {
      put('c', '1')
      note('c is durable')
    })
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[a=1]', '[b=1 c=1]', 'c is durable'])
  })

  test('a callback registered inside a callback with nothing written comes as an event of its own', () => {
    put('a', '1')
    cycle.whenDurable(() => note('inner'))
    cycle.flush()
    complete()
    expect(events).toEqual(['[a=1]'])
    complete()
    expect(events).toEqual(['[a=1]', '[]', 'inner'])
  })

  test('after a failure nothing is acknowledged or written any more', () => {
    put('a', '1')
    note('durable')
    cycle.flush()
    put('b', '1')
    disk.crash()
    completeAll()
    cycle.flush()
    expect(events).toEqual([])
  })
})

describe('reading', () => {
  test('sees what is gathered, what is in flight, then the disk', () => {
    put('a', 'gathered')
    expect(get('a')).toBe('gathered')
    cycle.flush()
    expect(get('a')).toBe('gathered')
    put('a', 'newer')
    expect(get('a')).toBe('newer')
    complete()
    expect(get('a')).toBe('newer')
    completeAll()
    expect(get('a')).toBe('newer')
    expect(get('b')).toBeUndefined()
  })

  test('a row deleted but not yet on the disk is gone', () => {
    put('a', '1')
    cycle.flush()
    completeAll()
    cycle.del(utf8('a'))
    expect(get('a')).toBeUndefined()
    cycle.flush()
    expect(get('a')).toBeUndefined()
    put('a', '2')
    expect(get('a')).toBe('2')
  })

  test('pendingBytes counts what is not durable, gatheredBytes what no cycle took; congested says stop', () => {
    put('a', 'x'.repeat(600))
    expect([cycle.gatheredBytes, cycle.pendingBytes]).toEqual([601, 601])
    cycle.flush()
    expect([cycle.gatheredBytes, cycle.pendingBytes, cycle.congested]).toEqual([0, 601, false])
    put('b', 'x'.repeat(600))
    expect([cycle.gatheredBytes, cycle.pendingBytes, cycle.congested]).toEqual([601, 1202, true])
    complete()
    expect([cycle.gatheredBytes, cycle.pendingBytes, cycle.congested]).toEqual([0, 601, false])
    completeAll()
    expect(cycle.pendingBytes).toBe(0)
  })
})

describe('truncation (protocol rule 11)', () => {
  /** Block 8 is on the disk, under its watermark. */
  const withBlock8 = (): void => {
    put('8', 'x')
    cycle.head(utf8('w8'))
    cycle.flush()
    completeAll()
    events.length = 0
  }

  test('the lowered head is durable in a cycle before the one that deletes', () => {
    withBlock8()
    cycle.truncate(utf8('w7'), [utf8('8')])
    note('deleted')
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[head w7]', '[-8]', 'deleted'])
  })

  test('what was written before goes before, what is written after goes after', () => {
    put('8', 'old')
    cycle.head(utf8('w8'))
    note('acknowledge 8')
    cycle.truncate(utf8('w7'), [utf8('8')])
    put('8', 'new')
    cycle.head(utf8("w8'"))
    note("acknowledge 8'")
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[8=old head w8]', 'acknowledge 8', '[head w7]', "[8=new head w8']", "acknowledge 8'"])
  })

  test('who waits beside what comes later is told before the head is lowered: it may promise what the disk holds now', () => {
    withBlock8()
    put('a', '1')
    note('acknowledge 8 again')
    cycle.vote(utf8('t2'))
    cycle.truncate(utf8('w7'), [utf8('8')])
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[vote t2 a=1]', 'acknowledge 8 again', '[head w7]', '[-8]'])
  })

  test('a vote and rows that wait go with the lowered head', () => {
    cycle.vote(utf8('t2'))
    put('a', '1')
    cycle.truncate(utf8('w7'), [utf8('8')])
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[vote t2 a=1 head w7]', '[-8]'])
  })

  test('the deleted rows are gone for the reader at once', () => {
    put('8', 'x')
    cycle.flush()
    cycle.truncate(utf8('w7'), [utf8('8')])
    expect(get('8')).toBeUndefined()
  })

  test('two truncations in a row stay in order', () => {
    cycle.truncate(utf8('w7'), [utf8('8')])
    cycle.truncate(utf8('w6'), [utf8('7')])
    cycle.flush()
    completeAll()
    expect(events).toEqual(['[head w7]', '[-8 head w6]', '[-7]'])
  })
})

describe('a crash at any point', () => {
  /**
   * A chain of blocks 1…n under a watermark, as the node writes it: grow appends a block and raises the watermark, cut truncates.
   * Whatever is interrupted where, every block up to the watermark on the medium is there.
   */
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('grow' as const) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 3, arbitrary: fc.constant('flush' as const) },
    { weight: 3, arbitrary: fc.constant('complete' as const) },
  )

  test('leaves no watermark without its blocks, and everything whose callback ran', () => {
    const run = (steps: readonly (string | number)[], phases: PhaseCount) => {
      restart()
      let height = 0
      let version = 0
      let promised = { version: 0, vote: 0 }
      for (const what of steps) {
        if (what === 'flush') cycle.flush()
        else if (what === 'complete') waiting.shift()?.()
        else {
          version++
          cycle.vote(utf8(String(version)))
          if (what === 'grow') {
            height++
            put(`block ${height}`, String(version))
            cycle.head(utf8(`${height} ${version}`))
          } else {
            const lowered = Math.max(0, height - Number(what))
            const keys = Array.from({ length: height - lowered }, (_, i) => utf8(`block ${lowered + 1 + i}`))
            height = lowered
            cycle.truncate(utf8(`${height} ${version}`), keys)
          }
          const now = version
          cycle.whenDurable(() => {
            promised = { version: now, vote: now }
          })
        }
      }
      disk.crash(phases)
      const { vote, head } = medium.slots
      const [watermark, headVersion] = (head.kind === 'intact' ? text(head.bytes) : '0 0').split(' ').map(Number)
      for (let h = 1; h <= watermark!; h++) expect(medium.get(utf8(`block ${h}`)), `block ${h}`).toBeDefined()
      expect(headVersion).toBeGreaterThanOrEqual(promised.version)
      expect(vote.kind === 'intact' ? Number(text(vote.bytes)) : 0).toBeGreaterThanOrEqual(promised.vote)
    }
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom<PhaseCount>(0, 1, 2, 3), run), {
      numRuns: 300,
    })
  })
})
