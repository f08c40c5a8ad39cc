/** Judges a slot file once for every bit of it, with that bit flipped. */
import { equalBytes } from '../../src/chain/bytes.ts'
import {
  type DiskOwner,
  headerBytesOfSlot,
  judgeSlotFile,
  type SlotKind,
  slotAreaBytes,
} from '../../src/node/slot-file.ts'

/** Bytes of one copy that mean something. */
export const meaningfulBytes = (file: Uint8Array): number =>
  headerBytesOfSlot + new DataView(file.buffer, file.byteOffset).getUint32(64)

/**
 * A flip must not change what is found; and the copy that was hit must be noticed, so that opening writes it again.
 * @param isAll every bit also of what lies beyond the payload and means nothing; otherwise one bit of each byte there
 * @returns how many bits were judged, and what is wrong
 */
export function judgeEveryBit(
  file: Uint8Array,
  kind: SlotKind,
  owner: DiskOwner,
  isAll: boolean,
): { readonly bits: number; readonly wrong: readonly string[] } {
  const { found, sequence, stale } = judgeSlotFile(file, kind, owner)
  if (found.kind !== 'intact' || stale.length > 0) return { bits: 0, wrong: [`it is not whole: ${found.kind}`] }
  const meaningful = meaningfulBytes(file)
  const wrong: string[] = []
  let bits = 0
  for (let at = 0; at < file.length; at++) {
    const isMeaningful = at % slotAreaBytes < meaningful
    for (let bit = 0; bit < 8; bit++) {
      if (!isMeaningful && !isAll && bit !== at % 8) continue
      bits++
      file[at]! ^= 1 << bit
      const verdict = judgeSlotFile(file, kind, owner)
      file[at]! ^= 1 << bit
      const isSame =
        verdict.found.kind === 'intact' && equalBytes(verdict.found.bytes, found.bytes) && verdict.sequence === sequence
      const noticed = verdict.stale.map(({ copy }) => copy).join(' ')
      const hit = isMeaningful ? String(Math.floor(at / slotAreaBytes)) : ''
      if (!isSame || noticed !== hit)
        wrong.push(`bit ${bit} of byte ${at}: ${verdict.found.kind}, noticed in copy "${noticed}"`)
    }
  }
  return { bits, wrong }
}
