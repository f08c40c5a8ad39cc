import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FrameError,
  FrameReader,
  FrameWriter,
  frameBytesMax,
  frameOverheadBytes,
  framePayloadBytesMax,
  frameType,
  wireBytesOf,
} from '../../src/node/framing.ts'

const frame = (payload: Uint8Array, type: (typeof frameType)[keyof typeof frameType] = frameType.message) => ({
  type,
  body: payload,
  from: 0,
  to: payload.length,
})

function readAll(reader: FrameReader): Uint8Array[] {
  const payloads: Uint8Array[] = []
  for (let next = reader.next(); next !== undefined; next = reader.next()) payloads.push(next.payload.slice())
  return payloads
}

/** A frame as it should be, then with `change` made to it; the checksum is right for what it says. */
function forged(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(new FrameWriter().encode([frame(Uint8Array.of(1, 2, 3))]))
  change(bytes)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
  return bytes
}

function codeOf(bytes: Uint8Array): string {
  const reader = new FrameReader()
  reader.push(bytes)
  try {
    reader.next()
  } catch (error) {
    if (error instanceof FrameError) return error.code
    throw error
  }
  return reader.pendingBytes > 0 ? 'waits for more' : 'taken'
}

describe('frames', () => {
  test('whatever is written is read, however the stream cuts it', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 })
    const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(payloads, cuts, (bodies, lengths) => {
        const bytes = new FrameWriter().encode(bodies.map((body) => frame(body)))
        const reader = new FrameReader()
        const got: Uint8Array[] = []
        for (let from = 0, turn = 0; from < bytes.length; turn++) {
          const length = lengths[turn % lengths.length]!
          reader.push(bytes.subarray(from, from + length))
          got.push(...readAll(reader))
          from += length
        }
        expect(got.map((payload) => Buffer.from(payload).toString('hex'))).toEqual(
          bodies.map((body) => Buffer.from(body).toString('hex')),
        )
        expect(reader.pendingBytes).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  test('a frame of the largest size is 64 KiB', () => {
    const bytes = new FrameWriter().encode([frame(new Uint8Array(framePayloadBytesMax))])
    expect(bytes.length).toBe(frameBytesMax)
    const reader = new FrameReader()
    reader.push(bytes)
    expect(reader.next()?.payload.length).toBe(framePayloadBytesMax)
  })

  test('a longer one is refused by its header, before its bytes are awaited', () => {
    const header = Buffer.alloc(9)
    header.writeUInt32BE(framePayloadBytesMax + 1)
    expect(codeOf(header)).toBe('network.frame-oversized')
  })

  test('a truncated frame is waited for', () => {
    expect(codeOf(forged(() => undefined).subarray(0, 10))).toBe('waits for more')
  })

  test('any flipped bit is found', () => {
    const good = forged(() => undefined)
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good)
      bad[bit >> 3]! ^= 1 << (bit & 7)
      expect(codeOf(bad), `bit ${bit}`).not.toBe('taken')
    }
  })

  test('a frame out of sequence and one of an unknown type are refused although their checksums are right', () => {
    expect(codeOf(forged((bytes) => bytes.writeUInt32BE(1, 4)))).toBe('network.frame-sequence')
    expect(codeOf(forged((bytes) => bytes.writeUInt8(99, 8)))).toBe('network.frame-malformed')
  })

  test('the same frame twice is out of sequence', () => {
    const bytes = new FrameWriter().encode([frame(Uint8Array.of(1))])
    const reader = new FrameReader()
    reader.push(bytes)
    reader.push(bytes)
    reader.next()
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'network.frame-sequence' }))
  })

  test('many tiny chunks cost no quadratic copying', () => {
    const bytes = new FrameWriter().encode([frame(new Uint8Array(framePayloadBytesMax))])
    const reader = new FrameReader()
    for (let index = 0; index < bytes.length; index++) {
      expect(reader.next()).toBeUndefined()
      reader.push(bytes.subarray(index, index + 1))
    }
    expect(reader.next()?.payload.length).toBe(framePayloadBytesMax)
  })

  test('wire bytes count the length, headers and checksums', () => {
    expect(wireBytesOf(0)).toBe(4 + frameOverheadBytes)
    expect(wireBytesOf(framePayloadBytesMax - 4)).toBe(frameBytesMax)
    expect(wireBytesOf(framePayloadBytesMax - 3)).toBe(framePayloadBytesMax + 1 + 2 * frameOverheadBytes)
  })
})
