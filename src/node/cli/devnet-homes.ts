/**
 * `devnet --homes`: a devnet whose members run on hosts of their own, such as containers. Founds it (once) and lays each member's home below
 * one directory, ready for `start` on a host that the others can reach under the member's id. Starts nothing. Called again it finds
 * what is there; cut short it goes on where it was.
 */
import { copyFileSync, existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Genesis } from '../../chain/genesis.ts'
import { Refusal } from '../../chain/refusal.ts'
import { homeFiles } from '../configuration.ts'
import { foundOrFind } from './devnet.ts'
import { type ExitCode, exitCode } from './failure.ts'
import { writeWhole } from './files.ts'
import { formatConfiguration, genesisAt, makeDirectory } from './founding-commands.ts'
import { both } from './language.ts'
import type { Terminal } from './terminal.ts'

export interface DevnetHomesOptions {
  /** Where the founding is kept: with the governance keys, so not where nodes can read. */
  readonly dir: string
  /** Each home becomes a directory here, named after its member; an empty one may be there already, such as a mounted volume. */
  readonly homes: string
  readonly nodes?: number
}

/** @throws {Refusal} devnet.other, founding.genesis-differs, file.unwritable */
export function devnetHomes({ dir, homes, nodes }: DevnetHomesOptions, terminal: Terminal): ExitCode {
  const directory = resolve(dir)
  const genesis = foundOrFind(directory, nodes, terminal, (member) => [addressOf(member)])
  if (genesis.members.some(({ id, addresses }) => !addresses.includes(addressOf(id)))) {
    throw new Refusal('devnet.other', directory)
  }
  for (const { id } of genesis.members) layHome(join(directory, id), join(resolve(homes), id), id, genesis)
  terminal.say(
    both(
      `${genesis.members.length} 个主目录已就绪：${resolve(homes)}，账本指纹 ${genesis.fingerprint}`,
      `${genesis.members.length} homes are ready in ${resolve(homes)}, ledger ${genesis.fingerprint}`,
    ),
  )
  terminal.json({
    ok: true,
    ledger: genesis.ledger,
    fingerprint: genesis.fingerprint,
    homes: genesis.members.map(({ id }) => join(resolve(homes), id)),
  })
  return exitCode.done
}

const peersPort = 8450
const addressOf = (member: string): string => `/dns4/${member}/tcp/${peersPort}`

/** Apart from the home: whoever is given the directory of the socket must not be given the keys with it. */
const privateSocket = '/run/gongzheng/private.sock'

function layHome(from: string, home: string, member: string, genesis: Genesis): void {
  const configurationPath = join(home, homeFiles.configuration)
  // The configuration is written last, so where it is everything is.
  if (existsSync(configurationPath)) {
    const held = genesisAt(join(home, homeFiles.genesis))
    if (held.ledger !== genesis.ledger) {
      throw new Refusal('founding.genesis-differs', `${home}: ${held.fingerprint} ≠ ${genesis.fingerprint}`)
    }
    return
  }
  makeDirectory(join(home, 'keys'))
  const { nodeKey, centreKey, card, genesis: entry, signatures } = homeFiles
  for (const name of [nodeKey, centreKey, card, entry, signatures]) copy(join(from, name), join(home, name))
  const configuration = {
    member,
    listen: [`/ip4/0.0.0.0/tcp/${peersPort}`],
    // The host is the node's own; who reaches it from outside is decided there.
    api: { host: '0.0.0.0', port: 8440 },
    private: { socket: privateSocket },
    peers: {},
    logLevel: 'info' as const,
  }
  writeWhole(configurationPath, formatConfiguration(configuration), { replace: true })
}

/** With its mode, which keeps a key file its owner's. */
function copy(from: string, to: string): void {
  try {
    copyFileSync(from, to)
  } catch (error) {
    throw new Refusal('file.unwritable', (error as Error).message)
  }
}
