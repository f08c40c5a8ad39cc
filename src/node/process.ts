/**
 * A running node: opens disk, network, verifier and signer, puts the loop on them and the HTTP servers on the loop, and closes all of
 * it in reverse order. Started by `gongzheng start`; what it is told comes from the home directory (`configuration`).
 */
import { chmod, lstat, unlink } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { RequestFailure } from '../api/route-context.ts'
import { buildOperationsServer, buildPrivateServer, buildPublicServer, type ServerDependencies } from '../api/server.ts'
import { ed25519Native } from '../chain/ed25519-native.ts'
import { keyFromKid } from '../chain/keys.ts'
import { Refusal } from '../chain/refusal.ts'
import { type Configuration, homeFiles } from './configuration.ts'
import { FileSigner } from './file-signer.ts'
import { openLevelDisk } from './level-disk.ts'
import { Libp2pNetwork } from './libp2p-network.ts'
import type { Log } from './ports.ts'
import { Queries } from './queries.ts'
import { Replica } from './replica.ts'
import { StartUpFailed } from './start-up.ts'
import { SystemClock, SystemRandom } from './system-clock.ts'
import { VerifierPool } from './verifier-pool.ts'

export interface ProcessDependencies {
  readonly log: Log
  readonly version: string
}

/** Why a node ended by itself. With a code a person has to do something; without, a restart may do. */
export interface Failed {
  readonly reason: string
  readonly code?: string
}

export interface RunningNode {
  readonly member: string
  /** `http://127.0.0.1:8440` */
  readonly apiUrl: string
  /** URL or socket path; null when the node has none. */
  readonly privateUrl: string | null
  readonly operationsUrl: string | null
  /** Closes everything in order. Twice is harmless. */
  stop(): Promise<void>
  /** Resolves when the node cannot go on by itself; the disk is as a crash would leave it. */
  readonly failed: Promise<Failed>
}

/**
 * @throws {Refusal} disk.*, network.*, start.address for what an operator can mend
 * @throws {StartUpFailed} when this node id must not go on
 */
export async function startProcess(
  configuration: Configuration,
  dependencies: ProcessDependencies,
): Promise<RunningNode> {
  const { log, version } = dependencies
  const { genesis, rules, keys, member } = configuration
  const clock = new SystemClock()
  const random = new SystemRandom()
  const closing: (() => Promise<unknown>)[] = []
  let fail: (failed: Failed) => void = () => undefined
  const failed = new Promise<Failed>((resolve) => {
    fail = resolve
  })
  const onFatal = (reason: string, code?: string): void => {
    log.error('fatal', { reason, code })
    fail(code === undefined ? { reason } : { reason, code })
  }
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      let failure: unknown
      for (const close of closing.reverse()) {
        // What fails to close must not leave the disk open: what comes after it is what matters most.
        await close().catch((error: unknown) => {
          failure ??= error
          log.error('not closed', { reason: String(error) })
        })
      }
      if (failure !== undefined) throw failure
    })()
    return stopping
  }

  try {
    const node = genesis.members.find(({ id }) => id === member)!.node.id
    const { disk, close: closeDisk } = await openLevelDisk(
      { directory: configuration.dataDirectory, owner: { ledger: genesis.ledger, node } },
      { log, onFatal },
    )
    closing.push(closeDisk)
    const verifier = new VerifierPool({}, { log, onFatal })
    closing.push(() => verifier.stop())
    const signer = new FileSigner({ node: keys.node, centre: keys.centre }, { onFatal })
    const network = await Libp2pNetwork.create(
      {
        ledger: genesis.ledger,
        genesis: genesis.ledger,
        member,
        node,
        networkSeed: keys.node.network.seed,
        listen: configuration.listen,
        peers: genesis.members
          .filter(({ id }) => id !== member)
          .map(({ id, node: peer, addresses }) => ({
            member: id,
            node: peer.id,
            networkKey: keyFromKid(peer.network)!,
            addresses: configuration.peers[id]?.addresses ?? addresses,
            dial: configuration.peers[id]?.dial ?? 'either',
          })),
      },
      { clock, random, log, onFatal },
    )
    closing.push(() => network.stop())

    const replica = new Replica(
      { rules, member, node },
      { clock, random, network, disk, verifier, signer, log, onFatal },
      {
        onCommitted: (executed) => queries.committed(executed),
        onAttested: (attestation) => queries.attested(attestation),
      },
    )
    const registry = metricsOf(replica)
    const queries: Queries = new Queries(
      { rules, member, node, version },
      { clock, signer, replica, metrics: () => registry.metrics() },
    )
    await new Promise<void>((resolve, reject) => {
      failed.then(({ reason, code }) =>
        reject(code === undefined ? new Error(reason) : new StartUpFailed(code, reason)),
      )
      try {
        replica.start(resolve)
      } catch (error) {
        reject(error)
      }
    })
    closing.push(async () => replica.stop())

    const { api, privateListener, operations } = configuration
    const servers: FastifyInstance[] = []
    const serving: ServerDependencies = { service: queries, onFailure: (failure) => logFailure(log, failure) }
    // Together: their callers wait for the same ledger.
    closing.push(() => {
      queries.stop()
      return Promise.all(servers.map(closeServer))
    })
    const publicServer = await buildPublicServer({}, serving)
    servers.push(publicServer)
    const apiUrl = await listening('api', () => publicServer.listen({ host: api.host, port: api.port }))
    let privateUrl: string | null = null
    if (privateListener !== undefined && keys.centre !== undefined) {
      const server = await buildPrivateServer({}, serving)
      servers.push(server)
      privateUrl = await listening('private', () => listenPrivately(server, privateListener))
    } else if (privateListener !== undefined) {
      log.warn('private listener closed', { missing: homeFiles.centreKey })
    }
    let operationsUrl: string | null = null
    if (operations !== undefined) {
      const server = await buildOperationsServer({}, serving)
      servers.push(server)
      const { host, port } = operations
      operationsUrl = await listening('operations', () => server.listen({ host, port }))
    }
    log.info('listening', {
      url: apiUrl,
      private: privateUrl,
      operations: operationsUrl,
      addresses: network.addresses(),
      signatures: ed25519Native.name,
    })
    return { member, apiUrl, privateUrl, operationsUrl, stop, failed }
  } catch (error) {
    // The first failure is what an operator can mend, and it may itself keep the rest from closing.
    const given = new Promise<void>((resolve) => setTimeout(resolve, answersMs).unref())
    await Promise.race([stop().catch(() => undefined), given])
    throw error
  }
}

/** The caller was shown the request's id and nothing else: by it the operator finds the reason here. */
function logFailure(log: Log, { error, requestId, route }: RequestFailure): void {
  log.error('request failed', { request: requestId, route, reason: reasonOf(error) })
}

const reasonOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

/** Ends in order what is under way; a caller that neither sends nor reads holds up nobody's restart. */
async function closeServer(server: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => server.server.closeAllConnections(), answersMs)
  try {
    await server.close()
  } finally {
    clearTimeout(timer)
  }
}

/** For the answers that are under way. Supervisors kill what takes 10 s (Docker's default), and the disk comes after this. */
const answersMs = 5_000

/**
 * Whatever the system says against an address, it is a person who has to change it; the detail begins with the field of config.json.
 * @throws {Refusal} start.address
 */
async function listening(field: string, listen: () => Promise<string>): Promise<string> {
  try {
    return await listen()
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new Refusal('start.address', `${field}: ${error.message}`)
  }
}

/** @throws {Refusal} start.address */
async function listenPrivately(
  server: FastifyInstance,
  listener: NonNullable<Configuration['privateListener']>,
): Promise<string> {
  if (!('socket' in listener)) return server.listen({ host: listener.host, port: listener.port })
  const left = await lstat(listener.socket).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  // A mistyped path may be that of a key.
  if (left !== undefined && !left.isSocket()) {
    throw new Refusal('start.address', `private: ${listener.socket} is there, and is no socket`)
  }
  // A socket left by a crash keeps its name; the disk's lock has shown that no other process serves this home.
  if (left !== undefined) await unlink(listener.socket)
  const url = await server.listen({ path: listener.socket })
  // The centre's own systems run as users of their own: who is in the node's group may speak, nobody else.
  await chmod(listener.socket, 0o660)
  return url
}

function metricsOf(replica: Replica): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value())
      },
    })
  }
  gauge('gongzheng_term', 'Consensus term', () => replica.raft.term)
  gauge('gongzheng_height', 'Height of the committed block', () => replica.raft.commit)
  gauge('gongzheng_replicated_size', 'Leaves of the committed tree', () => replica.ledger.committed.frontier.size)
  gauge('gongzheng_attested_size', 'Leaves of the attested tree', () => replica.attested?.size ?? 0)
  gauge(
    'gongzheng_pending_statements',
    'Statements with a receipt that are not on the ledger yet',
    () => replica.pendingCount,
  )
  gauge('gongzheng_peers_connected', 'Connected members', () => replica.connected.size)
  gauge('gongzheng_faults_proven', 'Keys of which this node has a fault proof', () => replica.faults.length)
  gauge(
    'gongzheng_keys_frozen',
    'Keys of nodes that a fault report has frozen',
    () => replica.faults.filter(({ frozen }) => frozen !== undefined).length,
  )
  gauge('gongzheng_is_leader', '1 while this node leads', () => (replica.raft.role === 'leader' ? 1 : 0))
  return registry
}
