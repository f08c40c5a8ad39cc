/** The real inputs that may lie beside the project (`../shared/data`): read where they are there, and said plainly where they are not. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** The folder of the inputs, from `GONGZHENG_SHARED_DATA` or beside the project; a work tree of it may lie one level deeper. */
const folder = [
  process.env.GONGZHENG_SHARED_DATA,
  ...['..', '../..'].map((up) => resolve(import.meta.dirname, '../../../..', up, 'shared/data')),
].find((path) => path !== undefined && existsSync(path))

/** The file's text, or undefined with a line that says so. */
export function sharedText(path: string): string | undefined {
  const file = folder === undefined ? undefined : resolve(folder, path)
  if (file !== undefined && existsSync(file)) return readFileSync(file, 'utf8')
  process.stderr.write(`${path}: not beside the project, so what it would show is not shown\n`)
  return undefined
}
