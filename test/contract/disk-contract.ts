/** What every `Disk` promises the node's loop, run against the real disk and its simulated twin. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/chain/bytes.ts'
import type { Disk, DiskWrite, Range } from '../../src/node/ports.ts'
import { keyBytesMax, valueBytesMax } from '../../src/node/row-map.ts'
import { slotPayloadBytesMax } from '../../src/node/slot-file.ts'

/** A place that outlives the disks that are opened on it. */
export interface DiskWorld {
  /** @throws {Refusal} when it cannot be opened */
  open(onFatal: (reason: string) => void): Promise<{ readonly disk: Disk; close(): Promise<void> }>
  /** The next write of this phase, on the disk that is open, fails as an fsync does. */
  failNext(phase: 'vote' | 'rows' | 'head'): void
  damageSlot(name: 'vote' | 'head'): Promise<void>
  remove(): Promise<void>
}

export function diskContract(name: string, makeWorld: () => Promise<DiskWorld>): void {
  describe(`disk contract: ${name}`, () => {
    let world: DiskWorld
    let fatal: string[]
    let disk: Disk
    let close: () => Promise<void>

    async function open(): Promise<void> {
      const opened = await world.open((reason) => fatal.push(reason))
      disk = opened.disk
      close = opened.close
    }

    async function reopen(): Promise<void> {
      await close()
      await open()
    }

    beforeEach(async () => {
      fatal = []
      world = await makeWorld()
      await open()
    })
    afterEach(async () => {
      await close()
      await world.remove()
      expect(fatal, 'a test that expects a fatal failure takes it out').toEqual([])
    })

    const write = (what: DiskWrite) => new Promise<void>((done) => disk.write(what, done))

    const scan = (range: Range, countMax = Number.POSITIVE_INFINITY) =>
      new Promise<string[]>((done) => {
        const seen: string[] = []
        disk.scan(
          range,
          (key, value) => {
            seen.push(`${text(key)}=${text(value)}`)
            return seen.length < countMax
          },
          () => done(seen),
        )
      })

    test('a new disk holds nothing', async () => {
      expect(disk.slots()).toEqual({ vote: { kind: 'absent' }, head: { kind: 'absent' } })
      expect(disk.get(utf8('a'))).toBeUndefined()
      expect(await scan(everything)).toEqual([])
      expect(disk.freeBytes()).toBeGreaterThan(0)
    })

    test('a second opening is refused while the first lasts', async () => {
      await expect(world.open(() => {})).rejects.toMatchObject({ name: 'Refusal', code: 'disk.locked' })
      await write({ rows: [put('still', 'working')] })
      await reopen()
      expect(text(disk.get(utf8('still'))!)).toBe('working')
    })

    test('what was acknowledged is there after opening again', async () => {
      await write({ vote: utf8('v1'), rows: [put('a', '1'), put('b', '2')], head: utf8('h1') })
      await write({ vote: utf8('v2'), rows: [{ key: utf8('a') }, put('c', '')] })
      await reopen()
      expect(await scan(everything)).toEqual(['b=2', 'c='])
      expect(disk.slots()).toEqual({
        vote: { kind: 'intact', bytes: utf8('v2') },
        head: { kind: 'intact', bytes: utf8('h1') },
      })
    })

    test('slots() tells what was found on opening, not what was written since', async () => {
      await write({ vote: utf8('v1') })
      expect(disk.slots().vote).toEqual({ kind: 'absent' })
    })

    test('done comes as an event of its own, for an empty cycle too', async () => {
      for (const what of [{}, { rows: [] }, { rows: [put('a', '1')] }, { vote: utf8('v') }]) {
        let returned = false
        await new Promise<void>((done) => {
          disk.write(what, () => {
            expect(returned).toBe(true)
            done()
          })
          returned = true
        })
      }
    })

    test('the next cycle may begin inside done', async () => {
      await new Promise<void>((done) =>
        disk.write({ rows: [put('a', '1')] }, () => disk.write({ rows: [put('a', '2')] }, done)),
      )
      expect(text(disk.get(utf8('a'))!)).toBe('2')
    })

    test('one cycle at a time: a second write before done is a bug of ours', async () => {
      const first = write({ rows: [put('a', '1')] })
      expect(() => disk.write({ rows: [put('a', '2')] }, () => {})).toThrow('one write cycle in flight')
      await first
      expect(text(disk.get(utf8('a'))!)).toBe('1')
    })

    test('of several rows with one key in a cycle the last counts', async () => {
      await write({ rows: [put('a', '1'), { key: utf8('a') }, put('b', '1'), put('a', '3'), { key: utf8('b') }] })
      expect(await scan(everything)).toEqual(['a=3'])
    })

    test('values come back as plain byte arrays, byte for byte', async () => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i)
      const key = Uint8Array.of(0xff, 0x00, 0x80)
      await write({ rows: [{ key, value: Buffer.from(all) }] })
      const value = disk.get(key)!
      expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
      expect(value).toEqual(all)
      const seen: Uint8Array[] = []
      await new Promise<boolean>((done) =>
        disk.scan({ gte: key, lt: Uint8Array.of(0xff, 0x01) }, (k, v) => seen.push(k, v) > 0, done),
      )
      expect(seen).toEqual([key, all])
      for (const bytes of seen) expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype)
    })

    test('a value is copied to memory of the caller when there is room, and stays what it is', async () => {
      const value = Uint8Array.from({ length: 9_000 }, (_, i) => i)
      await write({
        rows: [
          { key: utf8('a'), value },
          { key: utf8('b'), value: new Uint8Array() },
        ],
      })
      const into = new Uint8Array(9_002).fill(7)
      for (let i = 0; i < 2; i++) {
        expect(disk.getInto(utf8('a'), into)).toBe(9_000)
        expect(into).toEqual(Uint8Array.of(...value, 7, 7))
      }
      expect(disk.getInto(utf8('b'), into)).toBe(0)
      expect(disk.getInto(utf8('c'), into)).toBeUndefined()
      const short = new Uint8Array(8_999).fill(7)
      expect(disk.getInto(utf8('a'), short)).toBe(9_000)
      expect(short.every((byte) => byte === 7)).toBe(true)
      expect(into).toEqual(Uint8Array.of(...value, 7, 7))
      expect(disk.get(utf8('a'))).toEqual(value)
    })

    test('keys, values and slots as large as they may be', async () => {
      const key = new Uint8Array(keyBytesMax).fill(0xfe)
      const value = new Uint8Array(valueBytesMax).fill(7)
      const slot = new Uint8Array(slotPayloadBytesMax).fill(9)
      await write({ vote: slot, rows: [{ key, value }], head: slot })
      await reopen()
      expect(disk.get(key)?.length).toBe(value.length)
      expect(disk.slots()).toEqual({ vote: { kind: 'intact', bytes: slot }, head: { kind: 'intact', bytes: slot } })
    })

    test('larger ones, empty keys and keys below 0x01 are bugs of ours', async () => {
      const refused: DiskWrite[] = [
        { rows: [{ key: new Uint8Array(keyBytesMax + 1).fill(1) }] },
        { rows: [{ key: utf8('a'), value: new Uint8Array(valueBytesMax + 1) }] },
        { rows: [{ key: new Uint8Array() }] },
        { rows: [{ key: Uint8Array.of(0, 1) }] },
      ]
      for (const what of refused) expect(() => disk.write(what, () => {})).toThrow()
      expect(() => disk.get(new Uint8Array())).toThrow()
    })

    describe('scan', () => {
      beforeEach(() => write({ rows: ['a', 'ab', 'b', 'c', 'd'].map((key) => put(key, key)) }))

      test('visits gte ≤ key < lt, ascending, shorter keys first', async () => {
        expect(await scan({ gte: utf8('a'), lt: utf8('c') })).toEqual(['a=a', 'ab=ab', 'b=b'])
        expect(await scan({ gte: utf8('aa'), lt: utf8('b') })).toEqual(['ab=ab'])
        expect(await scan({ gte: utf8('c'), lt: utf8('a') })).toEqual([])
      })

      test('descending with reverse, and no more than limit', async () => {
        expect(await scan({ gte: utf8('a'), lt: utf8('c'), reverse: true })).toEqual(['b=b', 'ab=ab', 'a=a'])
        expect(await scan({ gte: utf8('a'), lt: utf8('z'), limit: 2 })).toEqual(['a=a', 'ab=ab'])
        expect(await scan({ gte: utf8('a'), lt: utf8('d'), limit: 2, reverse: true })).toEqual(['c=c', 'b=b'])
        expect(await scan({ gte: utf8('a'), lt: utf8('z'), limit: 0 })).toEqual([])
      })

      test('stops when the visitor says so, and is done', async () => {
        expect(await scan(everything, 2)).toEqual(['a=a', 'ab=ab'])
      })

      test('neither visits nor ends before it returned', async () => {
        const events: string[] = []
        const done = new Promise<void>((end) =>
          disk.scan(
            everything,
            () => events.push('visit') > 0,
            () => {
              events.push('done')
              end()
            },
          ),
        )
        events.push('returned')
        await done
        expect(events).toEqual(['returned', ...Array(5).fill('visit'), 'done'])
      })

      test('visits the rows that were there when it began', async () => {
        const seen = scan(everything)
        await write({ rows: [put('aa', 'later'), put('d', 'later'), { key: utf8('c') }] })
        expect(await seen).toEqual(['a=a', 'ab=ab', 'b=b', 'c=c', 'd=d'])
        expect(await scan(everything)).toEqual(['a=a', 'aa=later', 'ab=ab', 'b=b', 'd=later'])
      })

      test('goes through more rows than fit one trip, two scans at once', async () => {
        const keys = Array.from({ length: 1000 }, (_, i) => `n${String(i).padStart(4, '0')}`)
        await write({ rows: keys.map((key) => put(key, 'x'.repeat(600))) })
        const range = { gte: utf8('n'), lt: utf8('o') }
        const [up, down] = await Promise.all([scan(range), scan({ ...range, reverse: true })])
        expect(up.map((row) => row.slice(0, 5))).toEqual(keys)
        expect(down).toEqual(up.toReversed())
      })
    })

    describe('after a failed write or fsync', () => {
      test.each(['vote', 'rows', 'head'] as const)(
        'of the %s phase: onFatal once, no done, no later phase, nothing further',
        async (phase) => {
          await write({ vote: utf8('v1'), rows: [put('a', '1')], head: utf8('h1') })
          world.failNext(phase)
          let acknowledged = false
          const acknowledge = () => {
            acknowledged = true
          }
          disk.write({ vote: utf8('v2'), rows: [put('a', '2')], head: utf8('h2') }, acknowledge)
          await expect.poll(() => fatal.length).toBe(1)
          disk.write({ vote: utf8('v3'), rows: [put('a', '3')], head: utf8('h3') }, acknowledge)
          disk.scan(everything, () => true, acknowledge)
          await reopen()
          expect(acknowledged).toBe(false)
          expect(fatal.splice(0)).toEqual([expect.stringContaining('disk write: ')])
          const { vote, head } = disk.slots()
          const found = [vote, head].map((slot) => (slot.kind === 'intact' ? text(slot.bytes) : slot.kind))
          const a = text(disk.get(utf8('a'))!)
          // What failed may or may not be there; what comes after it must not be, and what came before it must.
          const order = ['vote', 'rows', 'head']
          for (const [i, value] of [found[0]!, a, found[1]!].entries()) {
            const at = i - order.indexOf(phase)
            const allowed = at < 0 ? ['2'] : at > 0 ? ['1'] : ['1', '2']
            expect(allowed, `${order[i]} holds ${value}`).toContain(value.at(-1))
          }
        },
      )
    })

    test('after close nothing is acknowledged', async () => {
      let acknowledged = false
      disk.write({ rows: [put('a', '1')] }, () => {
        acknowledged = true
      })
      await close()
      disk.write({ rows: [put('a', '2')] }, () => {
        acknowledged = true
      })
      await open()
      expect(acknowledged).toBe(false)
      expect(text(disk.get(utf8('a'))!)).toBe('1')
    })

    test.each(['vote', 'head'] as const)(
      'a damaged %s slot is told on every opening and never written again',
      async (name) => {
        await write({ vote: utf8('v1'), head: utf8('h1') })
        await close()
        await world.damageSlot(name)
        await open()
        await reopen()
        const other = name === 'vote' ? 'head' : 'vote'
        expect(disk.slots()[name].kind).toBe('damaged')
        expect(disk.slots()[other].kind).toBe('intact')
        expect(() => disk.write({ [name]: utf8('new') }, () => {})).toThrow('never written again')
        await write({ [other]: utf8('new'), rows: [put('a', '1')] })
      },
    )
  })
}

const everything: Range = { gte: Uint8Array.of(0), lt: Uint8Array.of(0xff, 0xff) }

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

const put = (key: string, value: string) => ({ key: utf8(key), value: utf8(value) })
