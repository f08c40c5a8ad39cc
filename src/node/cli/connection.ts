/** Which node a command talks to, and in which language that node answers. */
import { Client } from '../../api/client/client.ts'
import { languageTags } from '../../api/messages.ts'
import type { Language } from './language.ts'

export const defaultUrl = 'http://127.0.0.1:8440'

/** `--url`, else GONGZHENG_URL, else what the home of the command says, else the devnet's first node. */
export function urlOf(given: string | undefined, ofHome?: string): string {
  const fromEnvironment = process.env.GONGZHENG_URL
  return (
    given ??
    (fromEnvironment === undefined || fromEnvironment === '' ? undefined : fromEnvironment) ??
    ofHome ??
    defaultUrl
  )
}

/** A person waits: two attempts tell a restart from a wrong address. */
export const clientFor = (url: string, language: Language, attemptsMax = 2): Client =>
  new Client({ url, language: languageTags[language] as 'zh-CN' | 'en', attemptsMax })
