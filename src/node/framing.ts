/**
 * Frames: how bytes stand on one stream between two nodes. A frame is length, sequence number, type, payload and checksum, at most
 * 64 KiB in all; a message of any length up to `messageBytesMax` is cut into frames. What comes in is distrusted: every length is
 * checked before anything is allocated, and whatever is wrong is a `FrameError` with a stable code. Encryption and identity are
 * libp2p's; who may send how much is `lane.ts`'s. The checksum is there because a library below once lost bytes silently
 * (@libp2p/utils issue 3612); it is no protection against a liar.
 *
 *     0        4          8      9                  9 + length
 *     | length | sequence | type | payload ......... | crc32 of all before it |
 */
import { crc32 } from 'node:zlib'
import { readU32, writeU32 } from '../chain/bytes.ts'
import type { NetworkCode } from './network-code.ts'

/** Types of frames. The first four speak about the connection and cost no credit; `message` and `more` carry a message. */
export const frameType = { hello: 1, accept: 2, beat: 3, bye: 4, credit: 5, message: 6, more: 7 } as const
export type FrameType = (typeof frameType)[keyof typeof frameType]
const frameTypes: ReadonlySet<number> = new Set(Object.values(frameType))

const headerBytes = 9
const checksumBytes = 4
/** What a frame adds to its payload. */
export const frameOverheadBytes = headerBytes + checksumBytes
/** Largest frame: small enough that a heartbeat never waits long behind one, large enough that its overhead does not matter. */
export const frameBytesMax = 64 * 1024
export const framePayloadBytesMax = frameBytesMax - frameOverheadBytes
/** A message begins with its length, so that its memory is known before it is taken. */
export const messageLengthBytes = 4

export interface Frame {
  readonly type: FrameType
  /** May be a view into received bytes: copy what is kept. */
  readonly payload: Uint8Array
}

/** The peer sent what no correct node sends; the connection is of no further use. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly code: NetworkCode

  constructor(code: NetworkCode, detail: string) {
    super(detail)
    this.code = code
  }
}

/** Bytes on the wire of a message of `length` bytes, its own length, frame headers and checksums included. */
export function wireBytesOf(length: number): number {
  const streamBytes = messageLengthBytes + length
  return streamBytes + Math.ceil(streamBytes / framePayloadBytesMax) * frameOverheadBytes
}

/** A frame to be written: the payload is `head` (if any), then `body[from, to)`. */
export interface OutgoingFrame {
  readonly type: FrameType
  readonly head?: Uint8Array
  readonly body: Uint8Array
  readonly from: number
  readonly to: number
}

/** Numbers frames and lays any count of them out in one buffer, so that one send carries all of them. */
export class FrameWriter {
  private sequence = 0

  encode(frames: readonly OutgoingFrame[]): Uint8Array {
    let size = 0
    for (const frame of frames) size += payloadBytesOf(frame) + frameOverheadBytes
    const out = Buffer.allocUnsafe(size)
    let start = 0
    for (const frame of frames) {
      const length = payloadBytesOf(frame)
      out.writeUInt32BE(length, start)
      out.writeUInt32BE(this.sequence, start + 4)
      out[start + 8] = frame.type
      let offset = start + headerBytes
      if (frame.head !== undefined) {
        out.set(frame.head, offset)
        offset += frame.head.length
      }
      out.set(frame.body.subarray(frame.from, frame.to), offset)
      const end = start + headerBytes + length
      out.writeUInt32BE(crc32(out.subarray(start, end)), end)
      this.sequence = nextSequence(this.sequence)
      start = end + checksumBytes
    }
    return out
  }
}

/** Takes received chunks of any size and gives whole, checked frames. */
export class FrameReader {
  private readonly queue = new ByteQueue()
  private sequence = 0

  /** Bytes received and not yet returned as frames. */
  get pendingBytes(): number {
    return this.queue.length
  }

  push(chunk: Uint8Array): void {
    this.queue.push(chunk)
  }

  /**
   * The next frame, or undefined while it has not all arrived.
   * @throws {FrameError} once the stream is known to be wrong; nothing can be read from it after that
   */
  next(): Frame | undefined {
    const header = this.queue.peek(headerBytes)
    if (header === undefined) return undefined
    const length = readU32(header, 0)
    if (length > framePayloadBytesMax) throw new FrameError('network.frame-oversized', `a frame of ${length} bytes`)
    const frame = this.queue.take(length + frameOverheadBytes)
    if (frame === undefined) return undefined
    const end = headerBytes + length
    if (crc32(frame.subarray(0, end)) !== readU32(frame, end)) {
      throw new FrameError('network.frame-checksum', `frame ${this.sequence}`)
    }
    const sequence = readU32(frame, 4)
    if (sequence !== this.sequence) {
      throw new FrameError('network.frame-sequence', `frame ${sequence}, expected ${this.sequence}`)
    }
    this.sequence = nextSequence(this.sequence)
    const type = frame[8]!
    if (!isFrameType(type)) throw new FrameError('network.frame-malformed', `frame type ${type}`)
    return { type, payload: frame.subarray(headerBytes, end) }
  }
}

/** Chunks in order of arrival, without joining them before somebody asks: many tiny chunks must not cost quadratic copying. */
class ByteQueue {
  private chunks: Uint8Array[] = []
  private head = 0
  private headOffset = 0
  length = 0

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.chunks.push(chunk)
    this.length += chunk.length
  }

  /** The next `count` bytes without taking them; undefined when there are fewer. */
  peek(count: number): Uint8Array | undefined {
    if (this.length < count) return undefined
    const first = this.chunks[this.head]!
    if (first.length - this.headOffset >= count) return first.subarray(this.headOffset, this.headOffset + count)
    const out = new Uint8Array(count)
    let filled = 0
    let offset = this.headOffset
    for (let i = this.head; filled < count; i++) {
      const part = this.chunks[i]!.subarray(offset, offset + count - filled)
      out.set(part, filled)
      filled += part.length
      offset = 0
    }
    return out
  }

  /** Takes the next `count` bytes; undefined when there are fewer. */
  take(count: number): Uint8Array | undefined {
    const out = this.peek(count)
    if (out === undefined) return undefined
    this.length -= count
    let left = count
    while (left > 0) {
      const here = this.chunks[this.head]!.length - this.headOffset
      if (left < here) {
        this.headOffset += left
        break
      }
      left -= here
      // The array keeps its length for now, but must not keep the bytes alive.
      this.chunks[this.head] = noBytes
      this.head++
      this.headOffset = 0
    }
    if (this.head > 32 && this.head * 2 >= this.chunks.length) {
      this.chunks = this.chunks.slice(this.head)
      this.head = 0
    }
    return out
  }
}

export function u32Bytes(value: number): Uint8Array {
  const out = new Uint8Array(4)
  writeU32(out, 0, value)
  return out
}

const noBytes = new Uint8Array(0)
const payloadBytesOf = (frame: OutgoingFrame): number => (frame.head?.length ?? 0) + frame.to - frame.from
const nextSequence = (sequence: number): number => (sequence + 1) >>> 0
const isFrameType = (type: number): type is FrameType => frameTypes.has(type)
