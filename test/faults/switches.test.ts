/** Each switch does what it says to a process that knows nothing of it, and only while it is on. Where they cannot be made, they say why. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, it } from 'vitest'
import { buildSwitches, Switches } from './switches.ts'

const directory = mkdtempSync(join(tmpdir(), 'gongzheng-switches-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/**
 * Answers each line with what it sees: how long an fsync took or how it failed, the wall clock, the monotonic clock. The line says how it makes
 * bytes durable.
 */
const victim = `
import { constants, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
const file = openSync(process.argv[1], 'w')
const durable = openSync(process.argv[1], constants.O_RDWR | constants.O_DSYNC)
const ways = {
  fdatasync: () => fdatasyncSync(file),
  'durable write': () => writeSync(durable, Buffer.of(2), 0, 1, 0),
  write: () => writeSync(file, Buffer.of(1), 0, 1, 0),
}
createInterface({ input: process.stdin }).on('line', (way) => {
  const begun = performance.now()
  let failed = null
  try { ways[way]() } catch (error) { failed = error.code }
  console.log(JSON.stringify({ tookMs: performance.now() - begun, failed, wall: Date.now(), monotonic: performance.now() }))
})`

interface Seen {
  readonly tookMs: number
  readonly failed: string | null
  readonly wall: number
  readonly monotonic: number
}

it('switches fsync and the wall clock of a running process', async () => {
  const built = buildSwitches(directory)
  if (!('library' in built)) {
    expect(built.reason).toMatch(/gcc|Linux/)
    return
  }
  const switches = new Switches(join(directory, 'switches'), built.library)
  const child = spawn(process.execPath, ['--input-type=module', '--eval', victim, join(directory, 'file')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...switches.environment },
  })
  const lines = createInterface({ input: child.stdout })
  const look = async (way = 'fdatasync'): Promise<Seen> => {
    const answer = once(lines, 'line') as Promise<[string]>
    child.stdin.write(`${way}\n`)
    return JSON.parse((await answer)[0]) as Seen
  }
  try {
    const before = await look()
    expect(before.failed).toBeNull()
    expect(Math.abs(before.wall - Date.now())).toBeLessThan(30_000)
    expect(switches.fsyncs).toBe(1)

    switches.slowFsync(700)
    expect((await look()).tookMs).toBeGreaterThanOrEqual(690)
    expect((await look('durable write')).tookMs).toBeGreaterThanOrEqual(690)
    switches.slowFsync(0)

    switches.failFsync(true)
    expect((await look()).failed).toBe('EIO')
    expect((await look('write')).failed).toBeNull()
    expect((await look('durable write')).failed).toBe('EIO')
    // Whoever reads the file finds what is not on the disk.
    expect([...readFileSync(join(directory, 'file'))]).toEqual([2])
    switches.failFsync(false)
    expect((await look()).failed).toBeNull()
    expect((await look('durable write')).failed).toBeNull()
    expect(switches.fsyncs).toBe(7)

    const hourMs = 3_600_000
    switches.shiftClock(-hourMs)
    const shifted = await look()
    expect(Math.abs(shifted.wall + hourMs - Date.now())).toBeLessThan(30_000)
    expect(shifted.monotonic).toBeGreaterThan(before.monotonic)

    // A thousand times as fast: what passes on the wall clock between two looks is far more than what passed.
    switches.shiftClock(0, 999_000_000)
    const early = await look()
    switches.slowFsync(100)
    const late = await look()
    expect(late.wall - early.wall).toBeGreaterThan(100 * (late.monotonic - early.monotonic))
    switches.allOff()
    expect(Math.abs((await look()).wall - Date.now())).toBeLessThan(30_000)
    expect(switches.clockReadings).toBeGreaterThan(0)
  } finally {
    child.kill('SIGKILL')
  }
})
