/**
 * npm run new-type -- FAMILY FIRST [NEXT…]: writes a family of record types that works, to be made into what you need: a file with its
 * lifecycle, its types and its words, a test with the whole state table, and the line in families.ts. What only you can say stands there as
 * 请命名, 请写明依据, (name this), Say which …: catalogue-document.test.ts fails while any of it stays. See docs/adding-a-type.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = process.cwd()
const camel = (name: string): string => name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const capital = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1)
const [family, ...steps] = process.argv.slice(2)
/** Letters alone: family and step are the two halves of every code and type. */
const form = /^[a-z]+(-[a-z]+)*$/
if (family === undefined || steps.length === 0 || ![family, ...steps].every((name) => form.test(name))) {
  console.error('npm run new-type -- FAMILY FIRST [NEXT…]   e.g.  npm run new-type -- lease sign renew end')
  process.exit(2)
}
/** Words of the language, and names that the files import or declare: a constant of that name would shadow them. */
const taken = new Set(
  `await break case catch class const continue debugger default delete do else enum export extends false finally for function if
  implements import in instanceof interface let new null package private protected public return static super switch this throw true
  try typeof undefined var void while with yield Family Identity Lifecycle codeField partyField refuse refuseOthers regionField text time
  timeField timeOf wordsField calendarDayMs base describe expect formatTime identity it key knownTypeNames of other otherKey owner start
  syntheticParty testStateTable catalogueOf`.split(/\s+/),
)
const listFile = join(root, 'src/chain/catalogue/families.ts')
const list = readFileSync(listFile, 'utf8')
/** The family is exported under its own name. */
const constant = camel(family)
const life = `${constant}Life`
if (taken.has(constant) || new RegExp(`(?<![./-])\\b${constant}\\b(?![.-])`).test(list)) {
  console.error(`${constant}: not a name for a family here, or families.ts has one of that name; nothing was written`)
  process.exit(1)
}
const clash = steps.map(camel).find((name) => taken.has(name) || name === constant || name === life)
if (clash !== undefined || new Set(steps).size !== steps.length) {
  console.error(
    `${clash ?? 'a step named twice'}: not a name for a step here (try "reject" for "refuse", "begin" for "new"); nothing was written`,
  )
  process.exit(2)
}
const file = join(root, 'src/chain/catalogue', `${family}.ts`)
const testFile = join(root, 'test/chain/catalogue', `${family}.test.ts`)
for (const path of [file, testFile]) {
  if (existsSync(path)) {
    console.error(`${path} is there already; nothing was written`)
    process.exit(1)
  }
}

const [first, ...later] = steps as [string, ...string[]]
const done = (step: string): string => `after-${step}`

const laterStep = (step: string): string => `
const ${camel(step)} = ${life}.step<Identity>({
  name: '${family}.${step}',
  version: 1,
  title: { zh: '${family} ${step}（请命名）', en: '${capital(step)} (name this)' },
  law: { zh: '请写明依据。', en: 'Say which law or practice.' },
  schema: { properties: { owner: partyField('主体', 'Owner'), number: codeField('编号', 'Number') }, required: ['owner', 'number'] },
  roles: 'any',
  key: ({ owner, number }) => [owner, number],
  check: (_, { statement }, before) => refuseOthers(before!.row.owner, statement.party),
  next: () => ({}),
  subjects: ({ owner }) => ({ owner, parties: [owner] }),
})
`

const source = `/**
 * ${capital(family)}: Say which law or practice these records serve, what they promise, and what they leave to others.
 */
import { Lifecycle } from './lifecycle.ts'
import type { Family } from './statement-type.ts'
import { text, time } from './table.ts'
import { codeField, partyField, refuse, regionField, timeField, timeOf, wordsField } from './values.ts'

export const ${life} = new Lifecycle({
  name: '${family}',
  title: { zh: '${family}（请命名）', en: '${family} (name this)' },
  states: {
${steps.map((step) => `    '${done(step)}': { zh: '${step} 之后（请命名）', en: 'After ${step} (name this)' },`).join('\n')}
    lapsed: { zh: '到期', en: 'Lapsed' },
  },
  // The region of a finding on a later step, whose record names none, is looked for in a column of this name.
  columns: { owner: text, region: text, until: time },
  byRecord: [
    { on: '${family}.${first}', from: ['none'], to: '${done(first)}' },
${later.map((step, at) => `    { on: '${family}.${step}', from: ['${done(steps[at]!)}'], to: '${done(step)}' },`).join('\n')}
  ],
  byClock: [{ from: ['${done(first)}'], at: 'until', to: 'lapsed', title: { zh: '到期', en: 'The term ends' } }],
})

/**
 * A term that the parties write as dates is in days of the calendar. A period that law counts from a record is in \`context.legalDayMs\`,
 * which a demonstration's ledger shortens.
 */
const calendarDayMs = 86_400_000

/** What identifies one. */
interface Identity {
  readonly owner: string
  readonly number: string
}

/** Only its owner goes on with it. */
function refuseOthers(owner: string, party: string): void {
  if (owner !== party) throw refuse('${family}.not-owner', '/owner', '不是签署主体', 'is not the signing party')
}

const ${camel(first)} = ${life}.step<Identity & { readonly region: string; readonly until: string }>({
  name: '${family}.${first}',
  version: 1,
  title: { zh: '${family} ${first}（请命名）', en: '${capital(first)} (name this)' },
  law: { zh: '请写明依据。', en: 'Say which law or practice.' },
  schema: {
    properties: {
      owner: partyField('主体', 'Owner'),
      number: codeField('编号', 'Number'),
      region: regionField,
      until: timeField('截止', 'Until'),
      note: wordsField('说明', 'Note', 256),
    },
    required: ['owner', 'number', 'region', 'until'],
  },
  roles: 'any',
  refusals: {
    '${family}.in-the-past': {
      zh: { title: '截止已过', cause: '截止时间不晚于区块时间。', remedy: '请核对时间及其时区偏移。' },
      en: { title: 'In the past', cause: 'The end is not after block time.', remedy: 'Check the time and its offset.' },
    },
  },
  findings: {
    '${family}.very-long': {
      zh: { title: '期限过长', cause: '期限为 {0} 日，超过一年。', remedy: '请核查。' },
      en: { title: 'Very long', cause: 'The term is {0} days, more than a year.', remedy: 'Ask why.' },
    },
  },
  key: ({ owner, number }) => [owner, number],
  check({ owner, until }, { blockTime, statement }) {
    refuseOthers(owner, statement.party)
    if (timeOf(until) <= blockTime) throw refuse('${family}.in-the-past', '/until', '已过', 'is not after block time')
  },
  next({ owner, region, until }, context) {
    const days = Math.floor((timeOf(until) - context.blockTime) / calendarDayMs)
    if (days > 366) context.find('${family}.very-long', String(days))
    return { owner, region, until: timeOf(until) }
  },
  subjects: ({ owner, region }) => ({ owner, parties: [owner], region }),
})
${later.map(laterStep).join('')}
export const ${constant}: Family = {
  name: '${family}',
  title: { zh: '${family}（请命名）', en: '${capital(family)} (name this)' },
  purpose: { zh: '请写明依据的法律或惯例，以及这些记录保证什么。', en: 'Say which law or practice it serves and what it promises.' },
  types: [${steps.map(camel).join(', ')}],
  lifecycles: [${life}],
  refusals: {
    '${family}.not-owner': {
      zh: { title: '不是该主体', cause: '只有其主体可以办理。', remedy: '请由该主体签署。' },
      en: { title: 'Not the owner', cause: 'Only its owner may do this.', remedy: 'Have the owner sign.' },
    },
  },
}
`

const test = `import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { ${life} } from '../../../src/chain/catalogue/${family}.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { FoundedLedger, syntheticParty } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'

const base = FoundedLedger.found(catalogueOf(knownTypeNames))
const owner = syntheticParty('440100', 30)
const other = syntheticParty('420100', 31)
const key = base.register('owner of ${family}', owner, [], ['guangzhou', 'beijing'])
const otherKey = base.register('other than the owner', other, [], ['wuhan', 'beijing'])
const start = base.blockTime
const identity = { owner, number: '2026-001' }
const of = (ledger: FoundedLedger, step: string, fields: JsonObject = {}): Statement =>
  ledger.statement(\`${family}.\${step}@1\`, owner, key, { ...identity, ...fields })
const ${camel(first)} = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  of(ledger, '${first}', { region: '440100', until: formatTime(start + 60_000), ...fields })

describe('${family}, state by event', () => {
  testStateTable({
    lifecycle: ${life},
    ledger: base,
    key: [owner, identity.number],
    arrive: {
${steps
  .map((step, at) => {
    const takes = steps.slice(1, at + 1).map((each) => `        ledger.take(of(ledger, '${each}'))`)
    return `      '${done(step)}': (ledger) => {\n        ledger.take(${camel(first)}(ledger))\n${takes.length > 0 ? `${takes.join('\n')}\n` : ''}      },`
  })
  .join('\n')}
      lapsed: (ledger) => {
        ledger.take(${camel(first)}(ledger))
        ledger.blockTime = start + 60_000
      },
    },
    events: {
      '${family}.${first}': (ledger) => ${camel(first)}(ledger),
${later.map((step) => `      '${family}.${step}': (ledger) => of(ledger, '${step}'),`).join('\n')}
    },
  })
})

describe('${family}', () => {
  it('is its owner’s', () => {
    const ledger = base.fork()
    const fields = { ...identity, region: '440100', until: formatTime(start + 1) }
    expect(ledger.submit(ledger.statement('${family}.${first}@1', other, otherKey, fields))).toBe('${family}.not-owner')
  })

  it('is not spoken for by a key that one foreign member vouches for', () => {
    const ledger = base.fork()
    const foreign = ledger.register('${family} in the name of the owner', owner, [], ['wuhan'])
    const fields = { ...identity, region: '440100', until: formatTime(start + 60_000) }
    const statement = ledger.statement('${family}.${first}@1', owner, foreign, fields)
    expect(ledger.submit(statement, { member: 'wuhan' })).toBe('key.out-of-scope')
  })

  it('does not begin in the past', () => {
    const ledger = base.fork()
    expect(ledger.submit(${camel(first)}(ledger, { until: formatTime(start) }))).toBe('${family}.in-the-past')
  })

  it('is flagged when it is very long', () => {
    const ledger = base.fork()
    const index = ledger.take(${camel(first)}(ledger, { until: formatTime(start + 400 * 86_400_000) }))
    expect(ledger.findings.get(index)).toEqual([{ code: '${family}.very-long', values: ['400'] }])
  })
})
`

const listed = list
  .replace(/(\nexport const families)/, `\n$1`)
  .replace(/(import type \{ Family \})/, `import { ${constant} } from './${family}.ts'\n$1`)
  .replace(/\n\n\n/, '\n\n')
  .replace(/,?\n?\]\s*$/, `, ${constant}]\n`)
writeFileSync(file, source)
writeFileSync(testFile, test)
writeFileSync(listFile, listed)
console.log(`src/chain/catalogue/${family}.ts
test/chain/catalogue/${family}.test.ts
src/chain/catalogue/families.ts

npx biome check --write src/chain/catalogue/${family}.ts src/chain/catalogue/families.ts test/chain/catalogue/${family}.test.ts
npx vitest run ${family}                    the frame works
npx vitest run catalogue-document          fails until nothing stands as the frame left it
npx vitest run catalogue-document errors-document protocol-vectors -u     once it says what you mean
npm test`)
