/** A ledger for tests: genesis, rules and all members' keys, from a seed. Founding costs more than a whole run, so that it is done once for each shape. */
import { type Catalogue, catalogueOf, knownTypeNames } from '../../src/chain/catalogue/catalogue.ts'
import type { ChainRules } from '../../src/chain/execution.ts'
import {
  buildGenesis,
  defaultParameters,
  type Genesis,
  type GenesisMember,
  type GenesisParameters,
  nodeIdOf,
} from '../../src/chain/genesis.ts'
import { kidOf } from '../../src/chain/keys.ts'
import {
  centreKey,
  governanceKey,
  type KeyFile,
  type KeyPair,
  type NodeKeys,
  newKeyFile,
  nodeKeys,
} from '../../src/node/identity.ts'
import { SeededRandom } from '../contract/virtual-clock.ts'

const organisations = [
  ['beijing', '北京市公共资源交易中心', '110000', 'uscc:91110000802100433B'],
  ['guangzhou', '广州公共资源交易中心', '440100', 'uscc:914403001922038216'],
  ['hangzhou', '杭州市公共资源交易中心', '330100', 'uscc:91330100716105852F'],
  ['wuhan', '武汉市公共资源交易中心', '420100', 'uscc:9144030071526726XG'],
  ['xiamen', '厦门市公共资源交易中心', '350200', 'uscc:91440400192548256N'],
  ['nanning', '南宁市公共资源交易中心', '450100', 'uscc:12450100498500001Y'],
  ['chengdu', '成都市公共资源交易中心', '510100', 'uscc:12510100MB1234567G'],
] as const

export interface FoundedMember {
  readonly member: GenesisMember
  /** Of which `keys` come. */
  readonly file: KeyFile
  readonly keys: NodeKeys
  readonly centre: KeyPair
  readonly governance: KeyPair
}

export interface Founded {
  readonly genesis: Genesis
  readonly rules: ChainRules
  readonly members: readonly FoundedMember[]
}

const foundedBefore = new Map<string, Founded>()
const renewedBefore = new Map<string, FoundedMember>()

/** `joining`: how many more organisations there are, with keys, that are no members yet. */
export function found(
  memberCount: number,
  parameters: Partial<GenesisParameters>,
  foundedAt: number,
  joining = 0,
): Founded {
  const name = `${memberCount} ${joining} ${foundedAt} ${JSON.stringify(parameters)}`
  const held = foundedBefore.get(name)
  if (held !== undefined) return held
  const { foundingId, members: all } = drawn()
  const members = all.slice(0, memberCount + joining)
  const genesis = buildGenesis({
    name: 'ledger.test',
    foundingId,
    foundedAt,
    members: members.slice(0, memberCount).map(({ member }) => member),
    parameters: { ...defaultParameters(memberCount), ...parameters },
    catalogue: knownTypeNames,
  })
  const context = { ledger: genesis.ledger, epoch: 0 }
  knownTypes ??= catalogueOf(genesis.catalogue)
  const rules = { context, genesis, catalogue: knownTypes }
  const founded = { genesis, rules, members }
  foundedBefore.set(name, founded)
  return founded
}

/** A catalogue compiles the schemas of its types, for all ledgers that have the same ones. */
let knownTypes: Catalogue | undefined

interface Drawn {
  readonly foundingId: string
  readonly members: readonly FoundedMember[]
}
let drawnBefore: Drawn | undefined

/** All organisations draw in turn, so that those of a small ledger have the same keys in a large one. */
function drawn(): Drawn {
  if (drawnBefore !== undefined) return drawnBefore
  const random = new SeededRandom(1)
  const foundingId = Buffer.from(random.bytes(16)).toString('hex')
  const origin = `ledger.test/${foundingId}`
  const members = organisations.map(([id, title, region, party]) => {
    const file = newKeyFile('node', origin, random)
    const keys = nodeKeys(file)
    const centre = centreKey(newKeyFile('centre', origin, random))
    const governance = governanceKey(newKeyFile('governance', origin, random))
    const member: GenesisMember = {
      id,
      name: title,
      region,
      party,
      addresses: [],
      node: nodeOf(keys),
      centreKey: kidOf(centre.publicKey),
      governanceKey: kidOf(governance.publicKey),
    }
    return { member, file, keys, centre, governance }
  })
  drawnBefore = { foundingId, members }
  return drawnBefore
}

/** The same organisation with a new node: other keys, another node id. `generation`: 1 for its second node. */
export function renewed(
  origin: string,
  { member, centre, governance }: FoundedMember,
  generation: number,
): FoundedMember {
  const name = `${origin} ${member.id} ${generation}`
  const held = renewedBefore.get(name)
  if (held !== undefined) return held
  const seed = 1_000 * generation + organisations.findIndex(([id]) => id === member.id)
  const file = newKeyFile('node', origin, new SeededRandom(seed))
  const keys = nodeKeys(file)
  const next = { member: { ...member, node: nodeOf(keys) }, file, keys, centre, governance }
  renewedBefore.set(name, next)
  return next
}

/** The same node from a re-founding on, which begins this epoch (rule 22): other keys for its cosignatures and its log. */
export function refoundedMember(founded: FoundedMember, epoch: number): FoundedMember {
  const name = `${founded.member.node.id} refounded ${epoch}`
  const held = renewedBefore.get(name)
  if (held !== undefined) return held
  const keys = nodeKeys(founded.file, epoch)
  const next = { ...founded, member: { ...founded.member, node: nodeOf(keys) }, keys }
  renewedBefore.set(name, next)
  return next
}

/** The ids of the members of a ledger of this many. */
export const memberIds = (count: number): readonly string[] => organisations.slice(0, count).map(([id]) => id)

/** A node's id and keys as the genesis names them. */
export const nodeOf = (keys: NodeKeys): GenesisMember['node'] => ({
  id: nodeIdOf(keys.seal.publicKey),
  network: kidOf(keys.network.publicKey),
  log: kidOf(keys.log.publicKey),
  cosign: kidOf(keys.cosign.publicKey),
  seal: kidOf(keys.seal.publicKey),
})
