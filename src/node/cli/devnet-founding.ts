/**
 * The four (or up to ten) members of a devnet and their homes: founded in one go, with all keys in one place, as no real ledger ever is.
 * The organisations' codes are made up, with right check characters; the cities are those of the agreement of December 2019.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { Genesis } from '../../chain/genesis.ts'
import { Refusal } from '../../chain/refusal.ts'
import { homeFiles } from '../configuration.ts'
import { governanceKey } from '../identity.ts'
import { writeKeyFile } from '../key-file.ts'
import { SystemClock, SystemRandom } from '../system-clock.ts'
import { CommandFailure, exitCode } from './failure.ts'
import { writeWhole } from './files.ts'
import { formatCard, formatCharter, formatSignatures, genesisOf, newCharter, signGenesis } from './founding.ts'
import { drawMember, formatConfiguration, genesisAt, makeDirectory } from './founding-commands.ts'

/** In the order in which they are taken; the first four are the devnet of every example. */
export const cities = [
  { id: 'guangzhou', name: '广州公共资源交易中心', region: '440100', party: 'uscc:12440100MB2D407104' },
  { id: 'beijing', name: '北京市公共资源交易中心', region: '110000', party: 'uscc:12110000MB1K73162X' },
  { id: 'wuhan', name: '武汉市公共资源交易中心', region: '420100', party: 'uscc:12420100MB0C925837' },
  { id: 'hangzhou', name: '杭州市公共资源交易中心', region: '330100', party: 'uscc:12330100MB1A63846U' },
  { id: 'changsha', name: '长沙公共资源交易中心', region: '430100', party: 'uscc:12430100MB1F20752R' },
  { id: 'nanjing', name: '南京市公共资源交易中心', region: '320100', party: 'uscc:12320100MB1U5143XW' },
  { id: 'xiamen', name: '厦门市公共资源交易中心', region: '350200', party: 'uscc:12350200MB0P86273H' },
  { id: 'zhuhai', name: '珠海市公共资源交易中心', region: '440400', party: 'uscc:12440400MB2W339052' },
  { id: 'foshan', name: '佛山市公共资源交易中心', region: '440600', party: 'uscc:12440600MB2E77194W' },
  { id: 'dongguan', name: '东莞市公共资源交易中心', region: '441900', party: 'uscc:12441900MB2H04625W' },
] as const

export interface NodePorts {
  readonly api: number
  readonly peers: number
  readonly private: number
}

/** API, member-to-member and private ports, ten apart. */
const portStep = 10
export const nodesMax = cities.length

const governanceDirectory = 'governance'

/** On a devnet a second counts as a day of the periods that law fixes, so that a tender's life can be watched; its genesis says so. */
export const devnetLegalDayMs = 1_000

/** The quiet box goes as fast as that: a section's deadline on a devnet is minutes away, not weeks. */
const devnetBoxCadence = { boxRoundMs: 2_000, boxFastRoundMs: 500 }

/**
 * Makes the homes, all or none.
 * @param addressesOf what each member announces in the genesis; nothing where the configurations say it
 * @throws {Refusal} devnet.other when the directory holds something that is no devnet
 */
export function foundDevnet(
  directory: string,
  nodes: number,
  addressesOf: (member: string) => readonly string[] = () => [],
): void {
  if (existsSync(directory) && readdirSync(directory).length > 0) throw new Refusal('devnet.other', directory)
  const random = new SystemRandom()
  const charter = {
    ...newCharter('devnet.gongzheng', { clock: new SystemClock(), random }),
    parameters: { legalDayMs: devnetLegalDayMs, ...devnetBoxCadence },
  }
  const members = cities
    .slice(0, nodes)
    .map((city) => drawMember(charter, { ...city, addresses: addressesOf(city.id) }))
  const genesis = genesisOf(
    charter,
    members.map(({ card }) => card),
  )
  const signatures = members.map(({ keys }) => signGenesis(genesis, governanceKey(keys.governance)))

  // Under another name until it is whole: a founding cut short is never taken for a devnet.
  const part = `${directory}.${process.pid}.part`
  makeDirectory(dirname(part))
  rmSync(part, { recursive: true, force: true })
  mkdirSync(join(part, governanceDirectory), { recursive: true, mode: 0o700 })
  writeWhole(join(part, 'charter.json'), formatCharter(charter))
  for (const { keys, card } of members) {
    const home = join(part, card.member.id)
    mkdirSync(join(home, 'keys'), { recursive: true, mode: 0o700 })
    writeKeyFile(join(part, governanceDirectory, `${card.member.id}.json`), keys.governance, random)
    writeKeyFile(join(home, homeFiles.nodeKey), keys.node, random)
    writeKeyFile(join(home, homeFiles.centreKey), keys.centre, random)
    writeWhole(join(home, homeFiles.card), formatCard(card))
    writeWhole(join(home, homeFiles.genesis), genesis.entry)
    writeWhole(join(home, homeFiles.signatures), formatSignatures(genesis, signatures))
  }
  rmSync(directory, { recursive: true, force: true })
  renameSync(part, directory)
}

/** The genesis of a devnet that is there; undefined when the directory is none. */
export function devnetGenesis(directory: string): Genesis | undefined {
  const path = join(directory, cities[0].id, homeFiles.genesis)
  return existsSync(path) ? genesisAt(path) : undefined
}

/** Every start writes the configurations anew: ports may change, and nothing else in them is anybody's. */
export function configureDevnet(directory: string, genesis: Genesis, ports: ReadonlyMap<string, NodePorts>): void {
  for (const { id } of genesis.members) {
    const own = ports.get(id)!
    const peers = genesis.members
      .filter((member) => member.id !== id)
      .map((member) => [member.id, { addresses: [address(ports.get(member.id)!.peers)] }] as const)
    const file = {
      member: id,
      listen: [address(own.peers)],
      api: { host: '127.0.0.1', port: own.api },
      private: { host: '127.0.0.1', port: own.private },
      peers: Object.fromEntries(peers),
      logLevel: 'info' as const,
    }
    writeWhole(join(directory, id, homeFiles.configuration), formatConfiguration(file), { replace: true })
  }
}

const address = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`

/**
 * The ports of each member: from `first` on, or free ones when it is 0.
 * @throws {CommandFailure} devnet.port-in-use
 */
export async function devnetPorts(members: readonly string[], first: number): Promise<Map<string, NodePorts>> {
  const wanted = members.flatMap((_, at) =>
    [0, portStep, 2 * portStep].map((offset) => (first === 0 ? 0 : first + offset + at)),
  )
  const found = await bindable(wanted)
  return new Map(
    members.map((member, at) => [
      member,
      { api: found[3 * at]!, peers: found[3 * at + 1]!, private: found[3 * at + 2]! },
    ]),
  )
}

/** Takes all of them at once, so that free ones differ, and lets them go. */
async function bindable(ports: readonly number[]): Promise<number[]> {
  const servers = ports.map(() => createServer())
  try {
    return await Promise.all(
      servers.map(
        (server, at) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', () =>
              reject(new CommandFailure('devnet.port-in-use', `127.0.0.1:${ports[at]}`, exitCode.unusable)),
            )
            server.listen({ host: '127.0.0.1', port: ports[at]!, exclusive: true }, () =>
              resolve((server.address() as { readonly port: number }).port),
            )
          }),
      ),
    )
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}
