/** The disk contract, run against LevelDB and slot files in a temporary directory (with real fsync) and against the memory disk. */
import fs from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { vi } from 'vitest'
import { openLevelDisk } from '../../src/node/level-disk.ts'
import { type DiskFault, MemoryMedium } from '../../src/node/memory-disk.ts'
import type { Log } from '../../src/node/ports.ts'
import { slotAreaBytes } from '../../src/node/slot-file.ts'
import { type DiskWorld, diskContract } from './disk-contract.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const owner = { ledger: 'ab'.repeat(32), node: '0123456789abcdef' }

diskContract('LevelDB and slot files', async (): Promise<DiskWorld> => {
  const directory = await mkdtemp(join(tmpdir(), 'gongzheng-disk-'))
  return {
    open: (onFatal) => openLevelDisk({ directory, owner }, { log: silent, onFatal }),
    failNext(phase) {
      if (phase === 'rows') failNextBatch()
      else failNextSlotWrite(phase === 'vote' ? 0 : 1)
    },
    async damageSlot(name) {
      const handle = await open(join(directory, `${name}.slot`), 'r+')
      for (const copy of [0, 1]) await handle.write(new Uint8Array(200).fill(0xa5), 0, 200, copy * slotAreaBytes + 50)
      await handle.close()
    },
    async remove() {
      vi.restoreAllMocks()
      await rm(directory, { recursive: true })
    },
  }

  function failNextBatch(): void {
    const { batch } = ClassicLevel.prototype
    vi.spyOn(ClassicLevel.prototype, 'batch').mockImplementationOnce(function (this: unknown) {
      const chained = Reflect.apply(batch, this, [])
      chained.write = () => chained.close().then(() => Promise.reject(new Error('EIO: i/o error, fdatasync')))
      return chained
    } as unknown as typeof batch)
  }

  /** The first write of a cycle with a vote is that of the vote slot's first copy; the third, of the head slot's. */
  function failNextSlotWrite(slotsBefore: 0 | 1): void {
    const write = fs.write.bind(fs) as (...call: unknown[]) => void
    let left = slotsBefore * 2
    vi.spyOn(fs, 'write').mockImplementation(((...call: unknown[]) => {
      const done = call.at(-1) as (error: Error, written: number) => void
      if (left-- === 0) setImmediate(() => done(new Error('EIO: i/o error, write'), 0))
      else write(...call)
    }) as unknown as typeof fs.write)
  }
})

diskContract('memory', async (): Promise<DiskWorld> => {
  const medium = new MemoryMedium({ capacityBytes: 100_000_000 })
  let fault: DiskFault | undefined
  return {
    async open(onFatal) {
      const disk = medium.open({
        defer: (callback) => void setImmediate(callback),
        onFatal,
        fault: () => {
          const now = fault
          fault = undefined
          return now
        },
      })
      return { disk, close: async () => disk.close() }
    },
    failNext(phase) {
      fault = { reason: 'EIO: i/o error, fdatasync', phases: phase === 'vote' ? 0 : phase === 'rows' ? 1 : 2 }
    },
    damageSlot: async (name) => medium.damageSlot(name),
    remove: async () => {},
  }
})
