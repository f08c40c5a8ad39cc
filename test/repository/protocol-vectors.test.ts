/** The vectors of docs/protocol.md are what the code computes. To write them anew: npx vitest run test/repository/protocol-vectors.test.ts -u */
import { expect, test } from 'vitest'
import { protocolVectors } from './protocol-vectors.ts'

test('docs/protocol-vectors.json holds what the code computes', async () => {
  const text = `${JSON.stringify(protocolVectors(), null, 2)}\n`
  await expect(text).toMatchFileSnapshot('../../docs/protocol-vectors.json')
})
