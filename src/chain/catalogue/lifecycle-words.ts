/**
 * What a lifecycle says when a record does not fit: the three refusals that each has, and the sentence that names the states in their own
 * words. The words are general — of a plot of land as of a tender — and say nothing that only one family knows.
 */
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { formatTime } from '../time.ts'
import { type Bilingual, type Instance, type LifecycleTable, nothing } from './statement-type.ts'

/** `<name>.unknown`, `<name>.exists`, `<name>.wrong-state`. */
export function lifecycleRefusals(name: string, title: Bilingual): RefusalTexts {
  return {
    [`${name}.unknown`]: {
      zh: {
        title: `${title.zh}不在账本上`,
        cause: `报文所指的${title.zh}在账本上没有记录。`,
        remedy: '请核对标识的各个部分，或先提交建立它的报文。',
      },
      en: {
        title: `No such ${title.en}`,
        cause: `The ${title.en} that the statement is about has no record on the ledger.`,
        remedy: 'Check every part of its identity, or first submit the statement that begins it.',
      },
    },
    [`${name}.exists`]: {
      zh: {
        title: `${title.zh}已存在`,
        cause: `同一标识的${title.zh}已在账本上。`,
        remedy: '请核对标识；如要变更，请提交变更类报文。',
      },
      en: {
        title: `${capitalised(title.en)} already there`,
        cause: `There is a ${title.en} with this identity on the ledger.`,
        remedy: 'Check the identity; to change it, submit the statement that changes it.',
      },
    },
    [`${name}.wrong-state`]: {
      zh: {
        title: `${title.zh}的当前状态不允许`,
        cause: `在区块时间，该${title.zh}所处的状态不允许这一步；详情列出当前状态与可行的步骤。`,
        remedy: '请查询其时间线；因时间而起的状态变化由区块时间判定。',
      },
      en: {
        title: `Not in this state of the ${title.en}`,
        cause: `At block time the ${title.en} is in a state that does not allow this step; the detail says which, and what is allowed now.`,
        remedy: 'Look up its timeline; what happens by the clock is judged in block time.',
      },
    },
  }
}

const capitalised = (words: string): string => words.slice(0, 1).toUpperCase() + words.slice(1)

type Words = Pick<LifecycleTable, 'name' | 'states' | 'byRecord'>

/**
 * Why a record of this type does not fit where the instance stands. As everything that the rules say to people: `中文 | English`.
 * @param subject what the indexes call the instance
 */
export function misfit(
  life: Words,
  subject: string,
  event: string,
  instance: Pick<Instance<string, unknown>, 'state' | 'since' | 'index'> | undefined,
): Refusal {
  const { name, byRecord } = life
  // The bar between the languages must not stand in a name.
  const what = subject.replaceAll('|', '%7C')
  const allowedIn = (state: string): readonly string[] =>
    Array.from(new Set(byRecord.filter(({ from }) => from.includes(state)).map(({ on }) => on)))
  if (instance === undefined) {
    const [zh, en] = [allowedIn(nothing).join('、'), allowedIn(nothing).join(', ')]
    return new Refusal(
      `${name}.unknown`,
      `账本上没有 ${what}；先提交：${zh} | there is no ${what}; it begins with ${en}`,
    )
  }
  const needed = byRecord.filter(({ on }) => on === event).flatMap(({ from }) => from)
  if (needed.every((state) => state === nothing)) {
    const { index } = instance
    return new Refusal(`${name}.exists`, `记录 ${index} 已是 ${what} | record ${index} is about ${what} already`)
  }
  const since = formatTime(instance.since)
  const next = allowedIn(instance.state)
  const zh = [
    `${what} 自 ${since} 起为「${wordsOf(life, instance.state).zh}」`,
    `${event} 须在${needed.map((state) => `「${wordsOf(life, state).zh}」`).join('')}时提交`,
    next.length === 0 ? '现已没有可提交的报文' : `现在可提交：${next.join('、')}`,
  ]
  const en = [
    `${what} is "${wordsOf(life, instance.state).en}" since ${since}`,
    `${event} needs ${needed.map((state) => `"${wordsOf(life, state).en}"`).join(' or ')}`,
    next.length === 0 ? 'nothing more is allowed' : `allowed now: ${next.join(', ')}`,
  ]
  return new Refusal(`${name}.wrong-state`, `${zh.join('；')} | ${en.join('; ')}`)
}

function wordsOf({ states }: Words, state: string): Bilingual {
  return state === nothing ? { zh: '尚无记录', en: 'not on the ledger' } : states[state]!
}
