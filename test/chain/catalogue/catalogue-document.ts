/**
 * docs/catalogue.md and docs/catalogue.zh.md, written from the declarations: every family with the law it serves, every lifecycle with its
 * states and moves, every type with who may sign it, its fields, refusals and findings.
 */
import { type Profile, profiles } from '../../../src/chain/catalogue/profile.ts'
import type { Family, LifecycleTable, StatementType } from '../../../src/chain/catalogue/statement-type.ts'
import { decimalOf } from '../../../src/chain/catalogue/table.ts'
import type { JsonObject, JsonValue } from '../../../src/chain/json.ts'
import type { RefusalTexts } from '../../../src/chain/refusal.ts'

export type Language = 'zh' | 'en'

const words = {
  zh: {
    title: '# 记录类型目录',
    note: '本文由 `npx vitest run test/chain/catalogue/catalogue-document.test.ts -u` 依据代码生成，请勿手工修改。English: [catalogue.md](catalogue.md)。',
    intro:
      '账本上的每一条记录属于下列类型之一。所有成员在区块进入账本之前，按同样的规则逐条复核。**破坏完整性的一律拒绝**（身份、保密、截止、重复使用、金额）；**违反法律或惯例的收入并附预警**，使监管者看得见。各类型共有的字段（ledger、type、party、key）与共有的拒绝代码见 [errors.md](errors.md)。',
    periods:
      '法定期限以“日”计，一日的毫秒数由创世参数 legalDayMs 决定（缺省 86,400,000）；演示账本可以更短，并写明在创世条目中。账本时间从不伪造。',
    contents: '目录',
    life: '状态与流转',
    step: '步骤',
    from: '之前',
    to: '之后',
    by: '依据',
    record: '记录',
    clock: '到时',
    nothing: '（无）',
    law: '依据',
    signs: '签署者角色',
    any: '任何已登记的密钥',
    field: '字段',
    meaning: '含义',
    form: '写法',
    required: '必填',
    yes: '是',
    no: '',
    refusals: '拒绝',
    findings: '预警',
    code: '代码',
    cause: '原因',
    remedy: '办法',
    look: '监管要点',
    shared: '本族共有',
    profiles: '交易方式与法定期限',
    profile: '方式',
    periodNames: ['公告 ≥ 日', '变更 ≥ 日', '投标人 ≥', '公示 ≥ 日', '签约 ≤ 日', '退保证金 ≤ 日', '保证金 ≤ 估算'],
  },
  en: {
    title: '# Catalogue of record types',
    note: 'Written from the code by `npx vitest run test/chain/catalogue/catalogue-document.test.ts -u`; do not edit. 中文：[catalogue.zh.md](catalogue.zh.md).',
    intro:
      'Every record on the ledger is of one of these types. Before a block is in, every member checks each record by the same rules. **What breaks integrity is refused** (identity, secrecy, deadlines, double use, money); **what breaks law or norm goes in with a finding**, so that the supervisor can see it. The fields that all types share (ledger, type, party, key) and the refusals that all share stand in [errors.md](errors.md).',
    periods:
      'Periods that law fixes are in days; how many milliseconds a day has is the genesis parameter legalDayMs (86,400,000 unless it says otherwise). A demonstration’s ledger may have shorter ones and shows it in its genesis. Ledger time is never faked.',
    contents: 'Contents',
    life: 'States and moves',
    step: 'Step',
    from: 'From',
    to: 'To',
    by: 'By',
    record: 'record',
    clock: 'clock',
    nothing: '(nothing)',
    law: 'Serves',
    signs: 'Signed by a key with the role',
    any: 'any registered key',
    field: 'Field',
    meaning: 'Meaning',
    form: 'Form',
    required: 'Required',
    yes: 'yes',
    no: '',
    refusals: 'Refusals',
    findings: 'Findings',
    code: 'Code',
    cause: 'Cause',
    remedy: 'Remedy',
    look: 'What to look at',
    shared: 'Shared by the family',
    profiles: 'Profiles and the periods that law fixes',
    profile: 'Profile',
    periodNames: [
      'Notice ≥ days',
      'Change ≥ days',
      'Bidders ≥',
      'Publicity ≥ days',
      'Contract ≤ days',
      'Bond back ≤ days',
      'Bond ≤ of estimate',
    ],
  },
} as const

export function catalogueDocument(families: readonly Family[], language: Language): string {
  const w = words[language]
  const contents = families.map(({ name, title }) => `- [${title[language]}](#${name})`)
  return [
    w.title,
    w.note,
    w.intro,
    w.periods,
    `## ${w.contents}`,
    contents.join('\n'),
    ...families.flatMap((family) => familySection(family, language)),
    ...profileSection(language),
  ]
    .join('\n\n')
    .concat('\n')
}

function profileSection(language: Language): string[] {
  const w = words[language]
  const columns = [w.profile, w.law, ...w.periodNames]
  const rows = Object.entries(profiles).map(([name, profile]: [string, Profile]) => [
    `\`${name}\` ${profile.title[language]}`,
    profile.law[language],
    String(profile.noticeDaysMin),
    String(profile.amendmentDaysMin),
    String(profile.biddersMin),
    String(profile.publicityDaysMin),
    String(profile.contractDaysMax),
    String(profile.bondReturnDaysMax ?? '—'),
    profile.bondRateMax === null ? '—' : decimalOf(profile.bondRateMax),
  ])
  return [`## ${w.profiles}`, table(columns, rows)]
}

function familySection(family: Family, language: Language): string[] {
  const w = words[language]
  return [
    `<a id="${family.name}"></a>\n\n## ${family.title[language]}`,
    family.purpose[language],
    ...(family.lifecycles ?? []).flatMap((lifecycle) => lifecycleSection(lifecycle, family, language)),
    ...codes(`${w.refusals} · ${w.shared}`, family.refusals, language, w.remedy),
    ...codes(`${w.findings} · ${w.shared}`, family.findings, language, w.look),
    ...family.types.flatMap((type) => typeSection(type, language)),
  ]
}

function lifecycleSection(life: LifecycleTable, family: Family, language: Language): string[] {
  const w = words[language]
  const stateName = (state: string): string => (state === 'none' ? w.nothing : life.states[state]![language])
  const stepName = (on: string): string => family.types.find(({ name }) => name === on)?.title[language] ?? on
  const rows = [
    ...life.byRecord.map(({ on, from, to }) => [
      `\`${on}\` ${stepName(on)}`,
      from.map(stateName).join('、'),
      [to].flat().map(stateName).join(' / '),
    ]),
    ...life.byClock.map(({ from, at, to, title }) => [
      `⏱ ${title[language]} (\`${at}\`)`,
      from.map(stateName).join('、'),
      stateName(to),
    ]),
  ]
  const lines = [
    ...life.byRecord.flatMap(({ on, from, to }) =>
      from.flatMap((state) => [to].flat().map((target) => `  ${diagramState(state)} --> ${target}: ${on}`)),
    ),
    ...life.byClock.flatMap(({ from, at, to }) => from.map((state) => `  ${state} --> ${to}: ⏱ ${at}`)),
  ]
  const names = Object.entries(life.states).map(([state, name]) => `  ${state}: ${name[language]}`)
  return [
    `### ${w.life}: ${life.title[language]} \`${life.name}\``,
    ['```mermaid', 'stateDiagram-v2', ...names, ...lines, '```'].join('\n'),
    table([w.step, w.from, w.to], rows),
  ]
}

const diagramState = (state: string): string => (state === 'none' ? '[*]' : state)

function typeSection(type: StatementType, language: Language): string[] {
  const w = words[language]
  const roles = type.roles === 'any' ? w.any : type.roles.map((role) => `\`${role}\``).join(', ')
  return [
    `### \`${type.name}@${type.version}\` ${type.title[language]}`,
    `${w.law}: ${type.law[language]}`,
    `${w.signs}: ${roles}`,
    table([w.field, w.meaning, w.form, w.required], fieldRows(type.schema, '', language)),
    ...codes(w.refusals, type.refusals, language, w.remedy),
    ...codes(w.findings, type.findings, language, w.look),
  ]
}

function codes(heading: string, texts: RefusalTexts | undefined, language: Language, last: string): string[] {
  const entries = Object.entries(texts ?? {})
  if (entries.length === 0) return []
  const w = words[language]
  const rows = entries.map(([code, text]) => {
    const { title, cause, remedy } = text[language]
    return [`\`${code}\` ${title}`, cause, remedy]
  })
  return [`**${heading}**`, table([w.code, w.cause, last], rows)]
}

function fieldRows(
  schema: { readonly properties: JsonObject; readonly required: readonly string[] },
  prefix: string,
  language: Language,
): string[][] {
  return Object.entries(schema.properties).flatMap(([name, value]) => {
    const path = `${prefix}${name}`
    const shape = value as JsonObject
    const required = schema.required.includes(name) ? words[language].yes : words[language].no
    const [zh, en = zh] = String(shape.title ?? '').split(' / ')
    const row = [`\`${path}\``, language === 'zh' ? zh! : en!, formOf(shape, language), required]
    const inner = shape.type === 'array' ? (shape.items as JsonObject) : shape
    const marker = shape.type === 'array' ? '[]' : ''
    if (inner.type !== 'object') return [row]
    const nested = inner as unknown as { properties: JsonObject; required: readonly string[] }
    return [row, ...fieldRows(nested, `${path}${marker}.`, language)]
  })
}

/** A field's form in one line: its type, what it may be, its bounds. */
function formOf(shape: JsonObject, language: Language): string {
  const parts: string[] = [String(shape.type)]
  if (shape.type === 'array') {
    parts.push(`${shape.minItems ?? 0}–${shape.maxItems}`)
    const items = shape.items as JsonObject
    if (items.type !== 'object') parts.push(`[${formOf(items, language)}]`)
  }
  if (shape.enum !== undefined)
    parts.push((shape.enum as readonly JsonValue[]).map((value) => `\`${value}\``).join(' '))
  if (shape.const !== undefined) parts.push(`\`${shape.const}\``)
  if (shape['x-value'] !== undefined) parts.push(`${shape['x-value']}`)
  else if (shape.pattern !== undefined && String(shape.pattern).length <= 40) parts.push(`\`${shape.pattern}\``)
  if (shape.maxLength !== undefined) parts.push(`≤ ${shape.maxLength}`)
  if (shape.minimum !== undefined || shape.maximum !== undefined) {
    parts.push(`${shape.minimum ?? ''}…${shape.maximum ?? ''}`)
  }
  if (typeof shape.description === 'string') {
    const [zh, en = zh] = shape.description.split(' / ')
    parts.push(language === 'zh' ? zh! : en!)
  }
  return parts.join('; ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
