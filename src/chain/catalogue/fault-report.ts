/**
 * `fault.report@1` (矛盾签名报告): a fault proof, verified by every member as anybody verifies it who has the file (`fault.ts`), and what follows
 * for its key. From the next block on no statement and no batch by it is taken; who counts in a quorum stays as it is until the members change
 * their list (protocol rules 19 and 21). Whoever is registered may report: the proof speaks for itself, and nothing rests on who shows it.
 */
import type { Epoch } from '../epoch.ts'
import { type Fault, type FaultProof, parseFault, verifyFault } from '../fault.ts'
import type { GenesisMember } from '../genesis.ts'
import type { JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import type { StateReader } from '../state.ts'
import { VerificationError } from '../verification-error.ts'
import { readKey } from './register.ts'
import type { Family, RuleContext, StatementType } from './statement-type.ts'
import { natural, table, text } from './table.ts'
import { named } from './values.ts'

/** A proof's file as text, so that its record stays below an entry's 65,535 bytes. A longer one convicts all the same, but off the ledger only. */
export const reportedProofCharactersMax = 40_000

/** The name under which a genesis or an activation brings it into force. */
export const faultReportTypeName = 'fault.report@1'

interface FaultReport {
  readonly proof: string
}

const frozenKeys = table('frozen', {
  kind: text,
  /** Of the node whose key it is; empty for a key of the register. */
  member: text,
  /** Of the block with the report. */
  height: natural,
  /** Of the report. */
  index: natural,
})

/** A key that a report has proven guilty. */
export interface FrozenKey {
  readonly kid: string
  /** `two-votes` and so on. */
  readonly kind: string
  readonly member: string
  readonly height: number
  readonly index: number
}

export function frozenKey(state: StateReader, kid: string): FrozenKey | undefined {
  const row = frozenKeys.read(state, [kid])
  return row === undefined ? undefined : { kid, ...row }
}

/**
 * The frozen key of a node, if it has one. Seal and cosign key come from one seed and lie in one process: who contradicts himself with either is
 * not believed with the other.
 */
export function frozenNode(state: StateReader, { seal, cosign }: GenesisMember['node']): FrozenKey | undefined {
  return frozenKey(state, seal) ?? frozenKey(state, cosign)
}

/** The member with a node, of this epoch or an earlier one, that has this seal or cosign key. */
export function memberOfNodeKey(epoch: Epoch, kid: string): GenesisMember | undefined {
  for (let at: Epoch | undefined = epoch; at !== undefined; at = at.previous) {
    const found = at.members.find(({ node }) => node.seal === kid || node.cosign === kid)
    if (found !== undefined) return found
  }
  return undefined
}

interface ReadReport {
  /** Undefined when the text is no fault proof. */
  readonly proof: FaultProof | undefined
  /** What it proves, or why it proves nothing; undefined until it was asked. */
  verdict: Fault | VerificationError | undefined
}

/**
 * What a report says depends on its payload alone, and a node asks at intake, when it seals and when it checks: it is read once, and its
 * signatures are verified once, for as long as the statement is held.
 */
const reportsRead = new WeakMap<JsonObject, ReadReport>()

function readReport(payload: JsonObject): ReadReport {
  let read = reportsRead.get(payload)
  if (read === undefined) {
    const parsed = orError(() => parseFault((payload as unknown as FaultReport).proof))
    const isProof = !(parsed instanceof VerificationError)
    read = { proof: isProof ? parsed : undefined, verdict: isProof ? undefined : parsed }
    reportsRead.set(payload, read)
  }
  return read
}

function verdictOn(payload: JsonObject): Fault | VerificationError {
  const read = readReport(payload)
  read.verdict ??= orError(() => verifyFault(read.proof!))
  return read.verdict
}

function orError<T>(ask: () => T): T | VerificationError {
  try {
    return ask()
  } catch (error) {
    if (error instanceof VerificationError) return error
    throw error
  }
}

const report: StatementType = {
  name: 'fault.report',
  version: 1,
  title: { zh: '矛盾签名报告', en: 'Report of a fault proof' },
  law: {
    zh: '成员协议：同一密钥签署的互相矛盾的内容，任何人凭其签名即可证明；密钥自下一区块起停用，是否更换成员由成员依程序决定。',
    en: 'The members’ agreement: what one key has signed against itself, anybody can prove by its signatures. The key is out of use from the next block on; whether a member is replaced, the members decide.',
  },
  schema: {
    properties: {
      proof: named('矛盾签名文件', 'Fault proof', {
        description: '矛盾签名文件（gongzheng/fault@1）的全文 / the whole text of the file',
        type: 'string',
        minLength: 1,
        maxLength: reportedProofCharactersMax,
      }),
    },
    required: ['proof'],
  },
  // Nothing rests on who shows a proof, and it takes nothing but rights of a liar: a key says it anywhere, whatever it was lent for.
  roles: 'any',
  isOutsideScope: true,
  refusals: {
    'fault.not-proven': {
      zh: {
        title: '矛盾签名不成立',
        cause: '所附文件不能证明任何密钥有错：格式不对、签名无效，或两份签名并不矛盾（详情中有核验代码）。',
        remedy: '请用 gongzheng fault verify 核验文件。迟延与沉默都不是矛盾。',
      },
      en: {
        title: 'Not proven',
        cause:
          'The file convicts no key: it is malformed, a signature is not good, or the signatures do not contradict each other. The detail has the code.',
        remedy: 'Check the file with gongzheng fault verify. Lateness and silence are no contradictions.',
      },
    },
    'fault.other-ledger': {
      zh: {
        title: '属于其他账本',
        cause: '文件中的签名是为另一个账本签署的。',
        remedy: '请提交到签名所属的账本。',
      },
      en: {
        title: 'Of another ledger',
        cause: 'What was signed twice was signed for another ledger.',
        remedy: 'Report it there.',
      },
    },
    'fault.unknown-key': {
      zh: {
        title: '本账本没有这把密钥',
        cause: '被证明有错的密钥，既不是任何一届成员节点的封装或共签密钥，也未登记到任何主体。',
        remedy: '请核对账本；与本账本无关的密钥无需报告。',
      },
      en: {
        title: 'No key of this ledger',
        cause:
          'The key is neither the seal or cosign key of a node of any epoch, nor registered to anybody: there is nothing to freeze.',
        remedy: 'Check that it is this ledger; a key that has no place here is not reported.',
      },
    },
    'fault.already-reported': {
      zh: {
        title: '该密钥已被报告',
        cause: '账本上已有该密钥的矛盾签名，密钥已停用（详情中有索引）。',
        remedy: '无需再次提交；其他证据请自行保存。',
      },
      en: {
        title: 'Reported already',
        cause: 'A fault proof of this key is on the ledger, and the key is frozen; the detail has the index.',
        remedy: 'Nothing to do; keep further evidence yourself.',
      },
    },
  },

  check(payload, context) {
    const { state, ledger, genesis } = context
    const kid = readReport(payload).proof?.kid
    // What costs nothing comes first: signatures are verified of keys that can be frozen and are not.
    if (kid !== undefined) {
      if (!isKnown(kid, context)) throw new Refusal('fault.unknown-key', kid)
      const frozen = frozenKey(state, kid)
      if (frozen !== undefined) throw new Refusal('fault.already-reported', `record ${frozen.index}`)
    }
    const fault = verdictOn(payload)
    if (fault instanceof VerificationError) throw new Refusal('fault.not-proven', `${fault.code}: ${fault.message}`)
    const isHere = fault.kind === 'two-heads' ? fault.origin === genesis.origin : fault.ledger === ledger
    if (!isHere) throw new Refusal('fault.other-ledger', fault.ledger || fault.origin)
  },

  apply(payload, { state, epoch, height, index }) {
    const { kid, kind } = verdictOn(payload) as Fault
    frozenKeys.write(state, [kid], { kind, member: memberOfNodeKey(epoch, kid)?.id ?? '', height, index })
  },

  subjects: (payload) => {
    const kid = readReport(payload).proof?.kid
    return { parties: [], subjects: kid === undefined ? [] : [`key/${kid}`] }
  },
}

function isKnown(kid: string, { state, epoch }: RuleContext): boolean {
  return memberOfNodeKey(epoch, kid) !== undefined || readKey(state, kid) !== undefined
}

/**
 * A key that was proven guilty in an earlier block signs nothing any more, nor does what it lent.
 * @throws {Refusal} key.frozen
 */
export function refuseFrozen(kids: readonly string[], { state, height }: Pick<RuleContext, 'state' | 'height'>): void {
  for (const kid of kids) {
    const frozen = kid === '' ? undefined : frozenKey(state, kid)
    if (frozen === undefined || frozen.height >= height) continue
    throw new Refusal('key.frozen', `proven guilty by record ${frozen.index}: ${frozen.kind}`)
  }
}

export const faultReports: Family = {
  name: 'fault',
  title: { zh: '矛盾签名', en: 'Faults' },
  purpose: {
    zh: '诚实的节点绝不会签出互相矛盾的内容，因此矛盾签名本身就是证明。任何已登记的密钥都可以提交，全体成员按同一规则核验后入账：被证明有错的密钥自下一区块起停用，其签署的报文与批次不再接收。报告只指明密钥及其成员，不作处罚；谁计入法定多数，只由更换成员的程序改变。迟延与沉默不能据此报告任何人。',
    en: 'An honest node never signs what contradicts itself, so two such signatures prove by themselves. Whoever is registered may submit them; every member verifies the proof by the same rules before it is in. From the next block on, no statement and no batch by that key is taken. A report names the key, and through the ledger the member; it does not punish. Who counts in a quorum is changed by a change of members only. Lateness and silence convict nobody.',
  },
  types: [report],
  refusals: {
    'key.frozen': {
      zh: {
        title: '密钥已停用',
        cause: '账本上已有该密钥（或其授权密钥）的矛盾签名，自报告之后的区块起不再接收其签署的报文。',
        remedy: '请使用其他密钥；如认为有误，请用 gongzheng fault verify 核验所指记录中的文件。',
      },
      en: {
        title: 'Key frozen',
        cause:
          'A fault proof of this key, or of the key that delegated to it, is on the ledger; nothing it signs is taken from the block after that on.',
        remedy: 'Use another key. The proof stands in the record named; gongzheng fault verify checks it.',
      },
    },
  },
}
