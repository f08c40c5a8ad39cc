/** Real nodes on 127.0.0.1 for tests: keys from small seeds, free ports, waiting for conditions. */
import { ed25519PublicKey } from '#crypto'
import { type TaggedKey, taggedEd25519 } from '../../src/chain/keys.ts'
import { type DialPolicy, Libp2pNetwork, type Libp2pNetworkOptions } from '../../src/node/libp2p-network.ts'
import type { NetworkLimits } from '../../src/node/network-limits.ts'
import type { Log, LogFields, MemberId } from '../../src/node/ports.ts'
import { SystemClock, SystemRandom } from '../../src/node/system-clock.ts'

export const seedOf = (member: MemberId): Uint8Array => {
  const seed = new Uint8Array(32)
  seed.set(Buffer.from(member))
  return seed
}

export const networkKeyOf = (member: MemberId): TaggedKey => taggedEd25519(ed25519PublicKey(seedOf(member)))

/** Short pauses: what takes a quarter of a minute between cities must not in a test. */
export const quickLimits: Partial<NetworkLimits> = {
  firstPauseMs: 10,
  pauseMsMax: 100,
  refusedPauseMs: 60_000,
  beatMs: 200,
  youngMs: 500,
}

export interface Logged {
  readonly level: string
  readonly event: string
  readonly fields: LogFields
}

export class LogRecorder implements Log {
  readonly lines: Logged[] = []
  debug = (event: string, fields: LogFields = {}): void => void this.lines.push({ level: 'debug', event, fields })
  info = (event: string, fields: LogFields = {}): void => void this.lines.push({ level: 'info', event, fields })
  warn = (event: string, fields: LogFields = {}): void => void this.lines.push({ level: 'warn', event, fields })
  error = (event: string, fields: LogFields = {}): void => void this.lines.push({ level: 'error', event, fields })

  has(code: string): boolean {
    return this.lines.some(({ fields }) => fields.code === code)
  }
}

export interface TestNodeOptions extends Partial<Omit<Libp2pNetworkOptions, 'peers' | 'limits'>> {
  readonly knows: readonly MemberId[]
  readonly dial?: DialPolicy
  readonly limits?: Partial<NetworkLimits>
  /** Overrides for what is believed of one peer. */
  readonly believes?: Readonly<Record<MemberId, { readonly node?: string; readonly networkKey?: TaggedKey }>>
}

export interface TestNode {
  readonly network: Libp2pNetwork
  readonly log: LogRecorder
  readonly fatal: string[]
}

export async function testNode(member: MemberId, options: TestNodeOptions): Promise<TestNode> {
  const log = new LogRecorder()
  const fatal: string[] = []
  const { knows, dial = 'either', limits, believes, ...own } = options
  const network = await Libp2pNetwork.create(
    {
      ledger: 'ab'.repeat(32),
      genesis: 'ab'.repeat(32),
      member,
      node: `node-${member}`,
      networkSeed: seedOf(member),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      ...own,
      peers: knows.map((peer) => ({
        member: peer,
        node: `node-${peer}`,
        networkKey: networkKeyOf(peer),
        ...believes?.[peer],
        addresses: [],
        dial,
      })),
      limits: { ...quickLimits, ...limits },
    },
    { clock: new SystemClock(), random: new SystemRandom(), log, onFatal: (reason) => void fatal.push(reason) },
  )
  return { network, log, fatal }
}

/** Tells each node where the others listen. */
export function introduce(nodes: ReadonlyMap<MemberId, TestNode>): void {
  for (const [member, { network }] of nodes) {
    for (const [peer, other] of nodes) {
      if (peer !== member && network.peerStatus().some((status) => status.member === peer)) {
        network.setAddresses(peer, other.network.addresses())
      }
    }
  }
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 25_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`)
    await pass(5)
  }
}

export const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
