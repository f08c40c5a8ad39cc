/** Both slot files of a node in use, one flipped bit at a time: none changes what is found, loses it, or goes unnoticed where it matters. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/chain/bytes.ts'
import { openSlotFile, type SlotKind, slotAreaBytes } from '../../src/node/slot-file.ts'
import { judgeEveryBit, meaningfulBytes } from './slot-bits.ts'
import { real, StorageWorld } from './storage-world.ts'

/** Against hanging only: a busy machine takes its time. */
const timeoutMs = 300_000

let folder: string
let owner: { ledger: string; node: string }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gongzheng-slots-'))
  const world = new StorageWorld({ directory: folder, seed: 1 })
  for (const id of world.ids) if (id !== real) world.start(id)
  await world.startReal()
  await world.settleReal('a beginning')
  for (let i = 0; i < 10; i++) world.submit(real, world.statement(real, `${i}`))
  await world.settleReal('ten records')
  await world.stopReal()
  owner = { ledger: world.genesis.ledger, node: world.member(real).member.node.id }
}, timeoutMs)
afterAll(() => rm(folder, { recursive: true }))

describe.each<SlotKind>(['vote', 'head'])('the %s file', (kind) => {
  const read = async (): Promise<Uint8Array> => new Uint8Array(await readFile(join(folder, `${kind}.slot`)))

  test(
    'whichever single bit of it flips, holds what it held',
    async () => {
      const { bits, wrong } = judgeEveryBit(await read(), kind, owner, false)
      expect(wrong).toEqual([])
      expect(bits).toBeGreaterThan(40_000)
    },
    timeoutMs,
  )

  test(
    'with a bit of any byte that means something flipped, is whole again once it was opened',
    async () => {
      const file = await read()
      const path = join(folder, `${kind}.flipped`)
      const meaningful = meaningfulBytes(file)
      for (let i = 0; i < 2 * meaningful; i++) {
        const at = i < meaningful ? i : slotAreaBytes + i - meaningful
        const flipped = file.slice()
        flipped[at]! ^= 1 << (i % 8)
        await writeFile(path, flipped)
        const opened = await openSlotFile({ path, kind, owner, mustExist: true })
        await opened.close()
        expect(opened.verdict.stale).toHaveLength(1)
        if (!equalBytes(await readFile(path), file)) expect.fail(`byte ${at}`)
      }
    },
    timeoutMs,
  )
})
