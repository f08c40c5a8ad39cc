/** What is particular to the real disk: its lock, its order of writes, and how it tells a first start from a lost file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { utf8 } from '../../src/chain/bytes.ts'
import { DiskReadFailed, diskRefusals } from '../../src/node/disk-failure.ts'
import { encodeMarker } from '../../src/node/disk-marker.ts'
import { type OpenedDisk, openLevelDisk } from '../../src/node/level-disk.ts'
import type { DiskWrite, Log, LogFields } from '../../src/node/ports.ts'
import { encodeSlotCopy } from '../../src/node/slot-file.ts'

const owner = { ledger: 'ab'.repeat(32), node: '0123456789abcdef' }

let root: string
let directory: string
let fatal: string[]
let logged: { event: string; fields: LogFields | undefined }[]
let opened: OpenedDisk | undefined

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gongzheng-level-'))
  directory = join(root, 'data', 'guangzhou')
  fatal = []
  logged = []
})
afterEach(async () => {
  vi.restoreAllMocks()
  await close()
  await rm(root, { recursive: true })
})

const note = (event: string, fields?: LogFields) => void logged.push({ event, fields })
const log: Log = { debug: note, info: note, warn: note, error: note }

async function openIt(as = owner) {
  opened = await openLevelDisk({ directory, owner: as }, { log, onFatal: (reason) => fatal.push(reason) })
  return opened.disk
}

async function close(): Promise<void> {
  await opened?.close()
  opened = undefined
}

async function write(what: DiskWrite): Promise<void> {
  await new Promise<void>((done) => opened!.disk.write(what, done))
}

/** A directory that was in use: vote, head and a row. */
async function used(): Promise<void> {
  await openIt()
  await write({ vote: utf8('v'), rows: [{ key: utf8('a'), value: utf8('1') }], head: utf8('h') })
  await close()
}

const refusedAs = (code: keyof typeof diskRefusals) => expect.objectContaining({ name: 'Refusal', code })

describe('first start or lost file', () => {
  test('a first start makes the directory, and is silent', async () => {
    const disk = await openIt()
    expect(disk.slots()).toEqual({ vote: { kind: 'absent' }, head: { kind: 'absent' } })
    expect((await readdir(directory)).sort()).toEqual(['disk-marker', 'head.slot', 'rows', 'vote.slot'])
    expect((await stat(directory)).mode & 0o077).toBe(0)
    expect(logged).toEqual([])
  })

  test('a directory that is there and empty (a mounted volume) is a first start', async () => {
    await mkdir(directory, { recursive: true })
    expect((await openIt()).slots().vote.kind).toBe('absent')
  })

  test.each(['vote', 'head'] as const)(
    'the %s file missing from a directory that was in use is damage',
    async (name) => {
      await used()
      await rm(join(directory, `${name}.slot`))
      const disk = await openIt()
      expect(disk.slots()[name]).toEqual({ kind: 'damaged', reason: 'the file is missing' })
      expect(logged).toEqual([{ event: 'disk-slot-damaged', fields: { slot: name, reason: 'the file is missing' } }])
      await close()
      expect(await readdir(directory), 'and no new one is made').not.toContain(`${name}.slot`)
    },
  )

  test.each(['vote', 'head'] as const)('so is the %s file cut to nothing', async (name) => {
    await used()
    await writeFile(join(directory, `${name}.slot`), '')
    expect((await openIt()).slots()[name].kind).toBe('damaged')
  })

  test('and so when it was never written: the file exists from the first start on', async () => {
    await openIt()
    await close()
    await rm(join(directory, 'vote.slot'))
    expect((await openIt()).slots().vote.kind).toBe('damaged')
  })

  test.each(['disk-marker', 'rows'])('without %s the directory is still known to have been in use', async (lost) => {
    await used()
    await rm(join(directory, lost), { recursive: true })
    await rm(join(directory, 'vote.slot'))
    const disk = await openIt()
    expect(disk.slots().vote.kind).toBe('damaged')
    expect(disk.slots().head).toEqual({ kind: 'intact', bytes: utf8('h') })
    expect(logged.map(({ event }) => event)).toContain('disk-marker-restored')
  })

  test('with both markers gone, any row still tells', async () => {
    await used()
    await rm(join(directory, 'disk-marker'))
    await rm(join(directory, 'vote.slot'))
    const level = new ClassicLevel(join(directory, 'rows'))
    await level.del('\0marker', { sync: true })
    await level.close()
    expect((await openIt()).slots().vote.kind).toBe('damaged')
  })

  test('with both markers gone, a slot that was written still tells', async () => {
    await used()
    await rm(join(directory, 'disk-marker'))
    await rm(join(directory, 'rows'), { recursive: true })
    await rm(join(directory, 'head.slot'))
    const disk = await openIt()
    expect(disk.slots()).toEqual({
      vote: { kind: 'intact', bytes: utf8('v') },
      head: { kind: 'damaged', reason: 'the file is missing' },
    })
  })

  test('rows moved away by the operator: a new database, vote and head as they were', async () => {
    await used()
    await rename(join(directory, 'rows'), join(root, 'rows-damaged'))
    const disk = await openIt()
    expect(disk.get(utf8('a'))).toBeUndefined()
    expect(disk.slots()).toMatchObject({ vote: { kind: 'intact' }, head: { kind: 'intact' } })
    expect(logged).toEqual([{ event: 'disk-marker-restored', fields: { place: 'rows', found: 'absent' } }])
  })

  test('a crash at any step of the first start leaves a first start', async () => {
    // Each step is what a crash after it leaves: LevelDB, a half-made slot file, one slot file, both.
    const absent = (kind: 'vote' | 'head') => {
      const copy = encodeSlotCopy(kind, owner, 0, new Uint8Array())
      const file = new Uint8Array(40960)
      file.set(copy, 0)
      file.set(copy, 20480)
      return file
    }
    const steps: (() => Promise<void>)[] = [
      async () => {
        await mkdir(directory, { recursive: true })
        const level = new ClassicLevel(join(directory, 'rows'))
        await level.open()
        await level.close()
      },
      () => writeFile(join(directory, 'vote.slot.new'), new Uint8Array(5000)),
      () => writeFile(join(directory, 'vote.slot'), absent('vote')),
      () => writeFile(join(directory, 'head.slot'), absent('head')),
    ]
    for (let count = 1; count <= steps.length; count++) {
      await rm(join(root, 'data'), { recursive: true, force: true })
      for (const step of steps.slice(0, count)) await step()
      const disk = await openIt()
      expect(disk.slots(), `after ${count} steps`).toEqual({ vote: { kind: 'absent' }, head: { kind: 'absent' } })
      await close()
    }
  })

  test('a damaged copy of a slot is restored and logged', async () => {
    await used()
    const handle = await open(join(directory, 'head.slot'), 'r+')
    await handle.write(Uint8Array.of(0xff), 0, 1, 60)
    await handle.close()
    expect((await openIt()).slots().head).toEqual({ kind: 'intact', bytes: utf8('h') })
    expect(logged).toEqual([
      { event: 'disk-slot-copy-restored', fields: { slot: 'head', copy: 0, reason: 'checksum' } },
    ])
  })
})

describe('what is refused with a plain message', () => {
  test('a directory that another process has open', async () => {
    await openIt()
    const code = `
      const { openLevelDisk } = await import(${JSON.stringify(new URL('../../src/node/level-disk.ts', import.meta.url).href)})
      const [directory, owner] = JSON.parse(process.argv[1])
      await openLevelDisk({ directory, owner }, {}).catch((error) => process.stdout.write(error.code))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, JSON.stringify([directory, owner])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    await once(child, 'close')
    expect(output).toBe('disk.locked')
    await write({ vote: utf8('still ours') })
  })

  test('a directory of another node or ledger', async () => {
    await used()
    await expect(openIt({ ...owner, node: 'f'.repeat(16) })).rejects.toEqual(refusedAs('disk.wrong-owner'))
    await expect(openIt({ ...owner, ledger: 'cd'.repeat(32) })).rejects.toEqual(refusedAs('disk.wrong-owner'))
    expect((await openIt()).slots().vote.kind, 'and it is left as it was').toBe('intact')
  })

  test('a directory of a newer format', async () => {
    await used()
    await writeFile(join(directory, 'disk-marker'), encodeMarker(owner, 2))
    await expect(openIt()).rejects.toEqual(refusedAs('disk.unknown-format'))
  })

  test('no flipped bit of the marker reads as another owner or format', async () => {
    await used()
    const marker = encodeMarker(owner)
    for (const bit of [0, 250, 300, 500, 900, 1000, marker.length * 8 - 1]) {
      const flipped = Uint8Array.from(marker)
      flipped[bit >>> 3]! ^= 1 << (bit & 7)
      await writeFile(join(directory, 'disk-marker'), flipped)
      expect((await openIt()).slots().vote.kind).toBe('intact')
      await close()
      expect(Uint8Array.from(await readFile(join(directory, 'disk-marker')))).toEqual(marker)
    }
  })

  test('a database that LevelDB cannot open; nothing of it is thrown away', async () => {
    await used()
    const current = join(directory, 'rows', 'CURRENT')
    await rm(current)
    const before = await readdir(join(directory, 'rows'))
    await expect(openIt()).rejects.toEqual(refusedAs('disk.unreadable'))
    const after = await readdir(join(directory, 'rows'))
    expect(after).toEqual(expect.arrayContaining(before.filter((name) => !name.startsWith('LOG'))))
  })

  test('a path that is a file', async () => {
    await writeFile(join(root, 'data'), '')
    await expect(openIt()).rejects.toEqual(refusedAs('disk.unreadable'))
  })

  test('every code has its words', () => {
    for (const { zh, en } of Object.values(diskRefusals)) {
      for (const words of [zh, en]) expect(Object.values(words).every((sentence) => sentence.length > 0)).toBe(true)
    }
  })
})

describe('writing', () => {
  test('a cycle is: vote slot, one synced batch, head slot, each durable before the next begins', async () => {
    await openIt()
    const steps: string[] = []
    const slotWrite = fs.write.bind(fs) as (...call: unknown[]) => void
    vi.spyOn(fs, 'write').mockImplementation(((...call: [number, Uint8Array, ...unknown[]]) => {
      const slot = Buffer.from(call[1].subarray(12, 16)).toString()
      const done = call.at(-1) as (...result: unknown[]) => void
      steps.push(`write ${slot}`)
      slotWrite(...call.slice(0, -1), (...result: unknown[]) => {
        steps.push('written')
        done(...result)
      })
    }) as unknown as typeof fs.write)
    const { batch } = ClassicLevel.prototype
    vi.spyOn(ClassicLevel.prototype, 'batch').mockImplementation(function (this: unknown) {
      const chained = Reflect.apply(batch, this, [])
      const writeBatch = chained.write
      chained.write = async (options?: object) => {
        steps.push(`batch of ${chained.length} ${JSON.stringify(options)}`)
        await Reflect.apply(writeBatch, chained, [options])
        steps.push('batch written')
      }
      return chained
    } as unknown as typeof batch)
    await write({ head: utf8('h'), rows: [{ key: utf8('a'), value: utf8('1') }, { key: utf8('b') }], vote: utf8('v') })
    expect(steps).toEqual([
      ...['write vote', 'written', 'write vote', 'written'],
      ...['batch of 2 {"sync":true}', 'batch written'],
      ...['write head', 'written', 'write head', 'written'],
    ])
  })

  test('closing twice is harmless, and reading afterwards is an error, not "no such row"', async () => {
    await used()
    const disk = await openIt()
    await Promise.all([close(), disk.close()])
    expect(() => disk.get(utf8('a'))).toThrow(DiskReadFailed)
  })
})

describe('reading what is damaged', () => {
  const keys = Array.from({ length: 300 }, (_, i) => utf8(`row ${String(i).padStart(3, '0')}`))
  const valueFor = (key: Uint8Array) => utf8(`value of ${Buffer.from(key)} `.repeat(10))
  const range = { gte: keys[0]!, lt: utf8('s') }

  async function inTable(): Promise<string> {
    await openIt()
    await write({ rows: keys.map((key) => ({ key, value: valueFor(key) })) })
    await close()
    // LevelDB turns its log into a table when it opens.
    await openIt()
    await close()
    const table = (await readdir(join(directory, 'rows'))).find((name) => name.endsWith('.ldb'))
    return join(directory, 'rows', table!)
  }

  test('a table with any bit flipped is not opened: LevelDB would read it as if it were whole', async () => {
    const path = await inTable()
    const table = await readFile(path)
    for (let i = 0; i < 40; i++) {
      const flipped = Uint8Array.from(table)
      flipped[Math.floor((table.length * (i + 0.5)) / 40)]! ^= 1 << (i % 8)
      await writeFile(path, flipped)
      await expect(openIt()).rejects.toEqual(refusedAs('disk.unreadable'))
    }
    await writeFile(path, table)
    const disk = await openIt()
    for (const key of keys) expect(disk.get(key)).toEqual(valueFor(key))
  })

  test('a table that LevelDB had not finished when the process ended is no damage: MANIFEST does not name it, and it is deleted', async () => {
    const path = await inTable()
    const torn = join(directory, 'rows', '000999.ldb')
    await writeFile(torn, (await readFile(path)).subarray(0, 1_000))
    const disk = await openIt()
    for (const key of keys) expect(disk.get(key)).toEqual(valueFor(key))
    expect(await readdir(join(directory, 'rows'))).not.toContain('000999.ldb')
    expect(logged).toEqual([])
  })

  test('where MANIFEST is damaged every table counts', async () => {
    const path = await inTable()
    const manifest = (await readdir(join(directory, 'rows'))).find((name) => name.startsWith('MANIFEST'))!
    const bytes = await readFile(join(directory, 'rows', manifest))
    bytes[10]! ^= 1
    await writeFile(join(directory, 'rows', manifest), bytes)
    await writeFile(join(directory, 'rows', '000999.ldb'), (await readFile(path)).subarray(0, 1_000))
    await expect(openIt()).rejects.toMatchObject({
      code: 'disk.unreadable',
      message: expect.stringContaining('000999.ldb: does not end as a table does'),
    })
  })

  test('a log that lost a record is opened, and says so', async () => {
    await openIt()
    for (const key of keys.slice(0, 3)) await write({ rows: [{ key, value: valueFor(key) }] })
    await close()
    const log = (await readdir(join(directory, 'rows'))).find((name) => name.endsWith('.log'))!
    const path = join(directory, 'rows', log)
    const bytes = await readFile(path)
    bytes[bytes.length - 20]! ^= 1
    await writeFile(path, bytes)
    const disk = await openIt()
    expect(disk.get(keys[1]!)).toEqual(valueFor(keys[1]!))
    expect(disk.get(keys[2]!)).toBeUndefined()
    expect(logged).toEqual([
      { event: 'disk-log-damaged', fields: { reason: expect.stringMatching(/^\d+\.log: checksum of the record at/) } },
    ])
  })

  test('a row that is not what was written is an error for who asks for it; a scan goes on and says that it is not whole', async () => {
    await inTable()
    const level = new ClassicLevel<Uint8Array, Uint8Array>(join(directory, 'rows'), {
      keyEncoding: 'view',
      valueEncoding: 'view',
    })
    await level.put(keys[7]!, utf8('not written by us'))
    await level.close()
    const disk = await openIt()
    expect(() => disk.get(keys[7]!)).toThrow(DiskReadFailed)
    const seen: Uint8Array[] = []
    const isWhole = await new Promise<boolean>((done) =>
      disk.scan(
        range,
        (key, value) => {
          expect(value).toEqual(valueFor(key))
          seen.push(key)
          return true
        },
        done,
      ),
    )
    expect(isWhole).toBe(false)
    expect(seen).toEqual(keys.filter((_, i) => i !== 7))
    expect(fatal).toEqual([])
  })
})
