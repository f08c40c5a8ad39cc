/** Record types that only tests know: what newer software brings. */
import { rowName } from '../../src/chain/catalogue/register.ts'
import type { Family, StatementType } from '../../src/chain/catalogue/statement-type.ts'
import { wordsField } from '../../src/chain/catalogue/values.ts'

const words = {
  zh: { title: '试用', cause: '试用。', remedy: '试用。' },
  en: { title: 'T', cause: 'T.', remedy: 'T.' },
}

const trial = (name: string, version: number): StatementType => ({
  name,
  version,
  title: { zh: '试用记录', en: 'Trial record' },
  law: { zh: '无', en: 'none' },
  schema: { properties: { words: wordsField('内容', 'Words', 64) }, required: ['words'] },
  roles: 'any',
  refusals: { [`${name}-${version === 1 ? 'first' : 'second'}.never`]: words },
  apply: ({ words }, { state, index }) => state.set(rowName('trial', String(words)), [1, index]),
  subjects: () => ({ parties: [], subjects: ['trial/record'] }),
})

export const trialFamily: Family = {
  name: 'trial',
  title: { zh: '试用', en: 'Trial' },
  purpose: { zh: '仅供测试。', en: 'For tests only.' },
  types: [trial('trial.record', 1), trial('trial.record', 2)],
}
