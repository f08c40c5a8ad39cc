/**
 * The handshake of two nodes: each says, in the first frame of the control lane, which protocol, ledger and node it is, and checks
 * what the other says before anything else is listened to. libp2p has already proved that the other side holds the network key it
 * is known by; the handshake tells a right key in the wrong ledger, or under a retired node id, from a peer.
 */
import { type CborValue, decodeCbor, encodeCbor, field } from '../chain/cbor.ts'
import type { NetworkCode } from './network-code.ts'
import type { MemberId } from './ports.ts'

/** Version of everything that is said on the streams; it also stands in their protocol ids. */
export const networkProtocolVersion = 1
const helloBytesMax = 1024
export const sessionBytes = 16

export interface Hello {
  readonly protocolVersion: number
  /** Hex. */
  readonly ledger: string
  /** Hex SHA-256 of the genesis entry. */
  readonly genesis: string
  readonly member: MemberId
  readonly node: string
  /** Random, chosen when the process starts: tells a restarted peer, whose old connection is stale, from a second connection. */
  readonly session: Uint8Array
  /** The speaker has a connection to the listener in use at this moment. */
  readonly hasConnection: boolean
}

/** What the other side must say of itself. */
export interface ExpectedPeer {
  readonly ledger: string
  readonly genesis: string
  readonly member: MemberId
  readonly node: string
}

export function encodeHello(hello: Hello): Uint8Array {
  const { protocolVersion, ledger, genesis, member, node, session, hasConnection } = hello
  return encodeCbor([protocolVersion, ledger, genesis, member, node, session, hasConnection])
}

/** Reads and checks a peer's hello; a code says what is wrong with it. */
export function readHello(bytes: Uint8Array, expected: ExpectedPeer): Hello | NetworkCode {
  const hello = decodeHello(bytes)
  if (typeof hello === 'string') return hello
  if (hello.ledger !== expected.ledger) return 'network.wrong-ledger'
  if (hello.genesis !== expected.genesis) return 'network.wrong-genesis'
  if (hello.member !== expected.member) return 'network.wrong-member'
  if (hello.node !== expected.node) return 'network.wrong-node'
  return hello
}

function decodeHello(bytes: Uint8Array): Hello | NetworkCode {
  if (bytes.length > helloBytesMax) return 'network.handshake-malformed'
  try {
    const fields: readonly CborValue[] = field.array(decodeCbor(bytes), 'hello')
    const protocolVersion = field.natural(fields[0], 'protocol version')
    // The rest may look different in another version, so it is not read.
    if (protocolVersion !== networkProtocolVersion) return 'network.wrong-protocol-version'
    field.array(fields, 'hello', 7)
    return {
      protocolVersion,
      ledger: field.text(fields[1], 'ledger', 128),
      genesis: field.text(fields[2], 'genesis', 128),
      member: field.text(fields[3], 'member', 64),
      node: field.text(fields[4], 'node', 64),
      session: field.bytes(fields[5], 'session', sessionBytes),
      hasConnection: field.boolean(fields[6], 'has connection'),
    }
  } catch {
    return 'network.handshake-malformed' // a CborError; nothing in it that an operator could use
  }
}
