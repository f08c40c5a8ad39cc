/**
 * `fault verify` (矛盾签名): checks a fault proof with nothing but the file. The proof convicts a key; whose key that is, a genesis or a policy
 * says, if one is given. Only a contradiction convicts, so a file that shows none ends with exit code 1 and names nobody.
 */

import { toBase64Url } from '../../chain/bytes.ts'
import { type Fault, parseFault, verifyFault } from '../../chain/fault.ts'
import { faultWords } from '../../chain/fault-words.ts'
import { readFounding } from '../../chain/founding.ts'
import { type Genesis, type GenesisMember, parseGenesis } from '../../chain/genesis.ts'
import { ed25519KeyOf, keyFromKid } from '../../chain/keys.ts'
import { epochsGathered, everybody } from '../../chain/membership.ts'
import type { Policy } from '../../chain/policy.ts'
import { VerificationError } from '../../chain/verification-error.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes } from './files.ts'
import { type Bilingual, both } from './language.ts'
import { policyOf } from './policy.ts'
import { columns, type Terminal } from './terminal.ts'

export interface FaultVerifyOptions {
  readonly file: string
  readonly genesis?: string
  readonly policy?: string
  /** Proofs of the epochs after the founding, in any order. */
  readonly epoch?: readonly string[]
}

/** Whose key it is: `id` as genesis or policy has it. */
interface Accused {
  readonly id: string
  readonly name: string
}

/** Exit code 0 only for a good proof; 1 for one that is not, or is of another ledger than was asked about; 2 when a file cannot be used. */
export function faultVerify(options: FaultVerifyOptions, terminal: Terminal): ExitCode {
  const file = readBytes(options.file)
  const genesis = options.genesis === undefined ? undefined : parseGenesis(readBytes(options.genesis))
  const proofs = (options.epoch ?? []).map((path) => readBytes(path))
  const members =
    genesis === undefined ? [] : everybody(epochsGathered(readFounding(genesis.entry), genesis.entry, proofs))
  const policy = options.policy === undefined ? undefined : policyOf(readBytes(options.policy))
  let fault: Fault
  try {
    fault = verifyFault(parseFault(file))
  } catch (error) {
    if (error instanceof VerificationError) terminal.say(both('不成立：不能证明任何人有错', 'Proves nothing'))
    throw error
  }
  const accused = accusedOf(fault, { genesis, members, policy })
  terminal.say(both('成立：这把密钥签署了互相矛盾的内容', 'Proven: this key signed what contradicts itself'))
  terminal.say(
    columns([
      [terminal.text(both('矛盾', 'Contradiction')), terminal.text(faultWords[fault.kind])],
      [terminal.text(both('详情', 'Detail')), fault.detail],
      [terminal.text(both('密钥', 'Key')), fault.kid],
      [terminal.text(both('成员', 'Member')), terminal.text(memberWords(accused, genesis ?? policy))],
      fault.ledger === ''
        ? [terminal.text(both('来源', 'Origin')), fault.origin]
        : [terminal.text(both('账本标识', 'Ledger id')), fault.ledger],
      // Anybody can write a genesis that gives a member's name to a key of his own.
      ...(genesis === undefined
        ? []
        : [
            [
              terminal.text(both('账本指纹', 'Fingerprint')),
              `${genesis.fingerprint}${terminal.text(both('（成员名称出自这份创世文件，请与章程核对）', ' (the name is by this genesis: compare it with the charter)'))}`,
            ] as [string, string],
          ]),
    ]),
  )
  const { kid, kind, detail, ledger, origin } = fault
  terminal.json({
    ok: true,
    kind,
    kid,
    detail,
    ledger,
    origin,
    member: accused ?? null,
    fingerprint: genesis?.fingerprint ?? null,
  })
  return exitCode.done
}

/**
 * Heads are signed by the cosign key, everything else by the seal key, which no policy lists.
 * @throws {CommandFailure} fault.other-ledger
 */
function accusedOf(
  { kid, ledger, origin }: Fault,
  {
    genesis,
    members,
    policy,
  }: {
    readonly genesis: Genesis | undefined
    readonly members: readonly GenesisMember[]
    readonly policy: Policy | undefined
  },
): Accused | undefined {
  if (genesis !== undefined) {
    if (ledger === '' ? origin !== genesis.origin : ledger !== genesis.ledger) throw otherLedger(ledger || origin)
    const found = members.find(({ node }) => node[ledger === '' ? 'cosign' : 'seal'] === kid)
    if (found !== undefined) return { id: found.id, name: found.name }
  }
  if (policy === undefined || ledger !== '') return undefined
  if (!policy.logs.some(({ key }) => key.name === origin)) throw otherLedger(origin)
  const key = toBase64Url(ed25519KeyOf(keyFromKid(kid)!)!)
  const witness = policy.witnesses.find(({ key: { publicKey } }) => toBase64Url(publicKey) === key)
  return witness === undefined ? undefined : { id: witness.name, name: witness.key.name }
}

function memberWords(accused: Accused | undefined, asked: object | undefined): Bilingual {
  if (accused !== undefined) return both(`${accused.name}（${accused.id}）`, `${accused.name} (${accused.id})`)
  return asked === undefined
    ? both(
        '未指明：请以 --genesis 或 --policy 给出账本资料',
        'not named: give the ledger’s genesis or policy with --genesis or --policy',
      )
    : both('所给资料中没有这把密钥', 'the key is of no member in the file given')
}

const otherLedger = (detail: string): CommandFailure =>
  new CommandFailure('fault.other-ledger', detail, exitCode.refused)
