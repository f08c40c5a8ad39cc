/** Slot files: no single damage loses the value, damage to both copies is told, and a crash at any write leaves the old or the new value. */
import fs, { constants } from 'node:fs'
import { mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { equalBytes, utf8 } from '../../src/chain/bytes.ts'
import {
  type DiskOwner,
  encodeSlotCopy,
  judgeSlotFile,
  openSlotFile,
  type SlotFileOptions,
  slotAreaBytes,
  slotPayloadBytesMax,
} from '../../src/node/slot-file.ts'

const owner: DiskOwner = { ledger: 'ab'.repeat(32), node: '0123456789abcdef' }
const payload = utf8('term 7, vote for wuhan')
const headerBytes = 96

/** A whole file whose two copies hold what is given. */
function fileOf(first: Uint8Array, second: Uint8Array): Uint8Array {
  const file = new Uint8Array(2 * slotAreaBytes)
  file.set(first, 0)
  file.set(second, slotAreaBytes)
  return file
}

const copyOf = (sequence: number, bytes = payload, of = owner) => encodeSlotCopy('vote', of, sequence, bytes)
const flip = (file: Uint8Array, bit: number) => {
  file[bit >>> 3]! ^= 1 << (bit & 7)
}
const tornBytes = 90
const bitsOfCopy = (headerBytes + payload.length) * 8

describe('judging a slot file', () => {
  test('two equal copies are the value', () => {
    expect(judgeSlotFile(fileOf(copyOf(5), copyOf(5)), 'vote', owner)).toEqual({
      found: { kind: 'intact', bytes: payload },
      sequence: 5,
      stale: [],
    })
  })

  test.each([0, 1] as const)('whichever bit of copy %i flips, the other copy wins', (copy) => {
    const file = fileOf(copyOf(5), copyOf(5))
    for (let bit = 0; bit < bitsOfCopy; bit++) {
      const at = copy * slotAreaBytes * 8 + bit
      flip(file, at)
      const { found, stale } = judgeSlotFile(file, 'vote', owner)
      if (found.kind !== 'intact' || !equalBytes(found.bytes, payload)) expect.fail(`bit ${bit}: ${found.kind}`)
      if (stale.length !== 1 || stale[0]!.copy !== copy) expect.fail(`bit ${bit} goes unnoticed`)
      flip(file, at)
    }
  })

  test('a flipped bit in each copy is damage, whichever bits they are', () => {
    const file = fileOf(copyOf(5), copyOf(5))
    for (let bit = 0; bit < bitsOfCopy; bit++) {
      const other = slotAreaBytes * 8 + ((bit * 7919) % bitsOfCopy)
      flip(file, bit)
      flip(file, other)
      if (judgeSlotFile(file, 'vote', owner).found.kind !== 'damaged') expect.fail(`bits ${bit} and ${other}`)
      flip(file, bit)
      flip(file, other)
    }
  })

  test('what lies beyond the payload means nothing', () => {
    const file = fileOf(copyOf(5), copyOf(5))
    file.fill(0xff, headerBytes + payload.length, slotAreaBytes)
    file.fill(0xff, slotAreaBytes + headerBytes + payload.length)
    expect(judgeSlotFile(file, 'vote', owner).stale).toEqual([])
  })

  test('the newer of two whole copies wins, on either side', () => {
    const newer = utf8('term 8')
    expect(judgeSlotFile(fileOf(copyOf(6, newer), copyOf(5)), 'vote', owner).found).toEqual({
      kind: 'intact',
      bytes: newer,
    })
    expect(judgeSlotFile(fileOf(copyOf(5), copyOf(6, newer)), 'vote', owner).found).toEqual({
      kind: 'intact',
      bytes: newer,
    })
  })

  test('two values with one sequence are damage', () => {
    const { found } = judgeSlotFile(fileOf(copyOf(5), copyOf(5, utf8('another'))), 'vote', owner)
    expect(found).toEqual({ kind: 'damaged', reason: 'two values with sequence 5' })
  })

  test.each([
    ['of another ledger', copyOf(5, payload, { ...owner, ledger: 'cd'.repeat(32) })],
    ['of another node', copyOf(5, payload, { ...owner, node: 'f'.repeat(16) })],
    ['of another kind', encodeSlotCopy('head', owner, 5, payload)],
    ['does not begin as a slot does', new Uint8Array(headerBytes)],
  ])('a file %s is damaged and says so', (reason, copy) => {
    expect(judgeSlotFile(fileOf(copy, copy), 'vote', owner).found).toEqual({
      kind: 'damaged',
      reason: `first copy: ${reason}; second copy: ${reason}`,
    })
  })

  test('a file of any length is judged without a throw', () => {
    const file = fileOf(copyOf(5), copyOf(5))
    for (const length of [0, 1, headerBytes - 1, headerBytes, slotAreaBytes - 1, slotAreaBytes, slotAreaBytes + 1]) {
      const { found } = judgeSlotFile(file.subarray(0, length), 'vote', owner)
      expect(found.kind, `${length} bytes`).toBe(length >= headerBytes + payload.length ? 'intact' : 'damaged')
    }
  })

  test('the largest payload fits and one byte more is a bug', () => {
    const largest = new Uint8Array(slotPayloadBytesMax).fill(7)
    const copy = copyOf(1, largest)
    expect(copy.length).toBeLessThanOrEqual(slotAreaBytes)
    expect(judgeSlotFile(fileOf(copy, copy), 'vote', owner).found).toEqual({ kind: 'intact', bytes: largest })
    expect(() => copyOf(1, new Uint8Array(slotPayloadBytesMax + 1))).toThrow('at most 16384')
  })
})

describe('a slot file on a file system', () => {
  let directory: string
  let options: SlotFileOptions

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gongzheng-slot-'))
    options = { path: join(directory, 'vote.slot'), kind: 'vote', owner, mustExist: false }
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await rm(directory, { recursive: true })
  })

  async function written(...values: string[]): Promise<void> {
    const file = await openSlotFile(options)
    for (const value of values) await file.write(utf8(value))
    await file.close()
  }

  async function reopened(mustExist = true) {
    const file = await openSlotFile({ ...options, mustExist })
    await file.close()
    return file.verdict
  }

  test('is made on the first start, full size, and holds nothing', async () => {
    await written()
    expect((await stat(options.path)).size).toBe(2 * slotAreaBytes)
    expect(await reopened()).toEqual({ found: { kind: 'absent' }, sequence: 0, stale: [] })
  })

  test('holds what was written last', async () => {
    await written('a', 'a longer value', 'c')
    expect(await reopened()).toEqual({ found: { kind: 'intact', bytes: utf8('c') }, sequence: 3, stale: [] })
  })

  test('a copy that was damaged is written again on opening, so that the other may be lost next', async () => {
    await written('a')
    const handle = await open(options.path, 'r+')
    await handle.write(new Uint8Array(1), 0, 1, headerBytes)
    await handle.close()
    expect((await reopened()).stale).toEqual([{ copy: 0, reason: 'checksum' }])
    await truncate(options.path, slotAreaBytes)
    expect((await reopened()).found).toEqual({ kind: 'intact', bytes: utf8('a') })
    expect((await reopened()).stale).toEqual([])
  })

  test('a damaged file is left as it is and never written again', async () => {
    await writeFile(options.path, new Uint8Array(2 * slotAreaBytes).fill(0x5a))
    const before = await readFile(options.path)
    const file = await openSlotFile(options)
    expect(file.verdict.found.kind).toBe('damaged')
    expect(file.writable).toBe(false)
    await expect(file.write(payload)).rejects.toThrow('never written again')
    await file.close()
    expect(await readFile(options.path)).toEqual(before)
  })

  test.each(['missing', 'empty'])('a file that is %s where one must be was lost', async (how) => {
    if (how === 'empty') await writeFile(options.path, '')
    expect((await reopened(true)).found.kind).toBe('damaged')
    expect((await reopened(false)).found.kind).toBe('absent')
  })

  test('a crash at either write leaves the old value or the new one, and what was found stays found', async () => {
    // A torn copy is new up to the middle of its checksum.
    for (const step of [0, 1]) {
      await rm(options.path, { force: true })
      await written('old')
      const file = await openSlotFile(options)
      let steps = 0
      watchWrites((write, [fd, bytes, offset, length, position, done]) => {
        if (steps++ < step) return write(fd, bytes, offset, length, position, done)
        write(fd, bytes, offset, tornBytes, position, () => done(new Error('power'), 0))
      })
      await expect(file.write(utf8('new'))).rejects.toThrow('power')
      await file.close()
      vi.restoreAllMocks()
      const { found } = await reopened()
      expect(found, `write ${step}`).toEqual({ kind: 'intact', bytes: utf8(step === 0 ? 'old' : 'new') })
      expect(await reopened()).toMatchObject({ found, stale: [] })
    }
  })

  test('both copies are written, one after the other, also when the system takes them in pieces', async () => {
    const file = await openSlotFile(options)
    const steps: string[] = []
    watchWrites((write, [fd, bytes, offset, length, position, done]) =>
      write(fd, bytes, offset, Math.min(length, 3_000), position, (error, written) => {
        steps.push(`${written} at ${position}`)
        done(error, written)
      }),
    )
    await file.write(payload)
    expect(steps).toEqual(['3000 at 0', '1096 at 3000', `3000 at ${slotAreaBytes}`, `1096 at ${slotAreaBytes + 3000}`])
    await file.close()
    vi.restoreAllMocks()
    expect((await reopened()).found).toEqual({ kind: 'intact', bytes: payload })
  })

  test.runIf(process.platform === 'linux')('a write returns when it is durable', async () => {
    const descriptors: number[] = []
    watchWrites((write, call) => {
      descriptors.push(call[0])
      write(...call)
    })
    // Made by this very call, and opened again.
    for (const _ of [0, 1]) {
      const file = await openSlotFile(options)
      await file.write(payload)
      // The kernel's own word on how the file is open.
      const flags = /flags:\s+(\d+)/.exec(await readFile(`/proc/self/fdinfo/${descriptors.at(-1)}`, 'utf8'))![1]!
      expect(Number.parseInt(flags, 8) & constants.O_DSYNC).toBe(constants.O_DSYNC)
      await file.close()
    }
  })
})

type WriteCall = [
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: (error: Error | null, written: number) => void,
]

/** What a slot file writes goes through this. */
function watchWrites(instead: (write: (...call: WriteCall) => void, call: WriteCall) => void): void {
  const write = fs.write.bind(fs) as unknown as (...call: WriteCall) => void
  vi.spyOn(fs, 'write').mockImplementation(((...call: WriteCall) => instead(write, call)) as unknown as typeof fs.write)
}
