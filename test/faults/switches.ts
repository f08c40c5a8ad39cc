/**
 * The switches of one running node: how slow its fsync is, whether it fails, how far its wall clock is off. The node itself knows nothing of
 * them; switches.c is preloaded into its process, and reads a file that is written here.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('./switches.c', import.meta.url))

/** In the order of `struct switches`. */
const places = {
  fsyncDelayUs: 0,
  fsyncErrno: 1,
  fsyncCount: 2,
  wallOffsetMs: 3,
  wallSinceMs: 4,
  wallRatePpm: 5,
  wallCount: 6,
} as const
type Place = keyof typeof places

const eio = 5

/** @returns the library, or why there is none on this machine */
export function buildSwitches(directory: string): { readonly library: string } | { readonly reason: string } {
  if (process.platform !== 'linux') return { reason: 'LD_PRELOAD is Linux’s' }
  const library = join(directory, 'switches.so')
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return { library }
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: Buffer }
    return { reason: code === 'ENOENT' ? 'there is no gcc' : `gcc: ${String(stderr).trim()}` }
  }
}

export class Switches {
  readonly #path: string
  readonly environment: Readonly<Record<string, string>>

  constructor(path: string, library: string) {
    this.#path = path
    writeFileSync(path, new Uint8Array(8 * Object.keys(places).length))
    this.environment = { LD_PRELOAD: library, GONGZHENG_SWITCHES: path }
  }

  /** Every fsync takes so much longer. */
  slowFsync(ms: number): void {
    this.#write('fsyncDelayUs', ms * 1000)
  }

  failFsync(fails: boolean): void {
    this.#write('fsyncErrno', fails ? eio : 0)
  }

  /** The wall clock jumps to so far from the true time, and from there runs so many millionths faster. */
  shiftClock(offsetMs: number, ratePpm = 0): void {
    this.#write('wallSinceMs', Date.now())
    this.#write('wallRatePpm', ratePpm)
    this.#write('wallOffsetMs', offsetMs)
  }

  allOff(): void {
    this.slowFsync(0)
    this.failFsync(false)
    this.shiftClock(0)
  }

  /** How often the node came by here: a switch that nothing passes switches nothing. */
  get fsyncs(): number {
    return this.#read('fsyncCount')
  }

  get clockReadings(): number {
    return this.#read('wallCount')
  }

  #write(place: Place, value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(Math.round(value)))
    const file = openSync(this.#path, 'r+')
    writeSync(file, bytes, 0, 8, 8 * places[place])
    closeSync(file)
  }

  #read(place: Place): number {
    const bytes = Buffer.alloc(8)
    const file = openSync(this.#path, 'r')
    readSync(file, bytes, 0, 8, 8 * places[place])
    closeSync(file)
    return Number(bytes.readBigInt64LE())
  }
}
