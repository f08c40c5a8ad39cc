/**
 * Scenario scripts: a text file that tells a story in commands and, beneath each, what then happened. A script is run by carrying out its
 * commands and writing the file again with what came of them; it passes when not a character differs.
 *
 *   # What is told
 *   # Guards: the rule, lesson or bug
 *   # Without it: what would happen
 *
 *   propose beijing
 *   ----
 *   beijing appends 1.2
 *
 * Commands on several lines above one `----` belong together. A command that is given no output yet gets it when the file is rewritten.
 */

/** Carries out one command and returns what happened, a line each. */
export type Teller = (words: readonly string[]) => readonly string[]

const separator = '----'

/** The script with the outputs that its commands have now. */
export function retell(script: string, teller: Teller): string {
  const told: string[] = []
  let commands: string[] = []
  let inOutput = false
  const endParagraph = () => {
    if (commands.length > 0) {
      const lines = commands.flatMap((command) => tell(command, teller))
      told.push(...commands, separator, ...(lines.length > 0 ? lines : ['nothing happens']))
    }
    commands = []
    inOutput = false
  }
  for (const line of script.trimEnd().split('\n')) {
    if (line === '') {
      endParagraph()
      told.push('')
    } else if (inOutput) {
    } else if (line.startsWith('#')) {
      endParagraph()
      told.push(line)
    } else if (line === separator) inOutput = true
    else commands.push(line)
  }
  endParagraph()
  return `${told.join('\n')}\n`
}

/** Only the outcome is told of what is said `quietly`. */
function tell(command: string, teller: Teller): readonly string[] {
  const words = command.split(/[\s,]+/).filter((word) => word !== '')
  try {
    if (words[0] !== 'quietly') return teller(words)
    teller(words.slice(1))
    return ['ok']
  } catch (error) {
    if (error instanceof Error) error.message = `in "${command}": ${error.message}`
    throw error
  }
}

/** Splits at the named words: `beijing to wuhan hangzhou` is { before: [beijing], to: [wuhan, hangzhou] }. */
export function clauses<Name extends string>(
  words: readonly string[],
  names: readonly Name[],
): { before: string[] } & Partial<Record<Name, string[]>> {
  const found: Record<string, string[]> = { before: [] }
  let current = found.before!
  for (const word of words) {
    if ((names as readonly string[]).includes(word)) {
      current = []
      found[word] = current
    } else current.push(word)
  }
  return found as { before: string[] } & Partial<Record<Name, string[]>>
}

/** Words and, at their end, a number. */
export function counted(
  words: readonly string[],
  otherwise = 1,
): { readonly rest: readonly string[]; readonly count: number } {
  const last = Number(words.at(-1))
  return Number.isInteger(last) ? { rest: words.slice(0, -1), count: last } : { rest: words, count: otherwise }
}

export interface Heading {
  readonly title: string
  readonly guards: string
  readonly without: string
}

/** What the first comment of a script says of it; undefined if it does not say all three. */
export function headingOf(script: string): Heading | undefined {
  const comment = script
    .slice(0, script.indexOf('\n\n'))
    .split('\n')
    .map((line) => line.replace(/^# ?/, ''))
    .join(' ')
  const [, title, guards, without] = /^(.+?) Guards: (.+?) Without it: (.+)$/.exec(comment) ?? []
  return title === undefined || guards === undefined || without === undefined ? undefined : { title, guards, without }
}
