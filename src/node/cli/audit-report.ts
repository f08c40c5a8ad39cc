/** The report of an audit in plain words: the verdict first, then what it rests on, who served what, and everything that was found. */

import { faultWords } from '../../chain/fault-words.ts'
import type { Genesis } from '../../chain/genesis.ts'
import type { AuditReport } from '../audit/audit.ts'
import type { Accused, Finding } from '../audit/source.ts'
import { type Bilingual, both } from './language.ts'
import { everyText } from './messages.ts'
import { beijingTime } from './review.ts'
import { columns, type Terminal } from './terminal.ts'

/** Why the ledger audited is the right one: its fingerprint or genesis was given, it was pinned by an earlier audit, a policy was given, or nothing was. */
export type Trust = 'given' | 'pinned' | 'policy' | 'first-use'

const verdictWords: Readonly<Record<AuditReport['verdict'], Bilingual>> = {
  good: both('审计结论：一切相符', 'Audit: everything agrees'),
  incomplete: both(
    '审计结论：未能完成；已查部分未发现矛盾',
    'Audit: could not finish; no contradiction in what was checked',
  ),
  contradiction: both('审计结论：发现矛盾', 'Audit: a contradiction was found'),
}

const trustWords: Readonly<Record<Trust, Bilingual>> = {
  given: both('审计者给出', 'given by the auditor'),
  pinned: both('首次审计时记下', 'pinned at the first audit'),
  policy: both('依审计者的信任清单', 'by the auditor’s policy'),
  'first-use': both(
    '无人给出，取自首个来源：请与章程所印指纹核对',
    'given by nobody, taken from the first source: compare it with the fingerprint in the charter',
  ),
}

export function reportText(
  report: AuditReport,
  { genesis, trust, proofs }: { readonly genesis: Genesis; readonly trust: Trust; readonly proofs: string },
  terminal: Terminal,
): string {
  const t = (zh: string, en: string): string => terminal.text(both(zh, en))
  const { verdict, size, root, height, time, counts, newBlocks, sources, findings } = report
  const lines = [
    terminal.text(verdictWords[verdict]),
    '',
    columns([
      [t('账本', 'Ledger'), genesis.name],
      [t('指纹', 'Fingerprint'), `${genesis.fingerprint}  (${terminal.text(trustWords[trust])})`],
      [t('条目数', 'Entries'), String(size)],
      [t('根哈希', 'Root'), root],
      [t('区块高度', 'Height'), `${height}  (${beijingTime(time)})`],
      [t('其中记录', 'Records'), String(counts.records)],
      [t('本次重放区块', 'Blocks replayed now'), String(newBlocks)],
    ]),
    '',
    ...sources.map(({ name, size: shown, isPrimary, agrees, cosigned }) => {
      const state =
        shown === undefined ? '—' : agrees ? t('相符', 'agrees') : t('不符或未查完', 'does not agree, or not finished')
      const role = isPrimary ? t('，区块与条目取自此处', ', blocks and entries were read here') : ''
      const signers = cosigned.map(
        ({ member, timeSeconds }) => `${member} ${beijingTime(timeSeconds * 1000).replace('.000', '')}`,
      )
      return [
        `${name}  ${state}${role}`,
        `  ${t('快照条目数', 'checkpoint size')} ${shown ?? '—'}; ${t('共签', 'cosigned by')} ${signers.join(', ') || '—'}`,
      ].join('\n')
    }),
    ...findings.flatMap((finding) => ['', findingText(finding, proofs, terminal)]),
  ]
  return lines.join('\n')
}

function findingText(finding: Finding, proofs: string, terminal: Terminal): string {
  const t = (zh: string, en: string): string => terminal.text(both(zh, en))
  const { code, source, file, index, height, detail, accused = [] } = finding
  const { title, cause } = everyText()[code]![terminal.language]
  const place = [
    ...(index === undefined ? [] : [t(`条目 ${index}`, `entry ${index}`)]),
    ...(height === undefined ? [] : [t(`高度 ${height}`, `height ${height}`)]),
  ]
  return [
    `! ${title} (${code})`,
    `  ${t('何处', 'Where')}: ${[source, file, ...place].filter((each) => each !== '').join('  ')}`,
    `  ${t('说明', 'Meaning')}: ${cause}`,
    // It may quote what a stranger sent, and a terminal obeys control characters.
    `  ${t('详情', 'Detail')}: ${detail.replaceAll(/\p{Cc}/gu, '\ufffd')}`,
    ...accused.map((each) => `  ${accusedText(each, proofs, terminal)}`),
  ].join('\n')
}

function accusedText({ member, name, kid, kind, proof }: Accused, proofs: string, terminal: Terminal): string {
  const what = kind === undefined ? both('自己的签名时间不可能', 'signed a time that cannot be') : faultWords[kind]
  const file = proof === undefined ? '' : ` → ${proofs}/${proof}`
  return `${terminal.text(both('责任成员', 'By its own signature'))}: ${name} (${member}): ${terminal.text(what)}; ${kid}${file}`
}
