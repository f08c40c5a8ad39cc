/**
 * The verifier page (验证.html) in the browser: takes files, has them judged, and shows green or red, claim by claim. Everything shown is set as
 * text, never as markup. It asks nothing of any network; its content security policy would not let it.
 */

import type { Claim, Words } from '../chain/bundle.ts'
import type { BundleFacts } from '../chain/bundle-facts.ts'
import { fieldWords, leavesOf } from '../chain/bundle-page.ts'
import { beijingTime, beijingTimeOfSeconds } from '../chain/time.ts'
import { visible } from '../chain/visible.ts'
import { type GivenFile, type Judgement, judge, kindOf, type MaterialKind } from './material.ts'

type Language = keyof Words
let language: Language = 'zh'
let files: readonly GivenFile[] = []

const byId = <Type extends HTMLElement>(id: string): Type => document.getElementById(id) as Type
const t = (words: Words): string => words[language]

const texts: Readonly<Record<string, Words>> = {
  title: { zh: '离线验证', en: 'Verify off-line' },
  lead: {
    zh: '本页不连接网络，文件不会离开这台电脑。',
    en: 'This page uses no network; files stay on this computer.',
  },
  drop: { zh: '把文件拖到这里，或点击选择', en: 'Drop files here, or click to choose' },
  kinds: {
    zh: '取证包（.zip） · 矛盾签名文件 · 投标回执＋自存文件＋创世文件 · 或者：证明文件（.tlog-proof）＋条目＋信任清单（或创世文件）',
    en: 'A court bundle (.zip) · a fault proof · the receipt of a bid, its own file, the genesis · or: a proof (.tlog-proof), its entry, and a policy or genesis',
  },
  fingerprintTitle: { zh: '账本指纹', en: 'Fingerprint of the ledger' },
  fingerprintLead: {
    zh: '请与章程所印的指纹核对。指纹不同，就是另一个账本，以下各项与您的案件无关。',
    en: 'Compare it with the one that the charter prints. With another fingerprint it is another ledger, and nothing here concerns your case.',
  },
  fingerprintInput: {
    zh: '章程所印的指纹（可填入，由本页比对）',
    en: 'The fingerprint in the charter (to be compared here)',
  },
  again: { zh: '清空，重新开始', en: 'Clear' },
  claims: { zh: '逐项结果', en: 'Claim by claim' },
  record: { zh: '记录内容', en: 'The record' },
  given: { zh: '已放入的文件', en: 'Files given' },
  foot: {
    zh: '本页应取自您信任的来源（例如任一成员公布的一份）。绿色表示密码学上成立；报文所述是否属实，须另行判断。',
    en: 'Take this page from a source that you trust. Green means that it holds cryptographically; whether what was said is true is another question.',
  },
  other: { zh: 'English', en: '中文' },
}

const kindWords: Readonly<Record<MaterialKind, Words>> = {
  bundle: { zh: '取证包', en: 'court bundle' },
  proof: { zh: '证明文件', en: 'proof' },
  policy: { zh: '验证信任清单', en: 'policy' },
  fault: { zh: '矛盾签名', en: 'fault proof' },
  genesis: { zh: '创世文件', en: 'genesis' },
  receipt: { zh: '投标回执', en: 'receipt of a bid' },
  bid: { zh: '投标人自存文件', en: 'bidder’s own file' },
  box: { zh: '标箱位置或叶表', en: 'place in a box, or its list' },
  entry: { zh: '条目', en: 'entry' },
  epoch: { zh: '届次证明', en: 'proof of an epoch' },
}

const stateWords: Readonly<Record<Claim['state'], Words>> = {
  good: { zh: '成立', en: 'holds' },
  bad: { zh: '不成立', en: 'does not hold' },
  note: { zh: '请留意', en: 'take note' },
  open: { zh: '未能核验', en: 'not checked' },
}
const marks: Readonly<Record<Claim['state'], string>> = { good: '✓', bad: '✗', note: '!', open: '?' }

function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = visible(text)
  return made
}

function show(): void {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  for (const [id, words] of Object.entries(texts)) byId(`text-${id}`).textContent = t(words)
  const result = byId('result')
  result.hidden = files.length === 0
  if (files.length === 0) return
  const judgement = judgementOf()
  const verdict = byId('verdict')
  verdict.className = `verdict ${judgement.verdict}`
  verdict.textContent = visible(t(judgement.title))
  // What was typed stays in sight for as long as it counts.
  const typed = byId<HTMLInputElement>('expected').value.trim()
  byId('fingerprint-box').hidden = judgement.fingerprint === '' && typed === ''
  byId('fingerprint').textContent = judgement.fingerprint
  byId('claims-box').hidden = judgement.claims.length === 0
  byId('claims').replaceChildren(...judgement.claims.map(claimElement))
  const facts = judgement.report?.facts
  byId('record-box').hidden = facts === undefined
  byId('record').replaceChildren(...(facts === undefined ? [] : rowsOf(facts).map(rowElement)))
  byId('files').replaceChildren(
    ...files.map((file) => element('li', '', `${file.name}（${t(kindWords[kindOf(file)])}）`)),
  )
}

function judgementOf(): Judgement {
  try {
    return judge(files, byId<HTMLInputElement>('expected').value.trim())
  } catch (error) {
    // A fault of ours is no proof of anything, and must not look like one.
    const detail = error instanceof Error ? error.message : String(error)
    const title = { zh: '程序出错，未能核验', en: 'The program failed; nothing was checked' }
    return {
      verdict: 'bad',
      title,
      claims: [{ state: 'open', title, detail: { zh: detail, en: detail } }],
      fingerprint: '',
    }
  }
}

function claimElement({ state, title, detail }: Judgement['claims'][number]): HTMLElement {
  const item = element('li', `claim ${state}`)
  const mark = element('span', 'mark', marks[state])
  mark.setAttribute('aria-hidden', 'true')
  const words = element('div', 'words')
  const head = element('p', 'head', t(title))
  head.append(element('span', 'state', t(stateWords[state])))
  words.append(head, element('p', 'detail', t(detail)))
  item.append(mark, words)
  return item
}

function rowsOf({
  payload,
  type,
  refusalCode,
  index,
  statementId,
  block,
  cosigners,
  original,
}: BundleFacts): readonly [string, string][] {
  return [
    [t({ zh: '序号', en: 'Index' }), String(index)],
    [t({ zh: '类型', en: 'Type' }), type || `${t({ zh: '拒绝记录', en: 'refusal' })} ${refusalCode}`],
    [t({ zh: '报文标识', en: 'Statement id' }), statementId],
    [t({ zh: '入账不早于（区块时间）', en: 'In not before (block time)' }), beijingTime(block.time)],
    [
      t({ zh: '入账不晚于（成员共签）', en: 'In not after (cosignatures)' }),
      beijingTimeOfSeconds(Math.max(...cosigners.map(({ timeSeconds }) => timeSeconds))),
    ],
    ...(original === undefined
      ? []
      : [
          [t({ zh: '原始文件', en: 'Original file' }), `${original.name}  SHA-256 ${original.sha256}`] as [
            string,
            string,
          ],
        ]),
    ...(payload === undefined
      ? []
      : leavesOf(payload).map(({ path, value }): [string, string] => [nameOf(path), value])),
  ]
}

const nameOf = (path: readonly string[]): string => (language === 'zh' ? fieldWords(path) : path.join(' · '))

function rowElement([name, value]: readonly [string, string]): HTMLElement {
  const row = element('tr', '')
  row.append(element('th', '', name), element('td', '', value))
  return row
}

async function take(list: FileList | null | undefined): Promise<void> {
  const added = await Promise.all(
    [...(list ?? [])].map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
  )
  if (added.length === 0) return
  // Beside the receipt of a bid all that is given counts together: it has several records.
  if (
    [...files, ...added].some((file) => kindOf(file) === 'receipt') &&
    added.every((file) => kindOf(file) !== 'bundle')
  ) {
    files = [...files.filter(({ name }) => added.every((file) => file.name !== name)), ...added]
    return show()
  }
  // A bundle is complete in itself; of everything else the newest of a kind counts.
  const isWhole = added.some((file) => kindOf(file) === 'bundle' || kindOf(file) === 'fault')
  const kinds = new Set(added.map(kindOf))
  const kept = files.filter(
    (file) =>
      !kinds.has(kindOf(file)) &&
      (!isWhole || (kindOf(file) === 'genesis' && !kinds.has('bundle'))) &&
      kindOf(file) !== 'bundle',
  )
  files = [...kept, ...added]
  show()
}

const zone = byId('zone')
const picker = byId<HTMLInputElement>('picker')
zone.addEventListener('click', () => picker.click())
picker.addEventListener(
  'change',
  () =>
    void take(picker.files).then(() => {
      picker.value = ''
    }),
)
for (const name of ['dragover', 'dragenter'] as const) {
  document.addEventListener(name, (event) => {
    event.preventDefault()
    zone.classList.add('over')
  })
}
document.addEventListener('dragleave', () => zone.classList.remove('over'))
document.addEventListener('drop', (event) => {
  event.preventDefault()
  zone.classList.remove('over')
  void take(event.dataTransfer?.files)
})
byId('expected').addEventListener('input', show)
byId('text-again').addEventListener('click', () => {
  files = []
  byId<HTMLInputElement>('expected').value = ''
  show()
})
byId('text-other').addEventListener('click', () => {
  language = language === 'zh' ? 'en' : 'zh'
  show()
})
show()
