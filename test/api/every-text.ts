/**
 * Gathers the words of every stable code from the modules that declare them, by looking for what has the form of `RefusalTexts`: so no
 * list has to be kept, and a code declared anywhere reaches docs/errors.md. Also what the source refuses with, for the opposite check.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { catalogueOf, knownTypeNames } from '../../src/chain/catalogue/catalogue.ts'
import type { RefusalText, RefusalTexts } from '../../src/chain/refusal.ts'
import { type NetworkCodeText, networkCodes } from '../../src/node/network-code.ts'

const root = join(import.meta.dirname, '../..')

/** Modules of the command line act when they are imported; what they say is in the other modules. */
const sourceFiles = globSync('src/**/*.ts', { cwd: root })
  .filter((file) => !file.startsWith('src/node/cli/'))
  .sort()

export interface DeclaredText {
  /** Where it stands, for the message of a failing test. */
  readonly file: string
  readonly code: string
  readonly text: RefusalText
}

export async function everyText(): Promise<readonly DeclaredText[]> {
  const declared: DeclaredText[] = []
  for (const file of sourceFiles) {
    if (!/RefusalTexts/.test(readFileSync(join(root, file), 'utf8'))) continue
    const exported = (await import(pathToFileURL(join(root, file)).href)) as Record<string, unknown>
    for (const value of Object.values(exported)) {
      if (isTexts(value)) for (const [code, text] of Object.entries(value)) declared.push({ file, code, text })
    }
  }
  const files = new Set(declared.map(({ code }) => code))
  // Codes of one record type are declared inside that type.
  for (const [code, text] of Object.entries(catalogueOf(knownTypeNames).refusals)) {
    if (!files.has(code)) declared.push({ file: 'src/chain/catalogue', code, text })
  }
  return declared
}

/** Why connections between nodes end: for operators only, in one sentence each. */
export const connectionTexts: Readonly<Record<string, NetworkCodeText>> = networkCodes

function isTexts(value: unknown): value is RefusalTexts {
  if (typeof value !== 'object' || value === null) return false
  const entries = Object.entries(value)
  return entries.length > 0 && entries.every(([code, text]) => codeForm.test(code) && isText(text))
}

const isText = (text: unknown): boolean =>
  typeof text === 'object' && text !== null && 'zh' in text && 'en' in text && typeof text.zh === 'object'

export const codeForm = /^[a-z][a-z0-9]*(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*$/

/** Every code that the source throws by name: `new Refusal('…'`, `new Problem('…'`, `refuse('…'`. */
export function codesThrown(): readonly { readonly file: string; readonly code: string }[] {
  return sourceFiles.flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8')
    return [
      ...source.matchAll(
        /(?:new (?:Refusal|Problem|VerificationError|ProofError|IdentityError)|\brefuse)\(\s*'([^']+)'/g,
      ),
    ].map((match) => ({
      file,
      code: match[1]!,
    }))
  })
}
