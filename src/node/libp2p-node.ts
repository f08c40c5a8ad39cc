/**
 * libp2p as this project uses it: TCP, noise and yamux, no discovery, no relays, no private-network key (it freezes at about 4 MB
 * while looking healthy: js-libp2p issue 3551), nothing that dials or pings by itself, and the defaults that bite replaced by
 * numbers with reasons. Here are also the names that libp2p gives to things of ours: peer ids, addresses, protocol ids.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Connection, ConnectionGater, Libp2p, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { assert } from '../chain/assert.ts'
import { ed25519KeyOf, type TaggedKey } from '../chain/keys.ts'
import { Refusal } from '../chain/refusal.ts'
import { frameBytesMax } from './framing.ts'
import { networkProtocolVersion } from './handshake.ts'
import { guardedGater, guardedYamux } from './libp2p-guard.ts'
import type { NetworkLimits } from './network-limits.ts'
import { type Lane, laneCreditBytes, lanes } from './ports.ts'

/** Larger than the credit, so that credit and never yamux is what a sender waits for. */
const yamuxWindowBytes = 2 * laneCreditBytes
/** Three lanes, and as many more while streams are being negotiated. */
const streamsPerConnectionMax = 8

export interface Libp2pNodeOptions {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  /** How many members there are beside this one; the limits on connections follow from it. */
  readonly peers: number
  readonly limits: NetworkLimits
  readonly gater: ConnectionGater
  /** A connection, of either direction, passed noise and the gater. */
  readonly onConnection: (connection: Connection) => void
  /** The other side opened a lane. */
  readonly onStream: (lane: Lane, stream: Stream, connection: Connection) => void
}

/** Starts libp2p and binds the listening addresses; rejects when one cannot be bound. */
export async function startLibp2p(options: Libp2pNodeOptions): Promise<Libp2p> {
  const { privateKey, listen, limits, gater } = options
  const connectionsMax = (limits.linksPerPeerMax + 1) * options.peers + 16
  const node = await createLibp2p({
    start: false,
    privateKey,
    addresses: { listen: [...listen] },
    transports: [tcp({ maxConnections: connectionsMax + limits.pendingInboundMax })],
    connectionEncrypters: [noise()],
    streamMuxers: [guardedYamux(yamux(yamuxOptions), yamuxWindowBytes + frameBytesMax)],
    connectionMonitor: { enabled: false },
    connectionGater: guardedGater(gater),
    connectionManager: {
      maxConnections: connectionsMax,
      maxIncomingPendingConnections: limits.pendingInboundMax,
      inboundConnectionThreshold: limits.inboundPerSecondMax,
      inboundUpgradeTimeout: limits.handshakeMs,
      inboundStreamProtocolNegotiationTimeout: limits.handshakeMs,
      outboundStreamProtocolNegotiationTimeout: limits.handshakeMs,
      addressDialTimeout: limits.addressDialMs,
      dialTimeout: limits.dialMs,
      reconnectRetries: 0,
      // In the order of the configuration; libp2p would put public addresses first.
      addressSorter: () => 0,
      resolvers: {},
    },
  })
  node.addEventListener('connection:open', (event) => options.onConnection(event.detail))
  for (const lane of lanes) {
    const take = (stream: Stream, connection: Connection): void => options.onStream(lane, stream, connection)
    await node.handle(protocolOf(lane), take, { maxInboundStreams: 1, maxOutboundStreams: 1 })
  }
  await node.start()
  return node
}

const yamuxOptions = {
  // Our own beat does this job, and yamux ignores its own failures (js-libp2p-yamux issue 92).
  enableKeepAlive: false,
  maxInboundStreams: streamsPerConnectionMax,
  maxOutboundStreams: streamsPerConnectionMax,
  streamOptions: {
    initialStreamWindowSize: yamuxWindowBytes,
    maxStreamWindowSize: yamuxWindowBytes,
    maxReadBufferLength: 2 * yamuxWindowBytes,
  },
}

/** Versioned: nodes of two protocol versions do not even open lanes to each other. */
export const protocolOf = (lane: Lane): string => `/gongzheng/${networkProtocolVersion}/${lane}`

/** The libp2p peer id of a member's tagged network key, as it stands at the end of a multiaddr. */
export const peerIdOf = (networkKey: TaggedKey): string => libp2pPeerId(networkKey).toString()

/** @throws {Refusal} network.bad-configuration: unless the key is Ed25519 */
export function libp2pPeerId(networkKey: TaggedKey): PeerId {
  const key = ed25519KeyOf(networkKey)
  if (key === undefined) throw new Refusal('network.bad-configuration', 'a network key is an Ed25519 key')
  const publicKey = publicKeyFromRaw(key)
  assert(publicKey.type === 'Ed25519', '32 bytes are an Ed25519 key')
  return peerIdFromPublicKey(publicKey)
}

/**
 * A configured multiaddr with the peer id at its end.
 * @throws {Refusal} network.bad-configuration: when it is no multiaddr, or names another peer id
 */
export function addressOf(text: string, peerId: PeerId): Multiaddr {
  try {
    const address = multiaddr(text)
    const named = address.getComponents().find((component) => component.name === 'p2p')?.value
    if (named === undefined) return address.encapsulate(`/p2p/${peerId.toString()}`)
    if (named === peerId.toString()) return address
  } catch {
    throw new Refusal('network.bad-configuration', `not a multiaddr: ${text}`)
  }
  throw new Refusal('network.bad-configuration', `the peer id in ${text} is not that of the member’s network key`)
}

/** Ends with the promise or with the signal, whichever is first: a promise of libp2p's may never end (js-libp2p issue 3289). */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal, onLate: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      promise.then(onLate).catch(() => undefined)
      reject(signal.reason)
    }
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
