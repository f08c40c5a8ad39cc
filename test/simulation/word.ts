/** What a key signed, read back from the signed bytes as a stranger would read them. */
import { fromUtf8, toHex } from '../../src/chain/bytes.ts'
import { type CborValue, decodeCbor } from '../../src/chain/cbor.ts'
import { parseCheckpoint } from '../../src/chain/checkpoint.ts'
import type { SigningPurpose } from '../../src/node/ports.ts'

export interface Rank {
  readonly term: number
  readonly height: number
}

export interface Ref extends Rank {
  readonly id: string
}

/** `epoch` is the number in what every seal key signs. A checkpoint names none: its size says to which it belongs. */
export type Word =
  | {
      readonly kind: 'VOTE'
      readonly epoch: number
      readonly term: number
      readonly candidate: string
      readonly base: Ref
    }
  | { readonly kind: 'ACK'; readonly epoch: number; readonly base: Ref; readonly block: Ref }
  | { readonly kind: 'LOCK'; readonly epoch: number; readonly block: Ref }
  | {
      readonly kind: 'SEAL'
      readonly epoch: number
      readonly term: number
      readonly height: number
      readonly parent: string
      readonly time: number
      readonly digest: string
    }
  | {
      readonly kind: 'BATCH'
      readonly epoch: number
      readonly incarnation: number
      readonly number: number
      readonly digest: string
    }
  | { readonly kind: 'COSIGN'; readonly size: number; readonly root: string }
  | { readonly kind: 'RECEIPT'; readonly epoch: number; readonly statement: string }
  | { readonly kind: 'OTHER' }

export const compareRanks = (a: Rank, b: Rank): number => a.term - b.term || a.height - b.height
export const rankText = ({ term, height }: Rank): string => `${term}.${height}`

const base64urlOfBrace = 'e'.charCodeAt(0)
const textHead = 'gongzheng/'.length
const ledgerBytes = 32

export function wordOf(purpose: SigningPurpose, message: Uint8Array): Word {
  if (purpose === 'cosign') {
    // "cosignature/v1\ntime …\n" and then the checkpoint.
    const { size, root } = parseCheckpoint(fromUtf8(message).split('\n').slice(2).join('\n'))
    return { kind: 'COSIGN', size: Number(size), root: toHex(root) }
  }
  if (purpose !== 'seal') return { kind: 'OTHER' }
  // What a node says of its box is a statement like any other, and its kind is in the payload.
  if (message[0] === base64urlOfBrace) return { kind: 'OTHER' }
  const end = message.indexOf(0)
  const kind = fromUtf8(message.subarray(textHead, end))
  const [epoch, body] = decodeCbor(message.subarray(end + 1 + ledgerBytes)) as readonly [number, CborValue]
  const parts = body as readonly CborValue[]
  switch (kind) {
    case 'VOTE':
      return { kind, epoch, term: parts[0] as number, candidate: parts[1] as string, base: refOf(parts[2]) }
    case 'ACK':
      return { kind, epoch, base: refOf(parts[0]), block: refOf(parts[1]) }
    case 'LOCK':
      return { kind, epoch, block: refOf(body) }
    case 'SEAL':
      return {
        kind,
        epoch,
        term: parts[2] as number,
        height: parts[3] as number,
        parent: toHex(parts[4] as Uint8Array),
        time: parts[5] as number,
        digest: digestOf(message),
      }
    case 'BATCH':
      return { kind, epoch, incarnation: parts[2] as number, number: parts[3] as number, digest: digestOf(message) }
    case 'RECEIPT':
      return { kind, epoch, statement: toHex(parts[1] as Uint8Array) }
    default:
      return { kind: 'OTHER' }
  }
}

function refOf(value: CborValue | undefined): Ref {
  const [term, height, id] = value as readonly [number, number, Uint8Array]
  return { term, height, id: toHex(id) }
}

/** Equal bytes, equal text: the whole of it, so that nothing rests on a hash of ours. */
const digestOf = (message: Uint8Array): string => Buffer.from(message).toString('latin1')
