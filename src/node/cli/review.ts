/** A genesis in plain words: who the members are, which keys, which rules, and the fingerprint to compare by telephone. */

import { boxCadenceOf, type Genesis, type GenesisParameters, legalDayOf } from '../../chain/genesis.ts'
import { timeMax } from '../../chain/time.ts'
import { type Bilingual, both, type Language } from './language.ts'
import { columns } from './terminal.ts'

/** `signed`: ids of the members whose signature is there. */
export function reviewText(genesis: Genesis, signed: ReadonlySet<string>, language: Language): string {
  const t = ({ zh, en }: Bilingual): string => (language === 'zh' ? zh : en)
  const { members, quorum, faults } = genesis
  const head = columns([
    [t(both('账本', 'Ledger')), genesis.name],
    [t(both('指纹', 'Fingerprint')), genesis.fingerprint],
    [t(both('账本标识', 'Ledger id')), genesis.ledger],
    [t(both('来源', 'Origin')), genesis.origin],
    [t(both('创立时间', 'Founded')), beijingTime(genesis.foundedAt)],
    [
      t(both('成员', 'Members')),
      t(
        both(
          `${members.length} 个；共证须 ${quorum} 个共签；可容忍 ${faults} 个作恶，可缺席 ${members.length - quorum} 个`,
          `${members.length}; ${quorum} cosign; up to ${faults} may lie, ${members.length - quorum} may be absent`,
        ),
      ),
    ],
  ])
  const list = members.map((member) => {
    const { node } = member
    const signature = signed.has(member.id) ? t(both('已签名', 'signed')) : t(both('尚未签名', 'not signed yet'))
    const addresses =
      member.addresses.length === 0 ? t(both('（只向外连接）', '(dials out only)')) : member.addresses.join(' ')
    return [
      `${member.name} (${member.id}) — ${signature}`,
      columns(
        [
          [t(both('主体', 'Party')), member.party],
          [t(both('地区', 'Region')), member.region],
          [t(both('地址', 'Addresses')), addresses],
          [t(both('节点', 'Node')), node.id],
          [t(both('中心密钥', 'Centre key')), member.centreKey],
          [t(both('治理密钥', 'Governance key')), member.governanceKey],
          [t(both('封装密钥', 'Seal key')), node.seal],
          [t(both('共签密钥', 'Cosign key')), node.cosign],
          [t(both('日志密钥', 'Log key')), node.log],
          [t(both('网络密钥', 'Network key')), node.network],
        ],
        '  ',
      ),
    ].join('\n')
  })
  const { parameters: stated } = genesis
  const parametersInForce = { ...stated, legalDayMs: legalDayOf(stated), ...boxCadenceOf(stated) }
  const parameters = columns(
    parameterNames.map(([name, words]) => [t(words), `${parametersInForce[name]}${name.endsWith('Ms') ? ' ms' : ''}`]),
    '  ',
  )
  return [
    head,
    ...list,
    `${t(both('参数', 'Parameters'))}\n${parameters}`,
    `${t(both('记录类型', 'Record types'))}  ${genesis.catalogue.join(' ')}`,
  ].join('\n\n')
}

/** RFC 3339 in Beijing time, as every page and answer shows times; seconds where it is none, as a stranger's note may say. */
export function beijingTime(time: number): string {
  if (time > timeMax) return `${time / 1000} s`
  return `${new Date(time + 8 * 3_600_000).toISOString().slice(0, -1)}+08:00`
}

const parameterNames: readonly (readonly [keyof GenesisParameters, Bilingual])[] = [
  ['clockAheadMs', both('时钟超前界限', 'Clock ahead')],
  ['clockLatenessMs', both('时钟落后界限', 'Clock lateness')],
  ['commitTimeoutMs', both('提交时限', 'Commit time-out')],
  ['unattestedBlocksMax', both('未共证区块上限', 'Unattested blocks')],
  ['readyDistanceBlocksMax', both('就绪距离上限', 'Ready distance')],
  ['stalledTimeoutsMax', both('停滞时限数', 'Stalled time-outs')],
  ['receivedWindowMs', both('接收时间窗', 'Received window')],
  ['electionTimeoutMs', both('选举时限', 'Election time-out')],
  ['legalDayMs', both('法定一日', 'A day of legal periods')],
  ['boxRoundMs', both('静默标箱一轮', 'Round of the quiet box')],
  ['boxFastRoundMs', both('截止前后一轮', 'Round close to a deadline')],
]
