/**
 * A verifier that trusts nobody: it is given a policy file and a folder of proof files with their entries, reads nothing else, opens no
 * connection, and imports nothing but the verification surface. Prints `{"proofsVerified": n, "failed": [...]}`; exit code 1 on any failure.
 *
 *   node test/end-to-end/verify-proofs.ts POLICY DIR
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { VerificationError, verifyProofFile } from '../../src/chain/verify.ts'

const [policyFile, directory] = process.argv.slice(2)
if (policyFile === undefined || directory === undefined) {
  console.error('usage: verify-proofs POLICY DIR')
  process.exit(2)
}
const policy = readFileSync(policyFile)
const failed: { file: string; code: string; reason: string }[] = []
let proofsVerified = 0
for (const file of readdirSync(directory).filter((name) => name.endsWith('.tlog-proof'))) {
  const index = file.slice(0, -'.tlog-proof'.length)
  try {
    const verified = verifyProofFile({
      policy,
      proofFile: readFileSync(join(directory, file)),
      entry: readFileSync(join(directory, `${index}.entry`)),
    })
    if (String(verified.index) !== index) throw new VerificationError('proof-file.malformed', 'names another index')
    proofsVerified++
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error
    failed.push({ file, code: error.code, reason: error.message })
  }
}
console.log(JSON.stringify({ proofsVerified, failed }))
process.exitCode = failed.length > 0 ? 1 : 0
