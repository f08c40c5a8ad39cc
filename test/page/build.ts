/**
 * Builds the verifier page into one file, `src/page/verifier.html`: script and style inside, nothing outside, and a content security policy
 * that names exactly these two by their hashes. The same sources give the same bytes, so the result is committed and a test builds it again.
 *
 *   npm run build:page
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '../..')
const page = join(root, 'src/page')
export const verifierPagePath = join(page, 'verifier.html')

export async function buildVerifierPage(): Promise<string> {
  const script = await scriptOf(join(page, 'main.ts'))
  const style = readFileSync(join(page, 'style.css'), 'utf8').replace(/\n/g, '')
  const source = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const policy = [
    "default-src 'none'",
    `script-src ${source(script)}`,
    `style-src ${source(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  const parts = new Map([
    ['policy', policy],
    ['style', style],
    ['script', script],
  ])
  const template = readFileSync(join(page, 'template.html'), 'utf8')
  const built = template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    const part = parts.get(name) ?? whole
    parts.delete(name)
    return part
  })
  if (parts.size > 0) throw new Error(`the template has no place for ${[...parts.keys()].join(', ')}`)
  return built
}

/** As browsers resolve it: `#crypto` is the portable twin. */
async function scriptOf(input: string): Promise<string> {
  const bundle = await rolldown({ input, cwd: root, platform: 'browser', logLevel: 'warn' })
  const { output } = await bundle.generate({ format: 'iife', minify: true, comments: false })
  await bundle.close()
  const [chunk, ...others] = output
  if (others.length > 0) throw new Error('the script is one piece')
  // What would end the element early may not stand in it.
  if (/<\/script|<!--/i.test(chunk.code)) throw new Error('the script holds the end of a script element')
  return chunk.code.trimEnd()
}

if (process.argv[1] === import.meta.filename) writeFileSync(verifierPagePath, await buildVerifierPage())
