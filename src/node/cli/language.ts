/** In which of the two languages the command line speaks, and texts that have both. */
import type { Language } from '../../api/messages.ts'

export type { Language } from '../../api/messages.ts'

/** The same thing said in both languages. */
export interface Bilingual {
  readonly zh: string
  readonly en: string
}

export const both = (zh: string, en: string): Bilingual => ({ zh, en })

/**
 * `--lang` where it is given, else what the environment says in the order of POSIX (LC_ALL, LC_MESSAGES, LANG); Chinese when that is
 * not English. Read before the arguments are parsed, because help and complaints about them have a language too.
 */
export function languageOfCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Language {
  const at = argv.findIndex((argument) => argument === '--lang' || argument.startsWith('--lang='))
  const given = at < 0 ? undefined : argv[at]!.includes('=') ? argv[at]!.slice('--lang='.length) : argv[at + 1]
  if (given === 'zh' || given === 'en') return given
  const locale = [env.LC_ALL, env.LC_MESSAGES, env.LANG].find((value) => value !== undefined && value !== '') ?? ''
  return /^en(?![a-z])/i.test(locale) ? 'en' : 'zh'
}
