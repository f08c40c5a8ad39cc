/**
 * Which damages are tried, from a seed: for each kind of LevelDB file every damage at so many positions (the file CURRENT is small: all of
 * them), files that are gone, empty, cut or garbage, and a bit of every byte of the slot files that means anything. Every bit of those is
 * judged in `slot-bits.ts`; here whole nodes are started.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { headerBytesOfSlot, slotAreaBytes } from '../../src/node/slot-file.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'
import {
  type Damage,
  type DamageKind,
  damageKinds,
  drawDamage,
  duplicate,
  empty,
  flip,
  garbage,
  remove,
  swap,
  truncate,
  zeroPage,
} from './damage.ts'
import type { RecoveryCase } from './recovery-case.ts'
import { type LevelFileKind, levelFiles, type UsedDirectory } from './used-directory.ts'

/** Kinds of files, as the table names them. */
export type FileKind = LevelFileKind | 'vote' | 'head' | 'marker'

const pageBytes = 4096

/** @param positions how many in each kind of file that is not small, for each kind of damage */
export async function recoveryCases(base: UsedDirectory, seed: number, positions: number): Promise<RecoveryCase[]> {
  const cases: RecoveryCase[] = []
  const add = (kind: FileKind, what: string, file: string, damage: Damage): void => {
    cases.push({ number: cases.length, kind, what, file, damage })
  }
  const read = (file: string): Promise<Uint8Array> => readFile(join(base.directory, file))
  const files = await levelFiles(base.directory)
  for (const [kind, names] of files) {
    for (const file of names) {
      const { length } = await read(file)
      for (const damage of [remove, empty, garbage(seed)]) add(kind, damage.name, file, damage)
      if (kind === 'current') everyDamage(length, (what, damage) => add(kind, what, file, damage))
      for (let at = 0; kind !== 'current' && at < length; at += 16 * pageBytes)
        add(kind, 'zero page', file, zeroPage(at, Math.min(pageBytes, length - at)))
    }
  }
  for (const kind of ['vote', 'head'] as const) {
    const file = `${kind}.slot`
    const bytes = await read(file)
    const lengthOfCopy = headerBytesOfSlot + new DataView(bytes.buffer, bytes.byteOffset).getUint32(64)
    for (const damage of [
      remove,
      empty,
      garbage(seed),
      truncate(slotAreaBytes),
      truncate(100),
      zeroPage(0, 2 * slotAreaBytes),
    ])
      add(kind, damage === remove || damage === empty ? damage.name : 'both copies', file, damage)
    for (const damage of [zeroPage(0, slotAreaBytes), swap(0, slotAreaBytes, slotAreaBytes)])
      add(kind, 'one copy', file, damage)
    const random = new SeededRandom(seed)
    for (let i = 0; i < positions; i++) {
      const byte = random.below(2 * lengthOfCopy)
      add(kind, 'flip', file, flip(byte < lengthOfCopy ? byte : slotAreaBytes + byte - lengthOfCopy, random.below(8)))
    }
  }
  for (const damage of [remove, empty, garbage(seed)]) add('marker', damage.name, 'disk-marker', damage)
  for (const [k, kind] of (['log', 'table', 'manifest'] as const).entries()) {
    const names = files.get(kind)!
    const lengths = await Promise.all(names.map(async (file) => (await read(file)).length))
    for (const [d, what] of damageKinds.entries()) {
      // A stream of its own for each, so that more positions of one do not move those of another.
      const random = new SeededRandom(seed * 1_000 + k * 10 + d)
      for (let i = 0; i < positions; i++) {
        const which = random.below(names.length)
        add(kind, what, names[which]!, drawDamage(what, lengths[which]!, random))
      }
    }
  }
  return cases
}

/** Of a file of a few bytes. */
function everyDamage(length: number, add: (what: DamageKind, damage: Damage) => void): void {
  for (let at = 0; at < length; at++) {
    for (let bit = 0; bit < 8; bit++) add('flip', flip(at, bit))
    add('truncate', truncate(at))
    for (let bytes = 1; bytes <= length - at; bytes++) add('duplicate', duplicate(at, bytes))
    for (let other = at + 1; other < length; other++) add('swap', swap(at, other, 1))
  }
}
