/**
 * One run: an input made of valid ones by chance, judged. Every input follows from the seed, the subject and its number alone, so any of
 * them can be made again without those before it. Memory is bounded twice: what one input takes is measured against its length, and the
 * whole runs in a process whose heap is small (`watch.ts`).
 */
import { getHeapStatistics } from 'node:v8'
import { SeededRandom } from '../contract/virtual-clock.ts'
import { pick } from './mutation.ts'
import { accepted, hold, type Subject } from './subject.ts'

/** What any input may take: tables that are made when first needed, one row of a cache. */
const bytesBase = 24 * 1024 * 1024

export interface Ending {
  readonly word: string
  readonly heapBytes: number
}

/** The input with this number: nothing is drawn from anywhere else. */
export function inputOf(subject: Subject, seeds: readonly Uint8Array[], seed: number, run: number): Uint8Array {
  const draw = new SeededRandom(mixed(seed, subject.name, run))
  // The valid ones first, as they are.
  return run < seeds.length ? seeds[run]! : subject.mutate(pick(draw, seeds), pick(draw, seeds), draw)
}

function mixed(seed: number, name: string, run: number): number {
  let state = 2_166_136_261 ^ seed
  for (const text of [name, String(run)]) {
    for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 16_777_619)
    state = Math.imul(state ^ 0xff, 16_777_619)
  }
  return state >>> 0
}

export async function judge(subject: Subject, input: Uint8Array): Promise<Ending> {
  const before = usedBytes()
  const word = await subject.judge(input)
  // Garbage counts as long as nobody collected it, so this is never less than what was held at once at the end.
  const heapBytes = usedBytes() - before
  const most = bytesBase + input.length * (subject.bytesPerByte ?? 40)
  hold(heapBytes <= most, `${heapBytes} bytes for an input of ${input.length}`)
  return { word, heapBytes }
}

function usedBytes(): number {
  const { used_heap_size: used, external_memory: external, malloced_memory: malloced } = getHeapStatistics()
  return used + external + malloced
}

/** A valid input must be accepted, or the mutations start from nowhere. */
export function holdSeed(subject: Subject, run: number, seedCount: number, word: string): void {
  hold(run >= seedCount || word === accepted, `${subject.name}: valid input ${run} was refused: ${word}`)
}
