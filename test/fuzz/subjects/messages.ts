/** What nodes say to each other: the hello of a connection, and every kind of message. */
import fc from 'fast-check'
import { CborError } from '../../../src/chain/cbor.ts'
import { encodeHello, readHello } from '../../../src/node/handshake.ts'
import { networkCodes } from '../../../src/node/network-code.ts'
import { decodeMessage, encodeMessage } from '../../../src/node/wire.ts'
import { anyMessage } from '../../node/any-message.ts'
import { mutateCbor } from '../mutation.ts'
import { accepted, hold, refusedOr, type Subject, sameBytes } from '../subject.ts'

const expected = { ledger: 'ab'.repeat(32), genesis: 'ab'.repeat(32), member: 'wuhan', node: '0123456789abcdef' }
const session = new Uint8Array(16).fill(7)

export const hello: Subject = {
  name: 'hello',
  seeds: () =>
    [true, false].map((hasConnection) => encodeHello({ protocolVersion: 1, ...expected, session, hasConnection })),
  mutate: mutateCbor,
  judge(input) {
    const read = readHello(input, expected)
    if (typeof read !== 'string') hold(sameBytes(encodeHello(read), input), 'a hello has one spelling')
    else hold(Object.hasOwn(networkCodes, read), `an undocumented code: ${read}`)
    return typeof read === 'string' ? read : accepted
  },
}

export const messages: Subject = {
  name: 'messages',
  share: 4,
  seeds() {
    const byKind = new Map<string, Uint8Array[]>()
    for (const message of fc.sample(anyMessage, { numRuns: 600, seed: 1 })) {
      const kept = byKind.get(message.kind) ?? []
      if (kept.length < 3) byKind.set(message.kind, [...kept, encodeMessage(message)])
    }
    hold(byKind.size === 25, `every kind is there: ${byKind.size}`)
    return [...byKind.values()].flat()
  },
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () => {
      hold(sameBytes(encodeMessage(decodeMessage(input)), input), 'a message has one spelling')
    }),
}
