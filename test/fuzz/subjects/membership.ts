/** What proves an epoch to a stranger: a certificate of governance, or the record that closed the epoch before. From any server, or a table. */

import { ed25519Sign } from '#crypto'
import { toHex } from '../../../src/chain/bytes.ts'
import { encodeEntry } from '../../../src/chain/entry.ts'
import { genesisRef } from '../../../src/chain/epoch.ts'
import { readFounding } from '../../../src/chain/founding.ts'
import { closingProof, epochsFrom, isEpochProof } from '../../../src/chain/membership.ts'
import { leafHash, TreeFrontier } from '../../../src/chain/merkle-tree.ts'
import { signStatement } from '../../../src/chain/statement.ts'
import { VerificationError, verificationTexts } from '../../../src/chain/verification-error.ts'
import { attestationOf, refoundingBy } from '../../chain/refounding-fixture.ts'
import { found, refoundedMember } from '../../simulation/founding.ts'
import { mutateCbor } from '../mutation.ts'
import { hold, refusedOr, type Subject } from '../subject.ts'

const { genesis, members } = found(4, {}, Date.UTC(2026, 0, 1), 1)
const old = members.slice(0, 4)
const founded = readFounding(genesis.entry)
const five = members.map(({ member }) => member)

function proofs(): Uint8Array[] {
  const { centre, member } = members[0]!
  const statement = signStatement(
    { type: 'test.close@1', ledger: genesis.ledger, party: member.party, key: 'close' },
    { tagged: centre.publicKey, sign: (message) => ed25519Sign(centre.seed, message) },
  )
  const entry = encodeEntry({ member: member.id, receivedAt: Date.UTC(2026, 0, 2), statement })
  const tree = new TreeFrontier()
  for (const leaf of [genesis.entry, entry]) tree.append(leafHash(leaf))
  const start = { block: genesisRef(genesis), size: 2, root: toHex(tree.root()) }
  const attestation = attestationOf(genesis.origin, start, old.slice(0, 3))
  const going = [refoundedMember(members[1]!, 1), refoundedMember(members[2]!, 1), members[4]!]
  const block = { ...start.block, height: start.block.height + 1 } as typeof start.block
  const terms = {
    ledger: genesis.ledger,
    epoch: 1,
    start: { ...start, block },
    members: going.map((each) => each.member),
  }
  return [
    refoundingBy(terms, attestation, old.slice(0, 3)).bytes,
    closingProof({ block, entry, path: [leafHash(genesis.entry)], attestation }),
  ]
}

export const epochProof: Subject = {
  name: 'epoch-proof',
  seeds: proofs,
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(
      VerificationError,
      (code) => code.startsWith('membership.') && Object.hasOwn(verificationTexts, code),
      () => {
        const epoch = epochsFrom(founded, genesis.entry, [input], ({ key }) =>
          key === 'close' ? { members: five } : undefined,
        )
        hold(isEpochProof(input), 'it is known by its looks')
        hold(epoch.number === 1 && epoch.start.size === 2, 'it begins where the old members attested')
        const ids = epoch.members.map(({ id }) => id)
        hold([3, 5].includes(ids.length) && ids.includes('xiamen'), 'nobody but those who were signed for')
      },
    ),
}
