/**
 * The table of `docs/trust.md`: what Wuhan does, what comes of it, who is named. The words are said before an audience; what must have come of an
 * act stands beside them as facts, and each fact is computed from what the ledger, the audit and `fault verify` answered.
 */

import { writeFileSync } from 'node:fs'
import { sha256 } from '#crypto'
import { utf8 } from '../../../src/chain/bytes.ts'
import { cheat, company, signerFrom, type Theatre } from './theatre.ts'

/** Facts by name; compared as they stand. */
export type Outcome = Readonly<Record<string, string | boolean | readonly string[]>>

export interface ActWords {
  readonly act: string
  readonly does: string
  readonly happens: string
  readonly named: string
}

export interface Act {
  readonly id: string
  readonly zh: ActWords
  readonly en: ActWords
  readonly expected: Outcome
  play(theatre: Theatre, props: Props): Promise<Outcome>
}

/** What was on the ledger before the curtain: the ledger as exported early and late, and the company's first record. */
export interface Props {
  readonly early: string
  readonly late: string
  readonly companyIndex: number
}

export const acts: readonly Act[] = [
  {
    id: 'rewrite',
    zh: {
      act: '改写',
      does: '改动自己服务器上的一条记录',
      happens: '审计逐条重算，指出是哪台服务器、哪一条；其他成员处的原记录照常可证',
      named: '武汉的服务器；服务器内容不是签名，不据此认定成员',
    },
    en: {
      act: 'Rewrite',
      does: 'changes a record on its own server',
      happens:
        'the audit computes every entry again and says which server, which entry; at the others the record is proved as before',
      named: 'Wuhan’s server; what a server shows is no signature, so no member',
    },
    expected: {
      audit: 'contradiction',
      findings: ['audit.entry-differs wuhan'],
      named: [],
      convicted: [],
      recordsStand: true,
    },
    async play(theatre, { late, companyIndex }) {
      const shown = theatre.forger.rewritten(late, theatre.file('rewritten'), companyIndex)
      return { ...(await theatre.judge(shown)), recordsStand: await theatre.allStands() }
    },
  },
  {
    id: 'delete',
    zh: {
      act: '删除',
      does: '退回旧账，最近的记录不见了',
      happens: '审计记得它上次出示过什么，指出账本变短；其他成员处的记录照常可证',
      named: '武汉的服务器；变短也可能是故障，不据此认定成员',
    },
    en: {
      act: 'Delete',
      does: 'goes back to an older ledger, without the newest records',
      happens:
        'the audit remembers what it showed before and says that the ledger became shorter; at the others the records are proved as before',
      named: 'Wuhan’s server; a crash can do the same, so no member',
    },
    expected: {
      before: 'good',
      audit: 'contradiction',
      findings: ['audit.rolled-back wuhan'],
      named: [],
      convicted: [],
      recordsStand: true,
    },
    async play(theatre, { early, late }) {
      const state = theatre.file('monitor')
      const before = await theatre.judge(late, state)
      const judged = await theatre.judge(early, state)
      return { before: before.audit, ...judged, recordsStand: await theatre.allStands() }
    },
  },
  {
    id: 'impersonate',
    zh: {
      act: '冒名',
      does: '用自己的密钥替一家企业说话；又单方为该企业登记一把假密钥',
      happens: '密钥不是该企业的，账本拒绝；假密钥只是武汉一家之言（单方登记），出了武汉便被拒绝',
      named: '登记记录上写明只有武汉担保这把密钥',
    },
    en: {
      act: 'Speak for another',
      does: 'signs for a company with its own key; then registers a false key for the company on its own word',
      happens:
        'the key is not the company’s, and the ledger refuses; the false key has one member’s word and is refused outside Wuhan',
      named: 'the registration says that Wuhan alone vouches for that key',
    },
    expected: {
      withItsOwnKey: ['key.wrong-party', 'key.wrong-party'],
      withAFalseKey: 'key.out-of-scope',
      falseKeyStands: ['unilateral', 'wuhan'],
      companyKeyStands: 'agreed',
      recordsStand: true,
    },
    async play(theatre) {
      const { centre } = theatre.node(cheat).home
      const own = theatre.document('in another’s name', company.party, signerFrom(centre.seed))
      const withItsOwnKey = [await theatre.refusalOf(cheat, own), await theatre.refusalOf('guangzhou', own)]
      const falseKey = signerFrom(sha256(utf8('a key that Wuhan made')))
      await theatre.register(cheat, falseKey)
      const withAFalseKey = await theatre.refusalOf('guangzhou', theatre.document('false', company.party, falseKey))
      const { keys } = await theatre.client('beijing').party(company.party)
      const [first, last] = [keys[0]!, keys.at(-1)!]
      return {
        withItsOwnKey,
        withAFalseKey,
        falseKeyStands: [last.standing, ...last.scope],
        companyKeyStands: first.standing,
        recordsStand: await theatre.allStands(),
      }
    },
  },
  {
    id: 'two-roots',
    zh: {
      act: '签两个树根',
      does: '改写记录，重算整棵树，再以自己的密钥为假树签名、共签',
      happens: '共签不足法定数，假树无人承认；两份互相矛盾的签名合成一份矛盾签名，单独一个文件即可核验',
      named: '武汉，凭它自己的签名（矛盾签名：two-heads）',
    },
    en: {
      act: 'Sign two roots',
      does: 'rewrites a record, computes the whole tree anew, and signs and cosigns the false tree with its own keys',
      happens:
        'a quorum is missing, so nobody accepts the false tree; the two signatures that contradict each other make a fault proof, one file that anybody can check',
      named: 'Wuhan, by its own signatures (fault proof: two-heads)',
    },
    expected: {
      audit: 'contradiction',
      findings: ['audit.checkpoint-bad wuhan'],
      named: ['wuhan two-heads'],
      convicted: ['wuhan two-heads'],
      recordsStand: true,
    },
    async play(theatre, { late, companyIndex }) {
      const shown = theatre.forger.rewrittenAndSigned(late, theatre.file('two-roots'), companyIndex)
      return { ...(await theatre.judge(shown)), recordsStand: await theatre.allStands() }
    },
  },
  {
    id: 'two-blocks',
    zh: {
      act: '封两个区块',
      does: '牵头时在同一高度另封一个区块给人看',
      happens: '假区块得不到法定数的确认，审计不采纳；同一把密钥的两个封装签名合成矛盾签名',
      named: '武汉，凭它自己的签名（矛盾签名：two-seals）',
    },
    en: {
      act: 'Seal two blocks',
      does: 'as leader seals another block at the same height, and shows it',
      happens:
        'no quorum certified the false block, so the audit does not take it; two seals of one key make a fault proof',
      named: 'Wuhan, by its own signatures (fault proof: two-seals)',
    },
    expected: {
      audit: 'contradiction',
      findings: ['audit.block-differs wuhan'],
      named: ['wuhan two-seals'],
      convicted: ['wuhan two-seals'],
      recordsStand: true,
    },
    async play(theatre, { late }) {
      const shown = theatre.forger.twoBlocks(late, theatre.file('two-blocks'))
      if (shown === undefined) throw new Error('Wuhan sealed no block with records')
      return { ...(await theatre.judge(shown)), recordsStand: await theatre.allStands() }
    },
  },
  {
    id: 'back-date',
    zh: {
      act: '倒签',
      does: '把共签时间写成一天以前',
      happens: '共签早于它所共签的区块，审计指出；区块时间由法定数成员签认，没有改变',
      named: '武汉，须解释其时钟；时钟会错，所以不构成矛盾签名',
    },
    en: {
      act: 'Back-date',
      does: 'dates its cosignature a day back',
      happens:
        'a cosignature older than the block it is over is found; the block’s time stands under a quorum’s signatures and is what it was',
      named: 'Wuhan, to be asked about its clock; clocks can be wrong, so this is no fault proof',
    },
    expected: {
      audit: 'contradiction',
      findings: ['audit.back-dated wuhan'],
      named: ['wuhan'],
      convicted: [],
      recordsStand: true,
    },
    async play(theatre, { late }) {
      const shown = theatre.forger.backDated(late, theatre.file('back-dated'), 86_400)
      return { ...(await theatre.judge(shown)), recordsStand: await theatre.allStands() }
    },
  },
  {
    id: 'sit',
    zh: {
      act: '牵头时扣押',
      does: '当选牵头节点后，别人送来的报文一概不收入区块',
      happens: '报文传给全体成员，武汉被换下，新的牵头节点将其入账；持回执者一条命令即得证明',
      named: '无人；迟延不是矛盾，不据此认定任何成员',
    },
    en: {
      act: 'Sit on a batch',
      does: 'once it leads, takes no statement of the others into a block',
      happens:
        'the statement goes to all members, Wuhan is replaced, and the next leader takes it in; whoever holds the receipt gets the proof with one command',
      named: 'nobody; lateness is no contradiction',
    },
    expected: {
      ledAtFirst: 'wuhan',
      wuhanLeadsStill: false,
      receiptThen: 'recorded',
      audit: 'good',
      findings: [],
      named: [],
      convicted: [],
      recordsStand: true,
    },
    async play(theatre) {
      await theatre.node(cheat).kill('SIGKILL')
      theatre.start(cheat, 'sits')
      await theatre.ready()
      await theatre.letWuhanLead()
      const file = theatre.file('receipt.json')
      const statement = theatre.file('statement.jws')
      writeFileSync(statement, theatre.ofCentre('beijing', 'sat on'))
      const ledAtFirst = String((await theatre.status('hangzhou')).leader)
      await theatre.run('submit', statement, '--url', theatre.url('beijing'), '--receipt', file)
      const status = async (): Promise<string> => {
        const { json } = await theatre.run(
          'receipt',
          'status',
          file,
          '--url',
          theatre.url('hangzhou'),
          '--url',
          theatre.url('beijing'),
        )
        return String(json.state)
      }
      let receiptThen = await status()
      await theatre.until(async () => {
        receiptThen = await status()
        return receiptThen !== 'waiting'
      }, 'an answer to the receipt')
      const { leader } = await theatre.status('hangzhou')
      return {
        ledAtFirst,
        wuhanLeadsStill: leader === cheat,
        receiptThen,
        ...(await theatre.judge(undefined)),
        recordsStand: await theatre.allStands(),
      }
    },
  },
  {
    id: 'stop',
    zh: {
      act: '全部停机',
      does: '关掉自己的节点，什么也不做',
      happens: '其余三个成员照常共证新记录；武汉回来后补齐',
      named: '无人；停机与沉默不是矛盾',
    },
    en: {
      act: 'Stop everything',
      does: 'switches its node off and does nothing',
      happens: 'the other three go on attesting; when Wuhan returns it catches up',
      named: 'nobody; an outage or silence is no contradiction',
    },
    expected: {
      attestedWithoutIt: true,
      audit: 'good',
      findings: [],
      named: [],
      convicted: [],
      caughtUp: true,
      recordsStand: true,
    },
    async play(theatre) {
      await theatre.node(cheat).kill('SIGKILL')
      const index = await theatre.submit('hangzhou', theatre.ofCentre('hangzhou', 'without Wuhan'))
      const judged = await theatre.judge(undefined)
      theatre.start(cheat)
      await theatre.ready()
      await theatre.until(async () => {
        const size = await theatre.status(cheat).then(
          ({ attestedSize }) => Number(attestedSize),
          () => 0,
        )
        return size > index
      }, 'Wuhan has caught up')
      const { record } = (await theatre.client(cheat).record(theatre.recorded.at(-1)!)) as {
        record?: { index: string }
      }
      return {
        attestedWithoutIt: index > 0,
        ...judged,
        caughtUp: Number(record?.index) === index,
        recordsStand: await theatre.allStands(),
      }
    },
  },
]

/** Rows as they stand in docs/trust.md and docs/trust.zh.md. */
export const trustRows = (language: 'zh' | 'en'): readonly string[] =>
  acts.map((each) => {
    const { act, does, happens, named } = each[language]
    return `| ${act} | ${does} | ${happens} | ${named} |`
  })
