/** Node runs the sources as they are: each is read by Node's own reader of types, which refuses some of what the compiler and the test runner take. */
import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

test('every source file is one that Node reads', () => {
  const refused = globSync('{src,test}/**/*.ts', { cwd: root }).flatMap((file) => {
    try {
      stripTypeScriptTypes(readFileSync(resolve(root, file), 'utf8'))
      return []
    } catch (error) {
      return [`${file}: ${(error as Error).message}`]
    }
  })
  expect(refused).toEqual([])
  // What began it: good TypeScript, and no file for Node.
  expect(() => stripTypeScriptTypes('for (const of of [1]) console.log(of)')).toThrow()
})
